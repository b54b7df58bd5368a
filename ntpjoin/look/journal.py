"""What earlier runs left in the journal."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from ntpjoin.errors import JournalProblem
from ntpjoin.facts import JournalFacts, RunFact
from ntpjoin.host.journal import FOLDER, Journal, Run
from ntpjoin.host.machine import Host
from ntpjoin.model import Pin, Wish


def look_journal(host: Host) -> JournalFacts:
    """The runs still in effect, what they wrote, and what one that died was in the middle of."""
    if not host.is_root() and host.exists(FOLDER):
        return JournalFacts(unseen=True)
    try:
        return _look([run for run in Journal(host).runs() if run.state in ("open", "done", "mixed")])
    except JournalProblem as error:
        return JournalFacts(problem=error.message, remedy=error.remedy)
    except (KeyError, TypeError) as error:
        return JournalFacts(
            problem=f"the journal in {FOLDER} cannot be understood: {error!r}", remedy=f"restore {FOLDER}"
        )


def _look(runs: list[Run]) -> JournalFacts:
    written: dict[str, tuple[str, ...]] = {}
    for run in runs:
        for entry in run.entries:
            if "content" in entry.fields:
                path = entry.fields["path"]
                written[path] = (*written.get(path, ()), entry.fields["content"])
            elif entry.kind == "copy":
                written.setdefault(entry.fields["path"], ())  # its bytes do not stand in the journal
    died = [run for run in runs[-1:] if run.state == "open"]
    began = tuple(name for run in died for name in _packages(run))
    return JournalFacts(tuple(map(_fact, runs)), written, any(map(_restart_due, died)), began)


def _fact(run: Run) -> RunFact:
    pins = tuple(Pin(pin["name"], pin["address"], pin.get("minpoll", 0), pin.get("iburst", True)) for pin in run.pins)
    return RunFact(run.number, run.state, wish_from(run.wish), pins, run.command)


def wish_from(page: Mapping[str, Any]) -> Wish:
    """The wish that a run was made for; what this release does not know of it is left out."""
    known = {field.name for field in dataclasses.fields(Wish)}
    values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in page.items() if name in known}
    return Wish(**values)


def _restart_due(run: Run) -> bool:
    """Whether a run that died wrote something that the daemon reads before it saw the daemon started again."""
    due = False
    numbers: list[int] = sorted(entry.number for entry in run.entries)
    entries = {entry.number: entry for entry in run.entries}
    for number in numbers:
        entry = entries[number]
        if entry.fields.get("content") is not None and entry.fields.get("unit") and entry.in_effect:
            due = True
        elif entry.kind == "daemon" and entry.state == "done":
            due = False
    return due


def _packages(run: Run) -> Iterator[str]:
    """What the run was about to install or to remove."""
    for entry in run.entries:
        if entry.kind == "packages":
            yield from (package["name"] for part in ("install", "remove") for package in entry.fields[part])
