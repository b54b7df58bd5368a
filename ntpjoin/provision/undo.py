"""Taking changes back: last first, each tried even when another failed, offline, marked in the journal and never erased."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import replace

from ntpjoin.errors import Blocked, NtpjoinError, StepFailed
from ntpjoin.facts import Unit
from ntpjoin.host.journal import FOLDER, Entry, EntryState, Journal, Run
from ntpjoin.host.machine import Host
from ntpjoin.host.packages.manager import manager, wait_idle
from ntpjoin.host.services.manager import services
from ntpjoin.model import Event, Tell, Undone
from ntpjoin.provision.changes import Change, InstallPackages, Site, from_journal
from ntpjoin.provision.changes.daemon import restart
from ntpjoin.provision.changes.units import look
from ntpjoin.records import dataclass
from ntpjoin.systems import to_type


@dataclass(frozen=True)
class TakenBack:
    """One change taken back, or not."""

    run: int
    change: Change
    undone: Undone


def in_effect(runs: tuple[Run, ...], *, last_only: bool) -> tuple[Run, ...]:
    """The runs that undo would take back, newest first: also those that changed nothing but what is remembered.

    The last one alone is the last of which there is more than what was kept: else that would stand before all others for ever.
    """
    # One that is marked as undone is: an undo may have died when each of its entries was, and before what follows them.
    live = [run for run in reversed(runs) if run.state != "undone" or any(entry.in_effect for entry in run.entries)]
    if last_only:
        return tuple([run for run in live if not _only_kept(run)][:1] or live[:1])
    return tuple(live)


def _only_kept(run: Run) -> bool:
    states = {entry.state for entry in run.entries}
    return run.state == "mixed" and "kept" in states and states <= {"kept", "undone"}


def wait_for_packages(host: Host, changes: Iterable[Change], tell: Tell) -> None:
    """Wait until nobody else uses the package manager, if these changes need it: it may be one that a killed run has left.

    Raises Blocked when that takes too long.
    """
    for name in {change.manager for change in changes if isinstance(change, InstallPackages)}:
        who = wait_idle(host, manager(name), tell)
        if who:
            text = f"the package manager is in use by {who}"
            raise Blocked(text, "wait until it has ended, then try again")


def undo_runs(host: Host, runs: tuple[Run, ...], tell: Tell) -> tuple[TakenBack, ...]:
    """Take back these runs, in the order given. A daemon that still runs then and reads what was restored is started again, last.

    No run is marked as undone before that, so that an undo that died is done again to its end.
    """
    journal = Journal(host)
    taken: list[TakenBack] = []
    ended = []
    serving = _serving(host, runs)
    for run in runs:
        journal.release(run)
        after, backs = _undo_entries(host, journal, run, tell)
        ended.append(after)
        taken += backs
    taken += _restart(host, runs, tell)
    taken = [_run_on(host, serving, back, tell) for back in taken]
    for run in ended:
        whole = all(entry.state == "undone" for entry in run.entries)
        with contextlib.suppress(StepFailed):  # it was told with the entries
            journal.save(replace(run, state="undone" if whole else "mixed"))
    return tuple(taken)


def _undo_entries(host: Host, journal: Journal, run: Run, tell: Tell) -> tuple[Run, list[TakenBack]]:
    taken: list[TakenBack] = []
    site = Site(host, run.folder)
    for entry in sorted(run.entries, key=lambda entry: entry.number, reverse=True):
        if entry.in_effect:
            change = from_journal(entry.kind, entry.fields)
            undone = _one(replace(site, number=entry.number), entry, change)
            run = _mark(journal, run, replace(entry, state=_STATES[undone.state]), tell)
            text = undone.text if undone.state == "restored" else f"{undone.state}: {undone.text}"
            tell(Event("undo", change.step.value, text))
            taken.append(TakenBack(run.number, change, undone))
    return run, taken


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


def _serving(host: Host, runs: tuple[Run, ...]) -> dict[str, Unit]:
    """The daemons that these runs installed and that run."""
    live = (entry for run in runs for entry in run.entries if entry.in_effect)
    changes = (from_journal(entry.kind, entry.fields) for entry in live)
    names = {change.unit for change in changes if isinstance(change, InstallPackages) and change.unit}
    return {name: unit for name, unit in ((name, look(host, name)) for name in sorted(names)) if unit.running}


def _run_on(host: Host, serving: dict[str, Unit], back: TakenBack, tell: Tell) -> TakenBack:
    """Where packages had to stay, and what they replaced is gone, their daemon runs on: else nothing would keep the time here."""
    change = back.change
    if back.undone.state == "restored" or not isinstance(change, InstallPackages) or change.unit not in serving:
        return back
    name, told = change.unit, back.undone.text
    try:
        there, _ = change.packages.installed(host)
        now = look(host, name)
        if not now.exists or now.running or all(package.name in there for package in change.remove):
            return back
        if serving[name].enabled == "enabled" != now.enabled:
            services(host).set_enabled(host, name, enabled=True)
        restart(Site(host, f"{FOLDER}/runs/{back.run:04d}"), name)
        text = f"{name} runs on, with the configuration that it has now"
    except NtpjoinError as error:
        text = f"{name} does not run: {error.message}; nothing keeps the time here; type: {to_type('start', name)}"
    tell(Event("undo", "service", text))
    return replace(back, undone=Undone(back.undone.state, f"{told}; {text}"))


def _restart(host: Host, runs: tuple[Run, ...], tell: Tell) -> list[TakenBack]:
    """Start again what runs and reads any file that these runs had written; returns those that did not come up."""
    changes = {}
    for run in runs:
        for change in (from_journal(entry.kind, entry.fields) for entry in run.entries):
            if change.read_by():
                changes[change.read_by()] = (run, change)
    tried = [
        TakenBack(run.number, change, _try_restart(host, run, name, tell)) for name, (run, change) in changes.items()
    ]
    return [back for back in tried if back.undone.state == "failed"]


def _try_restart(host: Host, run: Run, unit: str, tell: Tell) -> Undone:
    try:
        if look(host, unit).running:
            restart(Site(host, run.folder), unit)
    except NtpjoinError as error:
        tell(Event("undo", "service", f"{unit} did not come up again: {error.message}"))
        return Undone("failed", error.message)
    return Undone("restored", unit)
