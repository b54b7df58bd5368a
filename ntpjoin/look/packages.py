"""What is installed, and what installing the daemon would do."""

from __future__ import annotations

from typing import Callable, Optional

from ntpjoin.facts import PackageFacts, Row
from ntpjoin.host import apt
from ntpjoin.host.machine import Host


def look_installed(host: Host) -> PackageFacts:
    """What is installed now."""
    installed, unfinished = apt.installed(host)
    return PackageFacts(installed=installed, unfinished=unfinished)


def look_packages(
    host: Host, row: Row, now: PackageFacts, *, clock_behind_s: Optional[float], say: Callable[[str], None]
) -> PackageFacts:
    """The same as `now`; where the daemon is not installed, also what installing it would do, and the files that undo will need.

    Refreshes the package indexes then, and fetches those files: caches both. `clock_behind_s` None means that the clock is
    not known, and then the indexes are left as they are.
    """
    if all(name in now.installed for name in row.packages):
        return now
    if clock_behind_s is not None:
        say("refreshing the package indexes")
        problem = apt.refresh(host, clock_behind_s=clock_behind_s)
        if problem:
            return PackageFacts(now.installed, now.unfinished, problem=f"the package indexes cannot be had:\n{problem}")
    install, remove, problem = apt.simulate(host, row.packages)
    kept = apt.fetch(host, remove, apt.CACHE) if remove and not problem else {}
    return PackageFacts(now.installed, now.unfinished, install, remove, kept, problem)
