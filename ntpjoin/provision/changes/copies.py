"""Files of any size that come and go: what was there before lies in the run's folder, the journal itself holds digests only."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import ClassVar, Optional

from ntpjoin.errors import StepFailed
from ntpjoin.facts import Facts
from ntpjoin.host.machine import FileState
from ntpjoin.model import Before, Step, Undone
from ntpjoin.provision.changes import timers
from ntpjoin.provision.changes.base import Change, Site
from ntpjoin.provision.changes.files import bring_back, missing_folders
from ntpjoin.records import dataclass

_OWNER, _MODE = "root:root", 0o755


@dataclass(frozen=True)
class CopyFile(Change):
    """Have a copy of a program, which has this SHA-256 in hexadecimal digits, at `path`."""

    kind: ClassVar[str] = "copy"
    part: ClassVar[str] = "files"
    step: ClassVar[Step] = Step.MONITOR
    room: ClassVar[int] = 16 << 20

    source: str
    path: str
    digest: str

    @property
    def object(self) -> str:
        """The path of the copy."""
        return self.path

    def describe(self) -> str:
        """From where to where."""
        return f"copy {self.source} to {self.path}"

    def done(self, facts: Facts) -> str:
        """The path."""
        del facts
        return f"copied itself to {self.path}"

    def holds(self, facts: Facts) -> bool:
        """Whether it is there, the same bytes, root's alone to write."""
        there = facts.files.get(self.path)
        if there is None or (there.mode, there.owner) != (_MODE, _OWNER):
            return False
        return _digest(there.content) == self.digest

    def before(self, site: Site) -> Before:
        """The file as it is, and which folders above it are missing."""
        return {"file": _keep(site, self.path), "folders": missing_folders(site.host, self.path)}

    def apply(self, site: Site) -> None:
        """Copy it, if it still is the one that was looked at."""
        content = site.host.read(self.source) or b""
        if _digest(content) != self.digest:
            raise StepFailed(f"{self.source} is not what it was a moment ago", "try again")
        site.host.make_folder(str(Path(self.path).parent))
        site.host.write(self.path, FileState(content, _MODE, _OWNER))

    def undo(self, site: Site, before: Before) -> Undone:
        """Bring back what was there, unless somebody has put another one there meanwhile."""
        now = site.host.state(self.path)
        edited = now is not None and _digest(now.content) != self.digest
        return bring_back(site.host, self.path, _kept(site, before["file"]), before["folders"], edited=edited)


@dataclass(frozen=True)
class RemoveFile(Change):
    """Take away a file that an earlier run wrote; `unit` is the unit that it defines, '' where it defines none.

    A folder of units stays, and one of `others`; one that was made for the file goes with it.
    """

    kind: ClassVar[str] = "remove"
    part: ClassVar[str] = "unit files"
    step: ClassVar[Step] = Step.MONITOR
    room: ClassVar[int] = 16 << 20

    path: str
    unit: str = ""
    others: bool = False

    @property
    def object(self) -> str:
        """The path."""
        return self.path

    def describe(self) -> str:
        """The path."""
        return f"remove {self.path}"

    def done(self, facts: Facts) -> str:
        """The path."""
        del facts
        return f"removed {self.path}"

    def holds(self, facts: Facts) -> bool:
        """Whether it is gone."""
        return facts.files.get(self.path) is None

    def before(self, site: Site) -> Before:
        """The file as it is."""
        return {"file": _keep(site, self.path)}

    def apply(self, site: Site) -> None:
        """Take it away, and its folder where that is empty then and nobody else's."""
        site.host.remove(self.path)
        if not self.unit and not self.others:
            site.host.remove_folder(str(Path(self.path).parent))
        self._reread(site)

    def undo(self, site: Site, before: Before) -> Undone:
        """Put it back, unless somebody has put another one there meanwhile."""
        edited = site.host.state(self.path) is not None
        undone = bring_back(site.host, self.path, _kept(site, before["file"]), (), edited=edited)
        self._reread(site)
        return undone

    def _reread(self, site: Site) -> None:
        if self.unit:
            timers.reread(site.host, self.unit)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _keep(site: Site, path: str) -> Optional[Before]:
    """Have a copy of a file in the run's folder; what the journal holds of it, None where there is none."""
    state = site.host.state(path)
    if state is None:
        return None
    digest = _digest(state.content)
    site.host.make_folder(f"{site.folder}/files", 0o700)
    site.host.write(_place(site, digest), FileState(state.content, 0o600, ""))
    return {"digest": digest, "mode": state.mode, "owner": state.owner, "context": state.context}


def _kept(site: Site, page: Optional[Before]) -> Optional[FileState]:
    """The same file again. Raises StepFailed where its copy is not what it was."""
    if page is None:
        return None
    content = site.host.read(_place(site, page["digest"])) or b""
    if _digest(content) != page["digest"]:
        raise StepFailed(f"{_place(site, page['digest'])} is gone or damaged")
    return FileState(content, page["mode"], page["owner"], page["context"])


def _place(site: Site, digest: str) -> str:
    return f"{site.folder}/files/{digest}"
