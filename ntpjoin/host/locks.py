"""Who holds a file locked: the kernel is asked, and no lock is taken."""

from __future__ import annotations

import fcntl
import struct
from collections.abc import Iterable
from typing import Optional

from ntpjoin.host.machine import Host

#: struct flock of fcntl(2): type, whence, start, length, process id; padded to its size on 64-bit machines.
_FLOCK = "hhqqi4x"


def holder(host: Host, path: str) -> Optional[int]:
    """The process that holds a lock of the kind of fcntl(2) on this file (0: it is not told which); None where nobody does.

    None also where there is no such file, and for who may not read it.
    """
    try:
        with host.path(path).open("rb") as file:
            asked = struct.pack(_FLOCK, fcntl.F_WRLCK, 0, 0, 0, 0)
            kind, _, _, _, pid = struct.unpack(_FLOCK, fcntl.fcntl(file, fcntl.F_GETLK, asked))
    except OSError:
        return None
    return None if kind == fcntl.F_UNLCK else max(0, pid)


def held(host: Host, paths: Iterable[str]) -> str:
    """Who holds a lock on one of these files, in words: 'apt-get (process 412), which holds /a'; '' where nobody does."""
    for path in paths:
        pid = holder(host, path)
        if pid is not None:
            return f"{named(host, pid)}, which holds {path}"
    return ""


def named(host: Host, pid: int) -> str:
    """A process as one would look for it: 'apt-get (process 412)'."""
    if not pid:
        return "a process that the kernel does not name"
    return f"{host.text(f'/proc/{pid}/comm').strip() or 'a program'} (process {pid})"
