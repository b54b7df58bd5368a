"""What the commands that change this host share: the lock, the question, the end of a run that failed."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from typing import Any, Callable

from ntpjoin.errors import Blocked, Interrupted, NtpjoinError, UsageProblem
from ntpjoin.host.interrupts import Interrupts
from ntpjoin.host.journal import take_lock
from ntpjoin.host.machine import Host
from ntpjoin.model import Consent
from ntpjoin.provision.apply import Outcome
from ntpjoin.provision.prepare import Prepared
from ntpjoin.provision.undo import TakenBack
from ntpjoin.records import dataclass
from ntpjoin.show import jsons, text
from ntpjoin.show.screen import Screen

#: The exit code of a command that the user ended, or did not want to go on.
INTERRUPTED = 128 + signal.SIGINT

#: Looks and decides.
Prepare = Callable[[Host], Prepared]


@contextlib.contextmanager
def locked(host: Host) -> Iterator[None]:
    """Hold the lock of this host; raises Blocked where another run has it. Who is not root changes nothing, and needs none."""
    with take_lock(host) if host.is_root() else contextlib.nullcontext():
        yield


def declined(screen: Screen, command: str) -> int:
    """The user said no: as if interrupted."""
    screen.talk("Nothing was changed.")
    screen.page(jsons.envelope(command, INTERRUPTED))
    return INTERRUPTED


@dataclass(frozen=True)
class Agreed:
    """A plan that may be carried out: nothing blocks it, and who was to be asked said yes."""

    command: str
    host: Host
    made: Prepared
    interrupts: Interrupts
    screen: Screen

    def page(self, outcome: Outcome) -> dict[str, Any]:
        """What became of the plan, for the JSON object."""
        return jsons.plan(self.made.facts, self.made.plan, outcome.changes)

    def failed(self, outcome: Outcome, error: NtpjoinError) -> int:
        """Tell what happened, what is left of it and what to type; returns the exit code."""
        code = _failure_code(error, outcome.taken_back)
        self.screen.talk("\n" + text.failure(error, outcome.taken_back, self.screen.talk_style))
        taken = jsons.taken_back(outcome.taken_back)
        page = {**self.page(outcome), "changed": code == 4}
        self.screen.page(jsons.envelope(self.command, code, **page, taken_back=taken, errors=jsons.error(error)))
        return code


def carry_out(command: str, consent: Consent, screen: Screen, prepare: Prepare, act: Callable[[Agreed], int]) -> int:
    """Look and decide under the lock, show the plan, ask, and act; returns the exit code."""
    if consent.attended and not screen.asks():
        what = f"{command} asks before it changes anything, and there is nobody to ask"
        raise UsageProblem(what, "add --yes; --dry-run only shows what would be done")
    host = Host(screen.trace)
    with locked(host), Interrupts(screen.tell) as interrupts:
        made = prepare(host)
        pending = made.plan.pending(made.facts)
        asks = bool(pending) and consent.attended and not made.plan.blockers
        screen.offer(lambda style: text.plan(made.facts, made.plan, style, asks=asks), asks=asks)
        if made.plan.blockers:
            screen.page(jsons.envelope(command, Blocked.exit_code, **jsons.plan(made.facts, made.plan)))
            return Blocked.exit_code
        if asks and not screen.ask("Go ahead?", text.diffs(made.facts, pending)):
            return declined(screen, command)
        # From here on a signal is heard where `act` asks for it, and nowhere else.
        with interrupts.deferred("what was done stays, it ends in a moment"):
            return act(Agreed(command, host, made, interrupts, screen))


def _failure_code(error: NtpjoinError, taken: tuple[TakenBack, ...]) -> int:
    if any(back.undone.state != "restored" for back in taken):
        return 4
    return error.code if isinstance(error, Interrupted) else error.exit_code
