"""Setting one KEY=value of a file that a shell reads."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import ClassVar

from ntpjoin.facts import Facts
from ntpjoin.host import settings
from ntpjoin.host.machine import FileState
from ntpjoin.model import Before, Step, Undone
from ntpjoin.provision.changes.base import Change, Site
from ntpjoin.provision.changes.files import from_json, missing_folders, to_json
from ntpjoin.records import dataclass


@dataclass(frozen=True)
class Assign(Change):
    """Give one key its value and leave every other byte of the file alone. `why` tells the user what it is for.

    Undo leaves alone what somebody has edited since, and gives the key its former line; one that was changed again stays.
    """

    kind: ClassVar[str] = "setting"
    part: ClassVar[str] = "files"
    step: ClassVar[Step] = Step.CONFIG

    path: str
    key: str
    value: str
    why: str
    unit: str = ""

    @property
    def object(self) -> str:
        """The path."""
        return self.path

    def describe(self) -> str:
        """Key, value, path and what for."""
        return f"set {self.key}={self.value} in {self.path}: {self.why}"

    def done(self, facts: Facts) -> str:
        """Key, value and path."""
        del facts
        return f"set {self.key}={self.value} in {self.path}"

    def holds(self, facts: Facts) -> bool:
        """Whether the file gives the key that value."""
        there = facts.files.get(self.path)
        return there is not None and settings.value(there.content, self.key) == self.value

    def before(self, site: Site) -> Before:
        """The file as it is, and which folders above it are missing."""
        return {"file": to_json(site.host.state(self.path)), "folders": missing_folders(site.host, self.path)}

    def apply(self, site: Site) -> None:
        """Write the file with the line; mode, owner and context stay."""
        site.host.make_folder(str(Path(self.path).parent))
        there = site.host.state(self.path) or FileState(b"", 0o644, "root:root")
        self._write(site, there, settings.assign(there.content, self.key, self.value))

    def undo(self, site: Site, before: Before) -> Undone:
        """Give the key its former line; with a file that is gone ours went, too."""
        former, now = from_json(before["file"]), site.host.state(self.path)
        site.host.remove_unfinished(self.path)
        was = former.content if former else b""
        back = settings.restore(now.content, was, self.key, self.value) if now else None
        if now == former:
            pass
        elif now is None:
            return Undone("restored", f"{self.path} is gone, with our {self.key}={self.value}")
        elif back is None and now.content != was:
            return Undone("kept", f"{self.path} was edited since and is kept")
        elif former is None and not back:
            site.host.remove(self.path)
        else:
            self._write(site, now, was if back is None else back)
        for folder in before["folders"]:
            site.host.remove_folder(folder)
        there = site.host.state(self.path)
        if settings.value(there.content if there else b"", self.key) != settings.value(was, self.key):
            return Undone("failed", f"{self.path} still sets {self.key}={self.value}")
        return Undone("restored", f"{self.path} no longer has our {self.key}={self.value}")

    def _write(self, site: Site, there: FileState, content: bytes) -> None:
        site.host.write(self.path, FileState(content, there.mode, there.owner, there.context))

    def read_by(self) -> str:
        """The unit whose daemon is started with it."""
        return self.unit

    def diff(self, facts: Facts) -> str:
        """What will differ, as a unified diff; '' where nothing will, or where the package brings the file only."""
        there = facts.files.get(self.path)
        if self.holds(facts) or there is None:
            return ""
        new = settings.assign(there.content, self.key, self.value)
        old, now = (content.decode(errors="replace").splitlines() for content in (there.content, new))
        return "\n".join(difflib.unified_diff(old, now, self.path, self.path, lineterm=""))
