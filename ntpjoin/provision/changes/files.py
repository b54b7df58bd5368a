"""Writing files: any file, and the daemon's configuration, which the daemon itself must accept first."""

from __future__ import annotations

import base64
import difflib
from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import ClassVar, Literal, Optional

from ntpjoin.errors import StepFailed
from ntpjoin.facts import Facts
from ntpjoin.host import ntpd
from ntpjoin.host.journal import Journal, Run
from ntpjoin.host.machine import FileState, Host
from ntpjoin.model import Before, Step, Undone
from ntpjoin.provision.changes import brought
from ntpjoin.provision.changes.base import Change, Site
from ntpjoin.records import dataclass


@dataclass(frozen=True)
class WriteFile(Change):
    """Write a file. One that is the operator's or the daemon's is created if missing and never touched again.

    What is ours or the operator's is kept on undo if somebody edited it since; what is the daemon's, it edits by itself.
    """

    kind: ClassVar[str] = "file"
    part: ClassVar[str] = "files"
    step: ClassVar[Step] = Step.CONFIG

    path: str
    content: str
    unit: str = ""
    owner: str = "root:root"
    mode: int = 0o644
    whose: Literal["ours", "operator", "daemon"] = "ours"

    @property
    def object(self) -> str:
        """The path."""
        return self.path

    def describe(self) -> str:
        """The path and the size."""
        if self.whose == "operator":
            return f"create {self.path}, empty, for your own lines"
        if self.whose == "daemon":
            return f"create {self.path}: {self.content.strip()}, until the daemon knows better"
        return f"write {self.path} ({len(self.content.splitlines())} lines)"

    def done(self, facts: Facts) -> str:
        """The path."""
        del facts
        return f"{'wrote' if self.whose == 'ours' else 'created'} {self.path}"

    def holds(self, facts: Facts) -> bool:
        """Whether the file has these bytes, this mode and this owner."""
        there = facts.files.get(self.path)
        if there is None or self.whose != "ours":
            return there is not None
        return (there.content, there.mode, there.owner) == (self.content.encode(), self.mode, self.owner)

    def before(self, site: Site) -> Before:
        """The file as it is, and which folders above it are missing."""
        return {"file": to_json(site.host.state(self.path)), "folders": missing_folders(site.host, self.path)}

    def apply(self, site: Site) -> None:
        """Write it whole; a context that the file had stays."""
        site.host.make_folder(str(Path(self.path).parent))
        there = site.host.state(self.path)
        site.host.write(
            self.path, FileState(self.content.encode(), self.mode, self.owner, there.context if there else "")
        )

    def undo(self, site: Site, before: Before) -> Undone:
        """Bring the former bytes back, unless somebody edited ours meanwhile."""
        now = site.host.state(self.path)
        edited = now is not None and self.whose != "daemon" and self._is_edit(site, now.content)
        return bring_back(site.host, self.path, from_json(before["file"]), before["folders"], edited=edited)

    def _is_edit(self, site: Site, content: bytes) -> bool:
        """Whether these bytes are neither ours, nor as packages brought them, nor as an earlier run, which is in effect, found them.

        A package that is installed again brings its own; and what an earlier run found comes back when that is undone.
        """
        if content == self.content.encode():
            return False
        earlier = tuple(takewhile(lambda run: run.folder != site.folder, Journal(site.host).runs()))
        folders = (site.folder, *(run.folder for run in earlier))
        return content not in self._found(earlier) and not any(
            brought.as_brought(Site(site.host, folder), self.path, content) for folder in folders
        )

    def _found(self, runs: Sequence[Run]) -> Iterator[bytes]:
        """What was in the file before these runs wrote it."""
        for entry in (entry for run in runs for entry in run.entries if entry.in_effect and entry.kind == self.kind):
            former = from_json(entry.before["file"]) if entry.fields["path"] == self.path else None
            if former:
                yield former.content

    def read_by(self) -> str:
        """The unit whose daemon reads the file."""
        return self.unit

    def diff(self, facts: Facts) -> str:
        """What will differ, as a unified diff; '' where nothing will."""
        if self.holds(facts):
            return ""
        there = facts.files.get(self.path)
        old = there.content.decode(errors="replace").splitlines() if there else []
        lines = difflib.unified_diff(
            old, self.content.splitlines(), self.path if there else "/dev/null", self.path, lineterm=""
        )
        return "\n".join(lines)


#: How what we render begins (templates/ntp.conf.j2).
_OURS = b"# Configuration of ntpd, written by ntpjoin."


@dataclass(frozen=True)
class WriteConfig(WriteFile):
    """Write the daemon's configuration, after the real daemon has read it to its end without a complaint."""

    kind: ClassVar[str] = "config"

    daemon: str = ""

    def apply(self, site: Site) -> None:
        """Check, then write. Raises StepFailed with the daemon's own words."""
        if not site.host.exists(self.path):
            # The check lays the candidate over the real path, which must be there for that; before has noted that it was not.
            site.host.make_folder(str(Path(self.path).parent))
            site.host.write(self.path, FileState(b"", self.mode, self.owner))
        complaints = ntpd.complaints(site.host, self.daemon, self.path, self.content)
        if complaints:
            raise StepFailed(f"{self.daemon} does not accept the new {self.path}:\n" + "\n".join(complaints))
        super().apply(site)

    def undo(self, site: Site, before: Before) -> Undone:
        """As for any file; the empty place that a died check left behind is not somebody's edit.

        Where somebody has taken the daemon away since, and its configuration with it, the package's own or ours does not come back.
        """
        now, former = site.host.state(self.path), from_json(before["file"])
        if now is None and former is not None and not site.host.exists(self.daemon) and self._came(site, former):
            return Undone("restored", f"{self.path} is gone, and so is {self.daemon}")
        if before["file"] is None and now is not None and not now.content:
            site.host.remove(self.path)
        return super().undo(site, before)

    def _came(self, site: Site, former: FileState) -> bool:
        """Whether a former configuration is none of the operator's: an earlier one of ours, or the package's."""
        return former.content.startswith(_OURS) or brought.as_brought(site, self.path, former.content)


def missing_folders(host: Host, path: str) -> list[str]:
    """Which folders above a file are not there, innermost first."""
    return [str(folder) for folder in Path(path).parents if not host.exists(str(folder))]


def bring_back(host: Host, path: str, former: Optional[FileState], folders: Sequence[str], *, edited: bool) -> Undone:
    """A file as it was, without the folders that were made for it; one that somebody `edited` since is kept."""
    now = host.state(path)
    host.remove_unfinished(path)
    if now == former:
        pass
    elif edited:
        return Undone("kept", f"{path} was edited since and is kept")
    elif former is None:
        host.remove(path)
    else:
        host.make_folder(str(Path(path).parent))
        host.write(path, former)
    for folder in folders:
        host.remove_folder(folder)
    if host.state(path) != former:
        return Undone("failed", f"{path} is not as it was")
    return Undone("restored", f"{path} is as it was" if former else f"removed {path}")


def to_json(state: Optional[FileState]) -> Optional[Before]:
    """A file for the journal."""
    if state is None:
        return None
    content = base64.b64encode(state.content).decode()
    return {"content": content, "mode": state.mode, "owner": state.owner, "context": state.context}


def from_json(page: Optional[Before]) -> Optional[FileState]:
    """The same file again."""
    if page is None:
        return None
    return FileState(base64.b64decode(page["content"]), page["mode"], page["owner"], page["context"])
