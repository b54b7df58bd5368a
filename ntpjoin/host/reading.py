"""Reading what the kernel and others write: processes, files of KEY=value lines, whose a file is."""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Iterator
from typing import Optional

from ntpjoin.host import owners, words
from ntpjoin.host.machine import Host
from ntpjoin.surroundings import Place

#: Its id and the words of its command line.
Process = tuple[int, tuple[str, ...]]


def processes(host: Host) -> Iterator[Process]:
    """Every process of this machine that has a command line."""
    for name in host.names("/proc"):
        if name.isdigit():
            line = host.read(f"/proc/{name}/cmdline")
            if line:
                yield int(name), tuple(word.decode(errors="replace") for word in line.rstrip(b"\0").split(b"\0"))


def environment(text: str) -> dict[str, str]:
    """A file of KEY=value lines as systemd and shells write them (os-release(5)): quotes taken off, comments left out."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        key, sign, value = line.strip().partition("=")
        if sign and key.isidentifier():
            with contextlib.suppress(ValueError):
                told = words.split(value, comments=True)
                found[key] = told[0] if told else ""
    return found


def head(host: Host, path: str, most: int = 4096) -> str:
    """The beginning of a file that the kernel makes as it is read; '' where there is none, or the kernel does not tell."""
    try:
        with host.path(path).open("rb") as file:
            return file.read(most).decode(errors="replace")
    except OSError:
        return ""


def place(host: Host, path: str) -> Optional[Place]:
    """Whose a file or folder is; None where there is none, or the way there is closed to us."""
    try:
        info = host.path(path).stat()
    except OSError:
        return None
    return Place(path, info.st_uid, info.st_gid, owners.name(info.st_uid, info.st_gid), stat.S_IMODE(info.st_mode))


def unit_of(host: Host, pid: int) -> str:
    """The unit that a process belongs to, '' where none is told: by its control groups (systemd.resource-control(5))."""
    parts = (part for line in host.text(f"/proc/{pid}/cgroup").splitlines() for part in line.split("/")[:0:-1])
    return next((part for part in parts if part.endswith((".service", ".scope"))), "")
