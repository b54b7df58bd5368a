"""What is installed, and what installing the daemon would do."""

from __future__ import annotations

from dataclasses import replace
from typing import Optional

from ntpjoin.facts import PackageFacts, Row
from ntpjoin.host import apt
from ntpjoin.host.machine import Host
from ntpjoin.model import Event, Tell


def look_installed(host: Host) -> PackageFacts:
    """What is installed now."""
    installed, unfinished = apt.installed(host)
    return PackageFacts(installed=installed, unfinished=unfinished)


def look_packages(
    host: Host, row: Row, now: PackageFacts, *, clock_behind_s: Optional[float], tell: Tell
) -> PackageFacts:
    """The same as `now`; where the daemon is not installed, also what installing it would do, and the files that undo will need.

    Waits until nobody else uses the package manager, refreshes the package indexes, and fetches those files: caches both.
    `clock_behind_s` None means that the clock is not known, and then the indexes are left as they are.
    """
    if all(name in now.installed for name in row.packages):
        return now
    who = apt.wait_idle(host, tell)
    now = replace(look_installed(host), busy=who)
    if who or all(name in now.installed for name in row.packages):
        return now
    if clock_behind_s is not None:
        tell(Event("looking", "look", "refreshing the package indexes"))
        problem = apt.refresh(host, clock_behind_s=clock_behind_s)
        if problem:
            return replace(now, problem=f"the package indexes cannot be had:\n{problem}")
    found = apt.simulate(host, row.packages)
    leave = (*found.remove, *found.upgrade)
    kept = apt.fetch(host, leave, apt.CACHE) if leave else {}
    return replace(
        now, install=found.install, remove=found.remove, upgrade=found.upgrade, kept=kept, problem=found.problem
    )
