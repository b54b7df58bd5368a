"""Doing what the plan says: journal, apply, look again; and if it does not hold, take this run back."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import replace
from time import monotonic
from typing import Literal, Optional

from ntpjoin.errors import NtpjoinError, StepFailed
from ntpjoin.facts import Facts
from ntpjoin.host.interrupts import Interrupts
from ntpjoin.host.journal import Entry, Journal, Run
from ntpjoin.host.machine import Host
from ntpjoin.look.look import look_again
from ntpjoin.model import Event, Tell
from ntpjoin.provision.changes import Change, Site
from ntpjoin.provision.plan import Plan
from ntpjoin.provision.undo import TakenBack, undo_runs
from ntpjoin.records import dataclass

#: For what nobody thought of.
_OURS = "this is a fault of ntpjoin: please report it, with what `ntpjoin plan -v` shows"

State = Literal["done", "unchanged", "failed", "not reached"]


@dataclass(frozen=True)
class Outcome:
    """What became of a plan: each change with its state; and where something failed, why, and what was taken back."""

    facts: Facts
    changes: tuple[tuple[Change, State], ...]
    run: Optional[Run] = None
    error: Optional[NtpjoinError] = None
    taken_back: tuple[TakenBack, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether this host is another than before."""
        return self.error is None and any(state == "done" for _, state in self.changes)


class Applier:
    """Applies one plan to one host, once."""

    def __init__(self, host: Host, interrupts: Interrupts, tell: Tell) -> None:
        self.host = host
        self.interrupts = interrupts
        self.tell = tell
        self.journal = Journal(host)
        self.run: Optional[Run] = None

    def apply(self, plan: Plan, facts: Facts) -> Outcome:
        """Apply each change that does not hold yet. Never raises for a step that failed: the outcome tells."""
        if all(change.holds(facts) for change in plan.changes) and not _to_record(facts, plan):
            return Outcome(facts, tuple((change, "unchanged") for change in plan.changes))
        with self.interrupts.deferred("this step ends first, then all is taken back"):
            self.interrupts.check()
            wish, pins = dataclasses.asdict(plan.wish), tuple(dataclasses.asdict(pin) for pin in plan.pins)
            self.run = self.journal.open(wish, pins, plan.command, room=plan.room(facts))
            return self._all(plan.changes, facts)

    def _all(self, changes: Sequence[Change], facts: Facts) -> Outcome:
        states: list[tuple[Change, State]] = []
        try:
            for change in changes:
                self.interrupts.check()
                states.append((change, "failed"))  # unless it turns out otherwise
                facts, state = self._one(facts, change)
                states[-1] = (change, state)
            self.interrupts.check()
        except Exception as error:  # noqa: BLE001 - a fault of ours, too, must leave this host as it was
            known = error if isinstance(error, NtpjoinError) else StepFailed(f"unexpected: {error!r}", _OURS)
            rest: list[tuple[Change, State]] = [(change, "not reached") for change in changes[len(states) :]]
            return self.take_back(Outcome(facts, (*states, *rest), self.run, known))
        return Outcome(facts, tuple(states), self.run)

    def _one(self, facts: Facts, change: Change) -> tuple[Facts, State]:
        text = change.describe()
        if change.holds(facts):
            self.tell(Event("unchanged", change.step.value, f"{change.object}: so already"))
            return facts, "unchanged"
        self.tell(Event("begin", change.step.value, text))
        assert self.run is not None
        began, site = monotonic(), Site(self.host, self.run.folder)
        number = max((entry.number for entry in self.run.entries), default=0) + 1
        entry = Entry(number, change.kind, change.fields(), change.before(site))
        self.run = self.journal.put(self.run, entry)
        try:
            change.apply(site)
            facts = look_again(self.host, facts, change.part)
            if not change.holds(facts):
                raise StepFailed(change.why_not(facts))
        except NtpjoinError:
            self.tell(Event("failed", change.step.value, text, monotonic() - began))
            raise
        self.run = self.journal.put(self.run, replace(entry, state="done"))
        self.tell(Event("done", change.step.value, change.done(facts), monotonic() - began))
        return facts, "done"

    def finish(self, run: Run) -> Run:
        """The run ended well: its set-up stays."""
        done = replace(run, state="done")
        self.journal.release(run)
        self.journal.save(done)
        return done

    def take_back(self, outcome: Outcome) -> Outcome:
        """Undo what this run did, last first; a signal that comes meanwhile asks for what is being done already."""
        if outcome.run is None:
            return outcome
        with self.interrupts.deferred("taking back goes on to its end"):
            taken = undo_runs(self.host, (outcome.run,), self.tell)
            self.interrupts.forget()
        return replace(outcome, taken_back=taken)


def _to_record(facts: Facts, plan: Plan) -> bool:
    """Whether the journal must hear of a run that changes nothing: the newest run died, or the wish is another one now."""
    last = facts.journal.last
    return last is not None and (last.state == "open" or (last.wish, last.pins) != (plan.wish, plan.pins))
