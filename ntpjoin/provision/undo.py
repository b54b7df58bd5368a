"""Taking changes back: last first, each tried even when another failed, offline, marked in the journal and never erased."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace

from ntpjoin.errors import NtpjoinError, StepFailed
from ntpjoin.host import systemd
from ntpjoin.host.journal import Entry, EntryState, Journal, Run
from ntpjoin.host.machine import Host
from ntpjoin.model import Event, Tell, Undone
from ntpjoin.provision.changes import Change, Site, from_journal
from ntpjoin.provision.changes.daemon import restart


@dataclass(frozen=True)
class TakenBack:
    """One change taken back, or not."""

    run: int
    change: Change
    undone: Undone


def in_effect(runs: tuple[Run, ...], *, last_only: bool) -> tuple[Run, ...]:
    """The runs that undo would take back, newest first: also those that changed nothing but what is remembered."""
    live = [
        run for run in reversed(runs) if run.state in ("open", "done") or any(entry.in_effect for entry in run.entries)
    ]
    return tuple(live[:1] if last_only else live)


def undo_runs(host: Host, runs: tuple[Run, ...], tell: Tell) -> tuple[TakenBack, ...]:
    """Take back these runs, in the order given."""
    journal = Journal(host)
    taken: list[TakenBack] = []
    for run in runs:
        taken += undo_run(host, journal, run, tell, restarting=run is runs[-1])
    return tuple(taken)


def undo_run(host: Host, journal: Journal, run: Run, tell: Tell, *, restarting: bool = True) -> tuple[TakenBack, ...]:
    """Take back one run. With `restarting` a daemon that runs and reads what was restored is started again, once, last."""
    taken: list[TakenBack] = []
    unread: dict[str, None] = {}
    site = Site(host, run.folder)
    for entry in sorted(run.entries, key=lambda entry: entry.number, reverse=True):
        if not entry.in_effect:
            continue
        change = from_journal(entry.kind, entry.fields)
        undone = _one(site, entry, change)
        run = _mark(journal, run, replace(entry, state=_STATES[undone.state]), tell)
        if change.read_by():
            unread[change.read_by()] = None
        tell(
            Event(
                "undo",
                change.step.value,
                undone.text if undone.state == "restored" else f"{undone.state}: {undone.text}",
            )
        )
        taken.append(TakenBack(run.number, change, undone))
    if restarting:
        _restart(site, tuple(unread), tell)
    whole = all(entry.state == "undone" for entry in run.entries)
    with contextlib.suppress(StepFailed):  # it was told with the entries
        journal.save(replace(run, state="undone" if whole else "mixed"))
    return tuple(taken)


def _mark(journal: Journal, run: Run, entry: Entry, tell: Tell) -> Run:
    """Write down what became of an entry. A full disk must not keep the others from being taken back; undoing twice does no harm."""
    try:
        return journal.put(run, entry)
    except StepFailed as error:
        tell(Event("undo", "journal", error.message))
        return replace(run, entries=tuple(entry if one.number == entry.number else one for one in run.entries))


_STATES: dict[str, EntryState] = {"restored": "undone", "kept": "kept", "failed": "failed"}


def _one(site: Site, entry: Entry, change: Change) -> Undone:
    try:
        return change.undo(site, entry.before)
    except Exception as error:  # noqa: BLE001 - a fault of ours, too, must not keep the others from being taken back
        return Undone("failed", f"{change.describe()}: {error}")


def _restart(site: Site, units: tuple[str, ...], tell: Tell) -> None:
    for name, unit in systemd.show(site.host, units).items() if units else ():
        if unit.running:
            try:
                restart(site, name)
            except NtpjoinError as error:
                tell(Event("undo", "service", f"{name} did not come up again: {error.message}"))
