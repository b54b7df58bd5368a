"""What is installed, and what installing the daemon would do."""

from __future__ import annotations

from dataclasses import replace
from typing import Optional

from ntpjoin.facts import PackageFacts
from ntpjoin.host.machine import Host
from ntpjoin.host.packages.manager import CACHE, NO_INDEXES, manager, wait_idle
from ntpjoin.model import Event, Tell
from ntpjoin.systems import Row


def look_installed(host: Host, row: Row) -> PackageFacts:
    """What is installed now."""
    installed, unfinished = manager(row.manager).installed(host)
    return PackageFacts(installed=installed, unfinished=unfinished)


def look_packages(
    host: Host, row: Row, now: PackageFacts, *, clock_behind_s: Optional[float], tell: Tell, enable: bool = False
) -> PackageFacts:
    """The same as `now`; where the daemon is not installed, also what installing it would do, and the files that undo will need.

    Waits until nobody else uses the package manager, refreshes the package indexes, and fetches those files: caches both.
    `clock_behind_s` None means that the clock is not known, and then the indexes are left as they are. With `enable` the row's
    repository may be enabled where no other has the daemon.
    """
    if all(name in now.installed for name in row.packages):
        return now
    packages = manager(row.manager)
    who = wait_idle(host, packages, tell)
    now = replace(look_installed(host, row), busy=who)
    if who or all(name in now.installed for name in row.packages):
        return now
    if clock_behind_s is not None:
        tell(Event("looking", "look", "refreshing the package indexes"))
        problem = packages.refresh(host, clock_behind_s=clock_behind_s)
        if problem:
            return replace(now, problem=f"{NO_INDEXES}:\n{problem}")
    found = packages.simulate(host, row.packages)
    if found.missing and enable and row.repository and row.repository.package:
        asked = packages.simulate(host, (row.repository.package,))
        if asked.install:
            return replace(now, enables=asked.install, problem=asked.problem)
        return replace(now, problem=asked.problem or found.problem, missing=True, in_vain=True)
    leave = (*found.remove, *found.upgrade)
    kept = packages.fetch(host, leave, CACHE) if leave else {}
    return replace(
        now,
        install=found.install,
        remove=found.remove,
        upgrade=found.upgrade,
        kept=kept,
        problem=found.problem,
        missing=found.missing,
    )
