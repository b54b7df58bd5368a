"""How packages go again and how those that went come back: settled before anything of it is done, for without time nobody serves."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from typing import Literal

from ntpjoin.errors import StepFailed
from ntpjoin.host.packages.manager import Manager
from ntpjoin.model import Undone
from ntpjoin.provision.changes import kept
from ntpjoin.provision.changes.base import Site, listed
from ntpjoin.records import dataclass


@dataclass(frozen=True)
class WayBack:
    """What `goes`, and the `files` of what comes back; `along` are packages that these need and that were not there before.

    `needed` came, too, but stays: others that somebody has installed since need it by now.

    `problem` tells why it cannot be done, and then nothing is: '' where it can.
    """

    goes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    along: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    problem: str = ""
    state: Literal["restored", "kept", "failed"] = "restored"

    def not_gone(self, what: str) -> Undone:
        """All stays as it is; `what` would have gone, '' where it has already."""
        return Undone(self.state, f"{what} stays: {self.problem}" if what else self.problem)


def way_back(
    site: Site, packages: Manager, came: Sequence[str], files: Sequence[str], wanted: Collection[str]
) -> WayBack:
    """How to take out what `came` and to bring back these kept files; of what came only `wanted` has to go.

    After an upgrade these may no longer fit what is installed: a daemon of systemd needs systemd's library at its own version. Then,
    or where one is damaged, and only then, the same packages are taken from the repositories, at the version that fits.
    """
    goes, others = _separable(site, packages, came, wanted)
    needed = tuple(name for name in came if name not in goes)
    why = ""
    try:
        kept.check(site, packages, files)
        others |= set(packages.would_remove(site.host, files, without=goes)) - set(goes)
    except StepFailed as error:
        why = error.message
    if others:
        since = tuple(sorted(others - set(came) or others))
        text = f"taking it back would remove {listed(since)}, installed since; once that is gone type: ntpjoin undo"
        return WayBack(problem=text, state="kept")
    way = _from_repositories(site, packages, goes, files, why) if why else WayBack(goes, tuple(files))
    return dataclasses.replace(way, needed=needed)


def _separable(
    site: Site, packages: Manager, came: Sequence[str], wanted: Collection[str]
) -> tuple[tuple[str, ...], set[str]]:
    """What came without the dependencies that others need by now, and what would go with that all the same.

    Not every package manager tells at once also who needs those others.
    """
    goes = tuple(came)
    while True:
        others = set(packages.goes_with(site.host, goes)) - set(goes)
        loose = (name for name in goes if name in wanted or not set(packages.goes_with(site.host, (name,))) - set(goes))
        fewer = tuple(loose) if others else goes
        if fewer == goes:
            return goes, others
        goes = fewer


def _from_repositories(site: Site, packages: Manager, came: Sequence[str], files: Sequence[str], why: str) -> WayBack:
    """By the indexes that are there; if that leads to nothing, by new ones: they may name files that no mirror has any more."""
    there, _ = packages.installed(site.host)
    gone = tuple(name for name in map(packages.name_of, files) if name not in there)
    older = tuple(file for file in files if packages.name_of(file) in there)
    for fresh in (False, True):
        if gone and not (fresh and packages.refresh(site.host, clock_behind_s=0.0)):
            try:
                return _fetched(site, packages, came, gone, older)
            except StepFailed:
                continue
    names = listed(tuple(map(packages.name_of, files)))
    remedy = (
        f"type: {packages.LOOK}; {packages.INSTALL} {' '.join(gone)}; ntpjoin undo" if gone else "look at that first"
    )
    return WayBack(problem=f"{names} cannot come back: {why}; {remedy}", state="failed")


def _fetched(
    site: Site, packages: Manager, came: Sequence[str], gone: tuple[str, ...], older: tuple[str, ...]
) -> WayBack:
    """Its files lie in the run's folder, as those of the installation did. Raises StepFailed where it takes more than that."""
    found = packages.simulate(site.host, gone, without=came)
    others = {package.name for package in (*found.remove, *found.upgrade)} - set(came)
    if found.problem or others or not {package.name for package in found.install} >= set(gone):
        raise StepFailed(found.problem or "installing it would change other packages")
    files = (*(kept.keep(site, packages, package) for package in found.install), *older)
    if set(packages.would_remove(site.host, files, without=came)) - set(came):
        raise StepFailed("installing it would remove other packages")
    return WayBack(tuple(came), files, tuple(package.name for package in found.install if package.name not in gone))
