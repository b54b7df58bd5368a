"""Files that come and go with packages: what of them is kept for undo, and put back or taken away by it."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from ntpjoin.errors import StepFailed
from ntpjoin.facts import Pinned
from ntpjoin.host.machine import FileState, Host
from ntpjoin.host.packages.manager import CACHE, Manager, digest
from ntpjoin.model import Before
from ntpjoin.provision.changes import brought
from ntpjoin.provision.changes.base import Site
from ntpjoin.provision.changes.files import from_json, to_json
from ntpjoin.provision.changes.units import bring_back


def keep(site: Site, packages: Manager, package: Pinned) -> str:
    """Have the file of this package, at this version, in the run's folder; returns its path there."""
    cached = packages.fetch(site.host, (package,), CACHE).get(package.name)
    content = site.host.read(cached) if cached else None
    if cached is None or not content:
        raise StepFailed(f"the file of {package.name} {package.version} is gone from {CACHE}", "try again")
    kept = f"{site.folder}/packages/{Path(cached).name}"
    site.host.write(kept, FileState(content, 0o600, ""))
    return kept


def check(site: Site, packages: Manager, files: Iterable[str]) -> None:
    """Raises StepFailed where one of the files that were kept is not whole, or not there any more."""
    for file in files:
        if not packages.whole(site.host, file):
            raise StepFailed(f"{file} is damaged, or gone")


def states(host: Host, paths: Iterable[str]) -> Before:
    """The plain files among these paths, as `put_back` takes them; a link that somebody has put there is left to him."""
    found: Before = {}
    for path in paths:
        with contextlib.suppress(StepFailed):
            page = to_json(host.state(path))
            found.update({path: page} if page else {})
    return found


def put_back(host: Host, files: Before, *, over: bool = False) -> None:
    """Files as they were, by path, where none is there now; with `over` also where it is another one."""
    for path, page in files.items():
        state = from_json(page)
        if state and (not host.exists(path) or (over and host.state(path) != state)):
            host.make_folder(str(Path(path).parent))
            host.write(path, state)


def edited_since(site: Site, before: Before, *, but: Iterable[str]) -> Before:
    """Configuration files of what went that somebody has edited since, as they are now, as `put_back` takes them.

    Not those in `but`, and none as it was then, or as the installation left it.
    """
    former = {path: page for path, page in before.get("configs", {}).items() if path not in but}
    return {
        path: page
        for path, page in states(site.host, former).items()
        if page["content"] != former[path]["content"]
        and not brought.as_brought(site, path, base64.b64decode(page["content"]))
    }


def as_packaged(host: Host, conffiles: Mapping[str, str]) -> tuple[str, ...]:
    """Which of these configuration files, digests by path, are there as their package brings them."""
    there = ((path, like, host.read(path)) for path, like in conffiles.items())
    return tuple(path for path, like, content in there if content is not None and digest(content, like) == like)


def leave_idle(host: Host, before: Before) -> None:
    """A package that comes back starts its daemon, be it that somebody had stopped it."""
    for unit, states in before.get("idle", {}).items():
        bring_back(host, unit, states)


def made(site: Site, before: Before) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Files that were not there before the packages, and that their scripts made: those as they were made, and those edited since.

    An empty one is nobody's.
    """
    there = {path: site.host.read(path) for path in before.get("absent", ())}
    found = {path: content for path, content in there.items() if content is not None}
    own = tuple(path for path, content in found.items() if not content or brought.as_brought(site, path, content))
    return own, tuple(path for path in found if path not in own and brought.told_of(site, path))


def take_away_made(site: Site, before: Before) -> None:
    """Files that were not there before the packages, and that their scripts have left as they made them; folders, too."""
    for path in made(site, before)[0]:
        site.host.remove(path)
    for folder in before.get("folders", ()):
        site.host.remove_folder(folder)


def edited(site: Site, packages: Manager, names: list[str]) -> tuple[str, ...]:
    """Configuration files of these packages that somebody has edited since they were installed."""
    found = packages.conffiles(site.host, names).items()
    there = ((path, like, site.host.read(path)) for path, like in found)
    return tuple(
        sorted(
            path
            for path, like, content in there
            if content is not None and digest(content, like) != like and not brought.as_brought(site, path, content)
        )
    )
