"""The journal on disk: what each run changed and what was there before, written before the change is made.

    /var/lib/ntpjoin/           0700, it may hold keys
      runs/0001/run.json        schema, number, state, wish, pins
      runs/0001/001.json        one entry: schema, number, kind, fields, before, state
      runs/0001/packages/       files of the packages that this run removed
      runs/0001/packages.log    everything the package manager said

Numbers, never times: the clock will jump under us. A run is `open` until it ends; `open` and unlocked means that it died.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import IO, Any, Literal, Optional

from ntpjoin.errors import JournalProblem, StepFailed
from ntpjoin.host.machine import FileState, Host
from ntpjoin.model import Before

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
    """One run of ntpjoin that changed something, or began to."""

    number: int
    state: RunState
    wish: Mapping[str, Any]
    pins: tuple[Mapping[str, str], ...]
    entries: tuple[Entry, ...] = ()

    @property
    def folder(self) -> str:
        """Where it lies."""
        return f"{FOLDER}/runs/{self.number:04d}"


class Journal:
    """Reads and writes the journal of one host."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def runs(self) -> tuple[Run, ...]:
        """All runs, oldest first. Raises JournalProblem for one that cannot be read or is from a newer release."""
        names = sorted((name for name in self.host.names(f"{FOLDER}/runs") if name.isdigit()), key=int)
        return tuple(run for run in map(self._run, names) if run is not None)

    def open(self, wish: Mapping[str, Any], pins: tuple[Mapping[str, str], ...]) -> Run:
        """The run to write to: the newest one if it died, else a new one."""
        runs = self.runs()
        if runs and runs[-1].state == "open":
            run = replace(runs[-1], wish=wish, pins=pins)
        else:
            run = Run(runs[-1].number + 1 if runs else 1, "open", wish, pins)
        try:
            self.host.make_folder(FOLDER, 0o700)
            self.host.make_folder(f"{run.folder}/packages", 0o700)
            self.save(run)
        except (OSError, StepFailed) as error:
            raise JournalProblem(
                f"the journal in {FOLDER} cannot be written: {error}", f"look at: df {FOLDER}; nothing was changed"
            ) from error
        return run

    def save(self, run: Run) -> None:
        """Write a run's own page; its entries have theirs."""
        page = {
            "number": run.number,
            "state": run.state,
            "wish": dict(run.wish),
            "pins": [dict(pin) for pin in run.pins],
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
        page = self._page(f"{folder}/run.json", ("number", "state", "wish", "pins"))
        found = [self._page(f"{folder}/{file}", ("number", "kind", "fields", "before", "state")) for file in files]
        entries = [Entry(one["number"], one["kind"], one["fields"], one["before"], one["state"]) for one in found]
        entries.sort(key=lambda entry: entry.number)
        return Run(page["number"], page["state"], page["wish"], tuple(page["pins"]), tuple(entries))

    def _page(self, path: str, keys: tuple[str, ...]) -> dict[str, Any]:
        try:
            page = dict(json.loads(self.host.read(path) or b""))
            schema = int(page["schema"])
            if schema > SCHEMA:
                raise JournalProblem(
                    f"the journal page {path} has schema {schema}; this release knows up to {SCHEMA}",
                    "use the newer ntpjoin",
                )
            return {key: page[key] for key in keys}
        except (ValueError, KeyError, TypeError) as error:
            raise JournalProblem(
                f"the journal page {path} cannot be read: {error}",
                f"it is needed for undo; restore it, or move {FOLDER} away",
            ) from error


def take_lock(host: Host) -> Optional[IO[bytes]]:
    """The right to change this machine, held while the file returned is open; None where another run has it.

    The kernel drops it with the process, however that ends; children do not inherit it.
    """
    # Nobody else may hold it: flock(2) asks for no more than the right to read.
    file = open(os.open(host.path(LOCK), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600), "ab")  # noqa: PTH123, SIM115
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file
