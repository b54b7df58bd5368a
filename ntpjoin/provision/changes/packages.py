"""Installing packages, and what that removes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from ntpjoin.errors import StepFailed
from ntpjoin.facts import Facts, Pinned
from ntpjoin.host import apt
from ntpjoin.host.machine import FileState, Host
from ntpjoin.model import Before, Step, Undone
from ntpjoin.provision.changes.base import Change, Site, listed


@dataclass(frozen=True)
class InstallPackages(Change):
    """Install these packages at these versions, which removes those others. `wanted` is what was asked for, the rest comes along."""

    kind: ClassVar[str] = "packages"
    part: ClassVar[str] = "packages"
    step: ClassVar[Step] = Step.PACKAGE

    wanted: tuple[str, ...]
    install: tuple[Pinned, ...]
    remove: tuple[Pinned, ...]

    @property
    def object(self) -> str:
        """The packages asked for."""
        return " ".join(self.wanted)

    def describe(self) -> str:
        """What comes and what goes."""
        versions = {package.name: package.version for package in self.install}
        text = "install " + ", ".join(f"{name} {versions.get(name, '')}".strip() for name in self.wanted)
        others = tuple(package.name for package in self.install if package.name not in self.wanted)
        text += f" with {listed(others)}" if others else ""
        goes = tuple(f"{package.name} {package.version}" for package in self.remove)
        return text + (f"; removes {listed(goes)}" if goes else "")

    def holds(self, facts: Facts) -> bool:
        """Whether all of it is there, whole, and what goes is gone."""
        there = facts.packages.installed
        return (
            all(name in there for name in self.wanted)
            and all(package.name in there for package in self.install)
            and not any(package.name in there for package in self.remove)
        )

    def before(self, site: Site) -> Before:
        """Which of them were there, their marks, and the files of those that go: moved into the journal for undo."""
        versions, _ = apt.installed(site.host)
        moved = [
            f"{p.name} is {versions[p.name]} now" for p in self.remove if versions.get(p.name, p.version) != p.version
        ]
        if moved:
            raise StepFailed(f"the packages are no longer as in the plan: {'; '.join(moved)}", "try again")
        names = [package.name for package in (*self.install, *self.remove)]
        return {
            "installed": {name: versions[name] for name in names if name in versions},
            "residual": list(apt.residual(site.host, names)),
            "automatic": list(apt.automatic(site.host, [name for name in names if name in versions])),
            "files": [_keep(site, package) for package in self.remove if package.name in versions],
        }

    def apply(self, site: Site) -> None:
        """Install exactly what the plan said; what only came along is marked so."""
        apt.install(site.host, self.install, site.log)
        along = [package.name for package in self.install if package.name not in self.wanted]
        apt.mark_automatic(site.host, along, automatic=True)

    def undo(self, site: Site, before: Before) -> Undone:
        """Take out what came, bring back what went. A package with a file that somebody edited is removed but not purged.

        What somebody has installed since and would go with it keeps all as it is.
        """
        host, had = site.host, before["installed"]
        apt.finish(host, site.log)
        versions, unfinished = apt.installed(host)
        names = [package.name for package in self.install if package.name not in had]
        there = {*versions, *unfinished, *apt.residual(host, names)}
        came = [name for name in names if name in there]
        missing = [package.name for package in self.remove if package.name in had and package.name not in versions]
        files = [path for path in before["files"] if Path(path).name.split("_")[0] in missing]
        others = tuple(sorted({*apt.goes_with(host, came), *apt.would_remove(host, files)} - set(came)))
        if others:
            return Undone("kept", f"{self.object} stays: taking it back would remove {listed(others)}, installed since")
        edited = _edited(host, names)
        apt.uninstall(host, came, purge=not edited and not before.get("residual"), log=site.log)
        apt.reinstall(host, files, site.log)
        for automatic in (True, False):
            marked = [p.name for p in self.remove if p.name in had and (p.name in before["automatic"]) == automatic]
            apt.mark_automatic(host, marked, automatic=automatic)
        return self._verdict(host, had, names, edited)

    def _verdict(self, host: Host, had: Mapping[str, str], came: list[str], edited: tuple[str, ...]) -> Undone:
        now, _ = apt.installed(host)
        wrong = [f"{name} is still there" for name in came if name in now]
        wrong += [
            f"{name} is {now.get(name, 'missing')}, was {version}"
            for name, version in had.items()
            if now.get(name) != version
        ]
        if wrong:
            return Undone("failed", "; ".join(wrong))
        if edited:
            return Undone("kept", f"{self.object} was removed, not purged: {listed(edited)} was edited and is kept")
        back = [package.name for package in self.remove if package.name in had]
        return Undone("restored", f"removed {self.object}" + (f", {listed(tuple(back))} is back" if back else ""))

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> InstallPackages:
        """Packages are objects in the journal."""
        return cls(
            wanted=tuple(fields["wanted"]),
            install=tuple(Pinned(**package) for package in fields["install"]),
            remove=tuple(Pinned(**package) for package in fields["remove"]),
        )


def _keep(site: Site, package: Pinned) -> str:
    cached = apt.fetch(site.host, (package,), apt.CACHE).get(package.name)
    content = site.host.read(cached) if cached else None
    if cached is None or not content:
        raise StepFailed(f"the file of {package.name} {package.version} is gone from {apt.CACHE}", "try again")
    kept = f"{site.folder}/packages/{Path(cached).name}"
    site.host.write(kept, FileState(content, 0o600, ""))
    return kept


def _edited(host: Host, names: list[str]) -> tuple[str, ...]:
    """Configuration files of these packages that are not as the packages brought them."""
    found = []
    for path, digest in apt.conffiles(host, names).items():
        content = host.read(path)
        if content is not None and hashlib.md5(content, usedforsecurity=False).hexdigest() != digest:
            found.append(path)
    return tuple(sorted(found))
