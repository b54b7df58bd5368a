"""What earlier runs left in the journal."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ntpjoin.errors import JournalProblem
from ntpjoin.facts import JournalFacts, RunFact
from ntpjoin.host.journal import Journal, Run
from ntpjoin.host.machine import Host
from ntpjoin.model import Pin, Wish


def look_journal(host: Host) -> JournalFacts:
    """The runs still in effect, what they wrote, and whether one died before the daemon was started again."""
    try:
        runs = [run for run in Journal(host).runs() if run.state in ("open", "done", "mixed")]
    except JournalProblem as error:
        return JournalFacts(problem=f"{error.message} ({error.remedy})")
    written: dict[str, tuple[str, ...]] = {}
    for run in runs:
        for entry in run.entries:
            if "content" in entry.fields:
                path = entry.fields["path"]
                written[path] = (*written.get(path, ()), entry.fields["content"])
    return JournalFacts(tuple(map(_fact, runs)), written, bool(runs) and _restart_due(runs[-1]))


def _fact(run: Run) -> RunFact:
    pins = tuple(Pin(pin["name"], pin["address"]) for pin in run.pins)
    return RunFact(run.number, run.state, wish_from(run.wish), pins, sum(entry.in_effect for entry in run.entries))


def wish_from(page: Mapping[str, Any]) -> Wish:
    """The wish that a run was made for; what this release does not know of it is left out."""
    known = {field.name for field in dataclasses.fields(Wish)}
    values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in page.items() if name in known}
    return Wish(**values)


def _restart_due(run: Run) -> bool:
    """Whether the newest run wrote something that the daemon reads and died before it saw the daemon started again."""
    due = False
    numbers: list[int] = sorted(entry.number for entry in run.entries)
    entries = {entry.number: entry for entry in run.entries}
    for number in numbers:
        entry = entries[number]
        if entry.fields.get("content") is not None and entry.fields.get("unit") and entry.in_effect:
            due = True
        elif entry.kind == "daemon" and entry.state == "done":
            due = False
    return due and run.state == "open"
