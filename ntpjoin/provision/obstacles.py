"""What stands in the way of single changes: the disk, the daemon's unit, the packages. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ntpjoin.facts import Facts
from ntpjoin.host.packages.manager import NO_INDEXES, manager
from ntpjoin.model import Blocker
from ntpjoin.provision.changes.base import listed
from ntpjoin.systems import Row, to_type

#: apt's words for a Release file from the future. No offset was measured, else apt would have been told.
_NOT_YET = "is not valid yet"
#: The words of sqv, which checks signatures for newer apts and cannot be told of any offset (seen: apt 3.0 of Debian 13).
_NOT_LIVE = "Not live until"
_SET_CLOCK_FIRST = (
    "this host's clock is behind, and this apt cannot be told so: set it first (date -s '+SECONDS seconds')"
)
_SET_CLOCK = "this host's clock is behind: set it (date -s), or name --upstream NAME, four to seven times, so that it is measured"


def space_blockers(facts: Facts, room: int) -> Iterator[Blocker]:
    """What keeps changes from being written. `room` is how many bytes are set aside for taking them back; 0: there are none."""
    if not room:
        return
    shut = [space.folder for space in facts.spaces if not space.writable]
    if shut:
        text = f"{' and '.join(shut)} cannot be written: the file system is read-only"
        yield Blocker("read-only", text, f"look at: findmnt -T {shut[0]}; after a fault of the disk: dmesg")
    for space in facts.spaces:
        if space.folder == "/var/lib" and space.writable and space.free < room:
            free, needed = space.free >> 20, room >> 20
            text = f"{free} MB are free in {space.folder}; {needed} MB are set aside there for taking back"
            yield Blocker("disk-full", text, f"make room; look at: df {space.folder}")


#: What is to be typed to go on with a run, where that is more than its command.
_TYPED = {"web-redirect": "web-redirect --apply"}


def unfinished_blockers(facts: Facts, *continued: str) -> Iterator[Blocker]:
    """A run of a command that is none of those `continued` by this one, and that died half way, must not be closed by it."""
    last = facts.journal.last
    if last and last.state == "open" and last.command not in continued:
        typed = _TYPED.get(last.command, last.command)
        remedy = f"ntpjoin {typed} continues it, ntpjoin undo --last takes it back"
        yield Blocker("unfinished", f"an earlier run, ntpjoin {last.command}, died half way", remedy)


def unit_blockers(facts: Facts, row: Row) -> Iterator[Blocker]:
    """Why the daemon's unit could never start."""
    if facts.unit(row.unit).load == "masked":
        text = f"{row.unit} is masked: somebody wants that it never starts"
        yield Blocker("masked", text, f"if that is over, type: {to_type('unmask', row.unit)}")


def package_blockers(facts: Facts, row: Row) -> Iterator[Blocker]:
    """Why the daemon's packages cannot be installed so that undo can take them back."""
    names, packages = " ".join(row.packages), facts.packages
    if packages.busy:
        text = f"{names} cannot be installed yet, the package manager is in use by {packages.busy}"
        yield Blocker("busy", text, "wait until it has ended, then try again")
    elif packages.missing and row.repository:
        text = f"{names} cannot be installed: no repository of this system has it, {row.repository.name} does"
        yield Blocker("packages", text, row.repository.otherwise if packages.in_vain else row.repository.remedy)
    elif packages.problem:
        yield Blocker(
            "packages",
            f"{names} cannot be installed: {packages.problem}",
            _remedy(packages.problem, row, missing=packages.missing),
        )
    # What a run of ours left that died, the next one goes on with.
    strange = tuple(name for name in packages.unfinished if name not in facts.journal.began)
    if strange and not packages.busy and not all(name in packages.installed for name in row.packages):
        text = f"dpkg has not finished with {listed(strange)}, and installing anything would go on with it unseen"
        yield Blocker("half-installed", text, manager(row.manager).MEND)
    yield from _lost_packages(facts, row)


def _remedy(problem: str, row: Row, *, missing: bool) -> str:
    if _NOT_LIVE in problem:
        return _SET_CLOCK_FIRST
    if _NOT_YET in problem:
        return _SET_CLOCK
    words = manager(row.manager)
    if missing or problem.startswith(NO_INDEXES):
        return f"mend this first; {words.LOOK} tells more"
    return f"mend this first; look at: {words.TRY} {' '.join(row.packages)}"


def _lost_packages(facts: Facts, row: Row) -> Iterator[Blocker]:
    """What undo could not bring back."""
    words, known = manager(row.manager), {rival.package for rival in row.rivals}
    for package in facts.packages.remove:
        if package.name not in known:
            text = f"installing {' '.join(row.packages)} would remove {package.name}, none of the time daemons that setup replaces"
            yield Blocker("removes", text, f"look at: {words.TRY} {' '.join(row.packages)}")
        elif package.name not in facts.packages.kept:
            text = f"{package.name} {package.version} would be removed, but its file cannot be had, so undo could not bring it back"
            yield Blocker("undo", text, f"type: {words.INSTALL} {package.name}")
    for package in facts.packages.upgrade:
        if package.name not in facts.packages.kept:
            text = f"{package.name} {package.version} would be upgraded, but its file cannot be had, so undo could not bring it back"
            remedy = f"if it may be another version, type: {words.UPGRADE} {package.name}"
            yield Blocker("undo", text, remedy)
