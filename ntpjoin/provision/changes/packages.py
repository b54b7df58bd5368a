"""Installing packages, and what that removes."""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from ntpjoin.errors import CommandFailed, StepFailed
from ntpjoin.facts import Facts, Pinned
from ntpjoin.host.machine import Host
from ntpjoin.host.packages.manager import Manager, manager
from ntpjoin.model import Before, Step, Undone
from ntpjoin.provision.changes import amid, brought, kept
from ntpjoin.provision.changes.amid import Amid
from ntpjoin.provision.changes.base import Change, Site, listed
from ntpjoin.provision.changes.files import missing_folders, to_json
from ntpjoin.provision.changes.returning import way_back
from ntpjoin.provision.changes.units import remember
from ntpjoin.records import dataclass


@dataclass(frozen=True)
class InstallPackages(Change):
    """Install these packages at these versions, which removes those others. `wanted` is what was asked for, the rest comes along.

    `upgrade` has those of `install` that are there already, at the version that they have before. `unit` and `leapfile` are what
    they are expected to bring, '' where nothing is. `paths` are configuration files of theirs that somebody may have put there
    before: dpkg keeps them, and would take them away with the rest. `idle` are units of what is removed that do not run.

    `source` names a repository that an earlier change enables, so that what will come is known only then, and `install` is empty.
    `makes` are files that the packages' scripts make, and leave behind or take away whoever has edited them.
    """

    kind: ClassVar[str] = "packages"
    part: ClassVar[str] = "packages"
    step: ClassVar[Step] = Step.PACKAGE
    # dpkg's and apt's own files, written anew, and the packages that come back; 16 MB were enough for a small Debian 12.
    room: ClassVar[int] = 32 << 20

    wanted: tuple[str, ...]
    install: tuple[Pinned, ...]
    remove: tuple[Pinned, ...]
    upgrade: tuple[Pinned, ...] = ()
    unit: str = ""
    leapfile: str = ""
    paths: tuple[str, ...] = ()
    idle: tuple[str, ...] = ()
    manager: str = "apt"
    source: str = ""
    makes: tuple[str, ...] = ()

    @property
    def packages(self) -> Manager:
        """The package manager that does it."""
        return manager(self.manager)

    @property
    def object(self) -> str:
        """The packages asked for."""
        return " ".join(self.wanted)

    def describe(self) -> str:
        """What comes and what goes."""
        if self.source:
            return f"install {listed(self.wanted)} from {self.source}, with what it needs there"
        versions = {package.name: package.version for package in self.install}
        text = "install " + ", ".join(f"{name} {versions.get(name, '')}".strip() for name in self.wanted)
        others = tuple(package.name for package in self.new if package.name not in self.wanted)
        text += f" with {listed(others)}" if others else ""
        newer = tuple(f"{package.name} {package.version} to {versions[package.name]}" for package in self.upgrade)
        text += f"; upgrades {listed(newer)}" if newer else ""
        goes = tuple(f"{package.name} {package.version}" for package in self.remove)
        return text + (f"; removes {listed(goes)}" if goes else "")

    def done(self, facts: Facts) -> str:
        """What is there now and what is gone, by the upstream's version."""
        there = facts.packages.installed
        text = "installed " + ", ".join(f"{name} {_upstream(there.get(name, ''))}".strip() for name in self.wanted)
        goes = tuple(package.name for package in self.remove)
        return text + (f", removed {listed(goes)}" if goes else "")

    @property
    def new(self) -> tuple[Pinned, ...]:
        """What is not there yet."""
        there = {package.name for package in self.upgrade}
        return tuple(package for package in self.install if package.name not in there)

    def holds(self, facts: Facts) -> bool:
        """Whether all of it is there, whole, with what it should bring, and what goes is gone."""
        there = facts.packages.installed
        return (
            all(name in there for name in self.wanted)
            and all(there.get(package.name) == package.version for package in self.install)
            and not any(package.name in there for package in self.remove)
            and not self._lacks(facts)
        )

    def why_not(self, facts: Facts) -> str:
        """What is not as it was foreseen."""
        lacks = self._lacks(facts)
        return f"{self.object} is installed, but there is no {lacks}" if lacks else super().why_not(facts)

    def _lacks(self, facts: Facts) -> str:
        if self.unit and not facts.unit(self.unit).exists:
            return self.unit
        return f"valid {self.leapfile}" if self.leapfile and not facts.leapfile_valid else ""

    def before(self, site: Site) -> Before:
        """Which of them were there, their marks, and the files of those that go: moved into the journal for undo."""
        versions, _ = self.packages.installed(site.host)
        leave = (*self.remove, *self.upgrade)
        moved = [f"{p.name} is {versions[p.name]} now" for p in leave if versions.get(p.name, p.version) != p.version]
        if moved:
            raise StepFailed(f"the packages are no longer as in the plan: {'; '.join(moved)}", "try again")
        coming = self._found(site) if self.source else self.install
        names = [package.name for package in (*coming, *self.remove)]
        return {
            **({"coming": [dataclasses.asdict(package) for package in coming]} if self.source else {}),
            "installed": {name: versions[name] for name in names if name in versions},
            "residual": list(self.packages.residual(site.host, names)),
            "automatic": list(self.packages.automatic(site.host, [name for name in names if name in versions])),
            "files": [kept.keep(site, self.packages, package) for package in leave if package.name in versions],
            "present": {
                **{path: to_json(site.host.state(path)) for path in self.paths if site.host.exists(path)},
                **kept.states(site.host, self.makes),
            },
            "absent": [path for path in self.makes if not site.host.exists(path)],
            "folders": [folder for path in self.makes for folder in missing_folders(site.host, path)],
            "configs": self._configs(site.host),
            "idle": {unit: remember(site.host, unit) for unit in self.idle},
        }

    def _found(self, site: Site) -> tuple[Pinned, ...]:
        """What will come, now that the repository is enabled. Raises StepFailed where it has not what was asked for."""
        problem = self.packages.refresh(site.host, clock_behind_s=0.0)
        found = self.packages.simulate(site.host, self.wanted)
        if problem or found.problem:
            raise StepFailed(f"{self.object} cannot be had from {self.source}: {problem or found.problem}")
        if found.remove or found.upgrade:
            changed = listed(tuple(package.name for package in (*found.remove, *found.upgrade)))
            raise StepFailed(f"installing {self.object} from {self.source} would remove or upgrade {changed}")
        return found.install

    def _configs(self, host: Host) -> Before:
        """Configuration files of what goes: some package managers put the package's own in their place when it comes back."""
        goes = self.packages.conffiles(host, [package.name for package in self.remove])
        return kept.states(host, goes)

    def apply(self, site: Site) -> None:
        """Install exactly what the plan said; what only came along is marked so, what was upgraded keeps its mark."""
        marked = self.packages.automatic(site.host, [package.name for package in self.upgrade])
        coming = self._found(site) if self.source else self.install
        left = [path for path in self._configs(site.host) if path not in self.paths]
        self.packages.install(site.host, coming, site.log)
        made = (*self.makes, *filter(site.host.exists, left))
        brought.remember(site, self.packages, [package.name for package in coming], made)
        there = {package.name for package in self.upgrade}
        along = [package.name for package in coming if package.name not in {*self.wanted, *there}]
        self.packages.mark_automatic(site.host, (*along, *marked), automatic=True)

    def undo(self, site: Site, before: Before) -> Undone:
        """Take out what came, bring back what went. A package with a file that somebody edited is removed but not purged.

        What somebody has installed since and would go with it keeps all as it is, and so does what cannot come back. Of what came
        along, only that stays which others need. What somebody made since of the configuration of what went stays.
        """
        host, had = site.host, before["installed"]
        coming = tuple(Pinned(**package) for package in before["coming"]) if self.source else self.install
        with contextlib.suppress(CommandFailed):  # what cannot be configured can still be removed
            self.packages.finish(host, {package.name for package in (*coming, *self.remove)}, site.log)
        versions, unfinished = self.packages.installed(host)
        names = [package.name for package in coming if package.name not in had]
        there = {*versions, *unfinished, *self.packages.residual(host, names)}
        came = [name for name in names if name in there]
        files = [path for path in before["files"] if self.packages.name_of(path) in self._gone(had, versions)]
        former, died = amid.recall(site)
        if not came and not files and not died:
            kept.put_back(host, before.get("present", {}))
            return self._verdict(host, had, names, ())
        way = way_back(site, self.packages, came, files, self.wanted)
        if way.problem:
            return way.not_gone(self.object if came else "")
        names = [name for name in names if name not in way.needed]
        back = [package.name for package in self.remove if died and package.name in versions]
        now = self._seen(site, before, names, way.along, back).over(former)
        amid.remember(site, now)
        self.packages.uninstall(host, way.goes, purge=not now.edited and not before.get("residual"), log=site.log)
        kept.put_back(host, {**before.get("present", {}), **now.theirs})
        self.packages.reinstall(host, way.files, site.log)
        if not self.packages.residual(host, names):  # what stays may need what it has made, as AppArmor's profile does
            kept.take_away_made(site, before)
        kept.put_back(host, {**before.get("configs", {}), **now.since}, over=True)
        kept.leave_idle(host, before)
        self._mark_as_before(host, now.along, before)
        amid.forget(site)
        undone = self._verdict(host, had, names, now.edited)
        stays = f"; {listed(way.needed)} stays, others need it by now" if way.needed else ""
        stays += f"; {listed(tuple(now.since))} was edited since and stays" if now.since else ""
        return Undone("kept" if now.since and undone.state == "restored" else undone.state, undone.text + stays)

    def _seen(self, site: Site, before: Before, names: list[str], along: tuple[str, ...], back: list[str]) -> Amid:
        """What cannot be seen any more once the packages have gone. What is `back` by one that died has laid down its own files."""
        made, others = kept.made(site, before)
        edited = (*kept.edited(site, self.packages, names), *others)
        own = kept.as_packaged(site.host, self.packages.conffiles(site.host, back))
        since = kept.edited_since(site, before, but=(*self.paths, *own))
        known = {*made, *(path for path in self.packages.conffiles(site.host, names) if path not in edited)}
        # The packages' removal may take these away or rename them.
        theirs = kept.states(site.host, [path for path in self._theirs if path not in known])
        return Amid(theirs, since, edited, along)

    def _mark_as_before(self, host: Host, along: tuple[str, ...], before: Before) -> None:
        """What is back is marked as it was; what only came `along` with it, as automatic."""
        self.packages.mark_automatic(host, along, automatic=True)
        for automatic in (True, False):
            back = (p.name for p in (*self.remove, *self.upgrade) if p.name in before["installed"])
            self.packages.mark_automatic(
                host, [name for name in back if (name in before["automatic"]) == automatic], automatic=automatic
            )

    @property
    def _theirs(self) -> tuple[str, ...]:
        """Files that may be an operator's, although they go with the packages."""
        return tuple(dict.fromkeys((*self.paths, *self.makes)))

    def _version(self, name: str) -> str:
        return next(package.version for package in self.install if package.name == name)

    def _gone(self, had: Mapping[str, str], now: Mapping[str, str]) -> set[str]:
        """What is to be brought back: what was removed, and what still is at the version that this change brought."""
        removed = {package.name for package in self.remove if package.name in had and package.name not in now}
        return removed | {
            p.name for p in self.upgrade if p.name in had and now.get(p.name) in (None, self._version(p.name))
        }

    def _verdict(self, host: Host, had: Mapping[str, str], came: list[str], edited: tuple[str, ...]) -> Undone:
        now, _ = self.packages.installed(host)
        wrong = [f"{name} is still there" for name in came if name in now]
        moved = {p.name for p in self.upgrade if now.get(p.name) not in (None, p.version, self._version(p.name))}
        # What went and is back may be of another version by now: the one that fits, or the one that somebody has installed.
        back = [package.name for package in self.remove if package.name in had]
        wrong += [
            f"{name} is {now.get(name, 'missing')}, was {version}"
            for name, version in had.items()
            if now.get(name) != version and name not in moved and not (name in back and name in now)
        ]
        if wrong:
            return Undone("failed", "; ".join(wrong))
        if moved:
            return Undone(
                "kept", f"removed {self.object}; {listed(tuple(sorted(moved)))} was upgraded again since and stays"
            )
        if edited:
            return Undone("kept", f"{self.object} was removed, not purged: {listed(edited)} was edited and is kept")
        told = tuple(name if now[name] == had[name] else f"{name} (now {now[name]})" for name in back)
        return Undone("restored", f"removed {self.object}" + (f", {listed(told)} is back" if told else ""))

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> InstallPackages:
        """Packages are objects in the journal."""
        return cls(
            wanted=tuple(fields["wanted"]),
            install=tuple(Pinned(**package) for package in fields["install"]),
            remove=tuple(Pinned(**package) for package in fields["remove"]),
            upgrade=tuple(Pinned(**package) for package in fields.get("upgrade", ())),
            unit=fields.get("unit", ""),
            leapfile=fields.get("leapfile", ""),
            paths=tuple(fields.get("paths", ())),
            idle=tuple(fields.get("idle", ())),
            manager=fields.get("manager", "apt"),
            source=fields.get("source", ""),
            makes=tuple(fields.get("makes", ())),
        )


def _upstream(version: str) -> str:
    """A version without epoch and without what the distribution has added (deb-version(7)): 1:1.2.2+dfsg1-1 is 1.2.2."""
    return re.split(r"[-+~]", version.partition(":")[2] or version, maxsplit=1)[0]
