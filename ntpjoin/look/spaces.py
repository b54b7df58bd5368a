"""Whether what a set-up writes can be written, and how much room there is."""

from __future__ import annotations

import os

from ntpjoin.facts import Space
from ntpjoin.host.machine import Host

#: Packages go to /usr, their configuration to /etc; their state, the journal and caches to /var.
FOLDERS = ("/etc", "/usr", "/var/lib", "/var/cache")


def look_spaces(host: Host, *more: str) -> tuple[Space, ...]:
    """The file systems below those folders and `more`, the room kept for root counted in; one that cannot be asked is left out."""
    found = []
    for folder in (*FOLDERS, *more):
        try:
            told = os.statvfs(host.path(folder))
        except OSError:
            continue
        found.append(Space(folder, not told.f_flag & os.ST_RDONLY, told.f_bfree * told.f_frsize))
    return tuple(found)
