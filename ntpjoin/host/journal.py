"""The journal on disk: what each run changed and what was there before, written before the change is made.

    /var/lib/ntpjoin/           0700, it may hold keys
      runs/0001/run.json        schema, number, state, wish, pins, command
      runs/0001/001.json        one entry: schema, number, kind, fields, before, state
      runs/0001/001.amid.json   what is yet to be done while packages are taken back
      runs/0001/packages/       files of the packages that this run removed
      runs/0001/packages.log    everything the package manager said
      runs/0001/reserve         room for taking back on a full disk; gone when the run ends

Numbers, never times: the clock will jump under us. A run is `open` until it ends; `open` and unlocked means that it died.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import IO, Any, Literal, Optional

from ntpjoin.errors import Blocked, JournalProblem, StepFailed
from ntpjoin.host.machine import FileState, Host
from ntpjoin.model import Before
from ntpjoin.records import dataclass

SCHEMA = 1
FOLDER = "/var/lib/ntpjoin"
LOCK = "/run/ntpjoin.lock"

RunState = Literal["open", "done", "undone", "mixed"]
EntryState = Literal["begun", "done", "undone", "kept", "failed"]


@dataclass(frozen=True)
class Entry:
    """One change as the journal knows it: plain JSON, so that an older release's entries can still be undone."""

    number: int
    kind: str
    fields: Mapping[str, Any]
    before: Before
    state: EntryState = "begun"

    @property
    def in_effect(self) -> bool:
        """Whether something of it may still be on this host."""
        return self.state != "undone"


@dataclass(frozen=True)
class Run:
    """One run of ntpjoin that changed something, or began to, and the command that it was."""

    number: int
    state: RunState
    wish: Mapping[str, Any]
    pins: tuple[Mapping[str, Any], ...]
    entries: tuple[Entry, ...] = ()
    command: str = "setup"

    @property
    def folder(self) -> str:
        """Where it lies."""
        return f"{FOLDER}/runs/{self.number:04d}"


_RUN: Mapping[str, type] = {"number": int, "state": str, "wish": dict, "pins": list}
_ENTRY: Mapping[str, type] = {"number": int, "kind": str, "fields": dict, "before": dict, "state": str}


class Journal:
    """Reads and writes the journal of one host."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def runs(self) -> tuple[Run, ...]:
        """All runs, oldest first. Raises JournalProblem for one that cannot be read or is from a newer release.

        For who is not root there are none: only root may look into the folder.
        """
        try:
            names = self.host.names(f"{FOLDER}/runs", strict=self.host.is_root())
        except StepFailed as error:
            raise JournalProblem(
                f"the journal of earlier runs cannot be read: {error.message}", error.remedy
            ) from error
        numbers = sorted((name for name in names if name.isdigit()), key=int)
        return tuple(run for run in map(self._run, numbers) if run is not None)

    def open(
        self, wish: Mapping[str, Any], pins: tuple[Mapping[str, Any], ...], command: str = "setup", *, room: int = 0
    ) -> Run:
        """The run to write to: the newest one if it died, else a new one. `room` bytes are set aside for taking it back.

        Raises JournalProblem where that cannot be had: better before anything is changed than in the middle.
        """
        runs = self.runs()
        if runs and runs[-1].state == "open":
            run = replace(runs[-1], wish=wish, pins=pins, command=command)
        else:
            run = Run(runs[-1].number + 1 if runs else 1, "open", wish, pins, command=command)
        try:
            self.host.make_folder(FOLDER, 0o700)
            self.host.make_folder(f"{run.folder}/packages", 0o700)
            if room:
                self.host.reserve(f"{run.folder}/reserve", room)
            self.save(run)
        except StepFailed as error:
            raise JournalProblem(f"the journal cannot be written: {error.message}", error.remedy) from error
        return run

    def release(self, run: Run) -> None:
        """Give back the room that was set aside."""
        with contextlib.suppress(StepFailed):
            self.host.remove(f"{run.folder}/reserve")

    def save(self, run: Run) -> None:
        """Write a run's own page; its entries have theirs."""
        page = {
            "number": run.number,
            "state": run.state,
            "wish": dict(run.wish),
            "pins": [dict(pin) for pin in run.pins],
            "command": run.command,
        }
        self._write(f"{run.folder}/run.json", page)

    def put(self, run: Run, entry: Entry) -> Run:
        """Write one entry, on disk when this returns; the run with it."""
        page = {
            "number": entry.number,
            "kind": entry.kind,
            "fields": dict(entry.fields),
            "before": entry.before,
            "state": entry.state,
        }
        self._write(f"{run.folder}/{entry.number:03d}.json", page)
        others = tuple(known for known in run.entries if known.number != entry.number)
        return replace(run, entries=tuple(sorted((*others, entry), key=lambda known: known.number)))

    def _write(self, path: str, page: dict[str, Any]) -> None:
        text = json.dumps({"schema": SCHEMA, **page}, indent=1, sort_keys=True) + "\n"
        self.host.write(path, FileState(text.encode(), 0o600, ""))

    def _run(self, name: str) -> Optional[Run]:
        folder = f"{FOLDER}/runs/{name}"
        files = [file for file in self.host.names(folder) if file[:-5].isdigit() and file.endswith(".json")]
        if not files and not self.host.exists(f"{folder}/run.json"):
            return None  # it died before its first page was written, thus before anything was changed
        page = self._page(f"{folder}/run.json", _RUN, command="setup")
        found = [self._page(f"{folder}/{file}", _ENTRY) for file in files]
        entries = [Entry(one["number"], one["kind"], one["fields"], one["before"], one["state"]) for one in found]
        entries.sort(key=lambda entry: entry.number)
        return Run(page["number"], page["state"], page["wish"], tuple(page["pins"]), tuple(entries), page["command"])

    def _page(self, path: str, keys: Mapping[str, type], **later: str) -> dict[str, Any]:
        """These keys of a page; `later` has those that came with a later release, as they are to be read where they are missing."""
        try:
            page = {**later, **dict(json.loads(self.host.read(path) or b""))}
            schema = int(page["schema"])
            kinds = {**keys, **dict.fromkeys(later, str)}
            found = {key: _of_type(kind, page[key]) for key, kind in kinds.items()} if schema <= SCHEMA else {}
        except (ValueError, KeyError, TypeError) as error:
            raise JournalProblem(
                f"the journal page {path} cannot be read: {_why(error)}",
                f"restore it; or move {FOLDER} away: then ntpjoin knows nothing of earlier runs and cannot undo them",
            ) from error
        if schema > SCHEMA:
            raise JournalProblem(
                f"the journal page {path} has schema {schema}, this ntpjoin knows up to {SCHEMA}: a newer one wrote it",
                "use the newer ntpjoin",
            )
        return found


def _why(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


def _of_type(kind: type, value: Any) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value


def take_lock(host: Host) -> IO[bytes]:
    """The right to change this machine, held while the file returned is open. Raises Blocked where another run has it.

    The kernel drops it with the process, however that ends; children do not inherit it.
    """
    try:
        # Nobody else may hold it: flock(2) asks for no more than the right to read.
        file = open(os.open(host.path(LOCK), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600), "r+b")  # noqa: PTH123, SIM115
    except OSError as error:
        raise Blocked(f"the lock {LOCK} cannot be had: {error.strerror}", f"look at: ls -ld {LOCK}") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = file.read(20).decode(errors="replace").strip()
        file.close()
        who = f"another ntpjoin (process {pid})" if pid.isdigit() else "another ntpjoin"
        raise Blocked(f"{who} is changing this host", "wait until it has ended; look at: ps " + pid) from None
    with contextlib.suppress(OSError):  # only to name us
        file.truncate(0)
        file.write(f"{os.getpid()}\n".encode())
        file.flush()
    return file
