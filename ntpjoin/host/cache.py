"""What may be forgotten at any time: small files in a folder of whoever runs ntpjoin. Where there is none, nothing is kept."""

from __future__ import annotations

import os
import stat
from typing import Optional

from ntpjoin.errors import StepFailed
from ntpjoin.host.machine import FileState, Host


def folder(host: Host, name: str) -> str:
    """Where files of this kind lie: below /var/cache for root, else by the XDG Base Directory rules; '' where those tell nothing."""
    if host.is_root():
        return f"/var/cache/ntpjoin/{name}"
    home = os.environ.get("HOME", "")
    above = os.environ.get("XDG_CACHE_HOME", "") or (f"{home}/.cache" if home else "")
    return f"{above}/ntpjoin/{name}" if above.startswith("/") else ""


def read(host: Host, folder: str, name: str) -> Optional[bytes]:
    """A file of it; None where there is none, or where others could have put it there."""
    return host.read(f"{folder}/{name}") if _ours(host, folder) else None


def keep(host: Host, folder: str, name: str, content: bytes) -> None:
    """Put a file there, whole or not at all; where that cannot be, it is not kept."""
    if not folder:
        return
    try:
        host.make_folder(folder, 0o700)
        if _ours(host, folder):
            host.write(f"{folder}/{name}", FileState(content, 0o600, ""))
    except (OSError, StepFailed):
        return


def forget(host: Host, folder: str, name: str) -> None:
    """Take a file away, if that can be."""
    if _ours(host, folder):
        try:
            host.remove(f"{folder}/{name}")
        except StepFailed:
            return


def _ours(host: Host, folder: str) -> bool:
    try:
        info = host.path(folder).lstat()
    except (OSError, ValueError):
        return False
    return bool(folder) and stat.S_ISDIR(info.st_mode) and info.st_uid == os.geteuid() and not info.st_mode & 0o022
