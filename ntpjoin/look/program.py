"""The ntpjoin that runs: what a timer would have to start to run the same."""

from __future__ import annotations

import hashlib
import stat
import sys
from pathlib import Path, PurePosixPath

from ntpjoin.errors import CommandFailed
from ntpjoin.facts import Program
from ntpjoin.host.machine import Host

#: Where programs stay, unlike in a home or in /tmp.
_PLACES = ("/usr/", "/opt/")


def look_program(host: Host) -> Program:
    """The Python, and the one file that it runs, if it is one; or whether it would run the same again as root, from anywhere."""
    path = _archive()
    if path:
        content = host.read(path) or b""
        return Program(sys.executable, path, hashlib.sha256(content).hexdigest(), _lasts(host, path))
    package = str(Path(__file__).resolve().parents[1])
    return Program(sys.executable, lasts=_lasts(host, package) and _starts(host))


def _archive() -> str:
    """The zip archive that this module was imported from, '' where it lies in a folder."""
    found = getattr(getattr(__spec__, "loader", None), "archive", "")
    return str(Path(found).resolve()) if found else ""


def _lasts(host: Host, path: str) -> bool:
    """Whether root can start it from there every day: below /usr or /opt, and nobody but root can put another one in its place."""
    if not path.startswith(_PLACES):
        return False
    places = [host.path(str(place)).stat() for place in (path, *PurePosixPath(path).parents)]
    return all(place.st_uid == 0 and not _others_write(place.st_mode, place.st_gid) for place in places)


def _others_write(mode: int, group: int) -> bool:
    return bool(mode & stat.S_IWOTH or (mode & stat.S_IWGRP and group != 0))


def _starts(host: Host) -> bool:
    """Whether that Python finds the package by itself, as it would for systemd: not by the folder in which it was started."""
    try:
        host.run([sys.executable, "-I", "-m", "ntpjoin", "--version"])
    except CommandFailed:
        return False
    return True
