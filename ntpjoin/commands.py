"""The commands: each looks, decides, shows, asks, acts and looks again, and returns its exit code."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any, Optional

from ntpjoin.checks.settle import settle
from ntpjoin.checks.verify import gather, judge, settling
from ntpjoin.errors import Blocked, Interrupted, NtpjoinError, StepFailed, UsageProblem
from ntpjoin.facts import Facts
from ntpjoin.host.interrupts import Interrupts
from ntpjoin.host.journal import Journal, take_lock
from ntpjoin.host.machine import Host
from ntpjoin.look.daemon import ask_daemon, look_billboard
from ntpjoin.look.look import look, look_again
from ntpjoin.model import Billboard, Check, CheckState, Consent, Wish
from ntpjoin.provision.apply import Applier, Outcome
from ntpjoin.provision.changes import from_journal
from ntpjoin.provision.prepare import Prepared, prepare
from ntpjoin.provision.undo import TakenBack, in_effect, undo_runs
from ntpjoin.show import jsons, text
from ntpjoin.show.screen import Screen

#: How long setup waits for a system peer unless told otherwise: 20 to 40 s are usual.
WAIT_S = 120.0

#: After so long without a single reply the upstreams cannot be reached by ntpd; before, it is too early to tell.
SILENCE_S = 30.0

_INTERRUPTED = 128 + signal.SIGINT

_SILENCE = (
    "not one upstream answers ntpd, although each answered the survey. The survey asks from a high port, ntpd from "
    "UDP 123: the provider or an outgoing rule filters UDP 123"
)


def plan_command(command: str, given: Mapping[str, Any], consent: Consent, *, survey: bool, screen: Screen) -> int:
    """`ntpjoin plan`: exit 0, or 3 where something blocks it."""
    with Interrupts():
        made = prepare(Host(screen.trace), given, consent, screen.tell, survey_anew=survey)
    screen.answer(text.plan(made.facts, made.plan, screen.style))
    if not made.plan.blockers:
        difference = text.diffs(made.facts, made.plan.pending(made.facts))
        screen.answer(f"\n{difference}" if difference else "")
    code = Blocked.exit_code if made.plan.blockers else 0
    screen.page(jsons.envelope(command, code, **jsons.plan(made.facts, made.plan)))
    return code


def setup_command(
    given: Mapping[str, Any], consent: Consent, *, survey: bool, wait_s: Optional[float], screen: Screen
) -> int:
    """`ntpjoin setup`."""
    if consent.attended and not screen.asks():
        raise UsageProblem(
            "setup asks before it changes anything, and there is nobody to ask", "add --yes, or use: ntpjoin plan"
        )
    host = Host(screen.trace)
    lock = _lock(host)
    with Interrupts() as interrupts:
        made = prepare(
            host, given, consent, screen.tell, survey_anew=survey, locked_out=host.is_root() and lock is None
        )
        screen.answer(text.plan(made.facts, made.plan, screen.style))
        if made.plan.blockers:
            screen.page(jsons.envelope("setup", Blocked.exit_code, **jsons.plan(made.facts, made.plan)))
            return Blocked.exit_code
        pending = made.plan.pending(made.facts)
        if pending and consent.attended and not screen.ask("Go ahead?", text.diffs(made.facts, pending)):
            return _declined(screen, "setup")
        return _SetUp(host, made, interrupts, screen, WAIT_S if wait_s is None else wait_s).run()


@dataclass(frozen=True)
class _SetUp:
    """Acting on a plan that was agreed to, and the last look."""

    host: Host
    made: Prepared
    interrupts: Interrupts
    screen: Screen
    wait_s: float

    def run(self) -> int:
        """Apply, wait, judge, and say how it went."""
        applier = Applier(self.host, self.interrupts, self.screen.tell)
        outcome = applier.apply(self.made.plan, self.made.facts)
        if outcome.error:
            return self._failed(outcome, outcome.error)
        board, waited = self._wait(outcome.facts)
        facts = look_again(self.host, outcome.facts, "daemon") if outcome.run else outcome.facts
        lost = self._lost(facts, board, waited)
        if lost:
            return self._failed(applier.take_back(outcome), lost)
        if outcome.run:
            applier.finish(outcome.run)
        wish, pins = self.made.plan.wish, self.made.plan.pins
        checks = judge(facts, wish, pins, gather(self.host, facts, wish, pins))
        code = self._code(board, checks)
        if waited is None and not board.settled:
            code = _INTERRUPTED
        self._show(outcome, board, checks, code)
        return code

    def _wait(self, facts: Facts) -> tuple[Billboard, Optional[float]]:
        """The billboard, and how long was waited; None where the wait was interrupted, which the set-up survives.

        A daemon that was seen settled a moment ago is not asked again.
        """
        if facts.daemon and facts.daemon.board.settled:
            return facts.daemon.board, 0.0
        try:
            return settle(self.wait_s, self.screen.tell), self.wait_s
        except Interrupted:
            return look_billboard(), None

    def _lost(self, facts: Facts, board: Billboard, waited: Optional[float]) -> Optional[StepFailed]:
        """Why the set-up cannot stay: the daemon has not lasted, or not one upstream answers it."""
        gone = [
            change.why_not(facts)
            for change in self.made.plan.changes
            if change.part == "daemon" and not change.holds(facts)
        ]
        if gone:
            return StepFailed(f"after the set-up {gone[0]}", "look at: journalctl -e")
        if board.system and not board.replying and waited is not None and waited >= SILENCE_S:
            return StepFailed(_SILENCE, "ask the provider, or look at the outgoing rules of this host")
        return None

    def _code(self, board: Billboard, checks: tuple[Check, ...]) -> int:
        unmanaged = self.made.plan.wish.firewall and self.made.facts.firewall.manager not in ("ufw", "none")
        if not board.settled or unmanaged:
            return 5
        return 4 if any(check.state is CheckState.FAIL for check in checks) else 0

    def _show(self, outcome: Outcome, board: Billboard, checks: tuple[Check, ...], code: int) -> None:
        screen = self.screen
        screen.answer("\n" + text.checks(checks, screen.style))
        screen.answer("\n" + text.billboard(board, self.made.plan.pins))
        screen.answer("\n" + text.result(outcome, board, self.made.plan))
        screen.page(jsons.envelope("setup", code, **self._page(outcome), **jsons.checks(checks, board)))

    def _page(self, outcome: Outcome) -> dict[str, Any]:
        return jsons.plan(self.made.facts, self.made.plan, outcome.changes)

    def _failed(self, outcome: Outcome, error: NtpjoinError) -> int:
        code = _failure_code(error, outcome.taken_back)
        self.screen.talk("\n" + text.failure(error, outcome.taken_back, self.screen.talk_style))
        taken = jsons.taken_back(outcome.taken_back)
        page = {**self._page(outcome), "changed": code == 4}
        self.screen.page(jsons.envelope("setup", code, **page, taken_back=taken, errors=jsons.error(error)))
        return code


def _failure_code(error: NtpjoinError, taken: tuple[TakenBack, ...]) -> int:
    if any(back.undone.state != "restored" for back in taken):
        return 4
    if isinstance(error, Interrupted):
        return 128 + (signal.SIGINT if error.signal == signal.SIGINT else signal.SIGTERM)
    return error.exit_code


def _lock(host: Host) -> Optional[IO[bytes]]:
    return take_lock(host) if host.is_root() else None


def _declined(screen: Screen, command: str) -> int:
    """The user said no: as if interrupted."""
    screen.talk("Nothing was changed.")
    screen.page(jsons.envelope(command, _INTERRUPTED))
    return _INTERRUPTED


def undo_command(*, last: bool, yes: bool, screen: Screen) -> int:
    """`ntpjoin undo`: exit 0, or 4 where something was kept or could not be taken back."""
    if not yes and not screen.asks():
        raise UsageProblem("undo asks before it changes anything, and there is nobody to ask", "add --yes")
    host = Host(screen.trace)
    if not host.is_root():
        raise Blocked("this needs root", "type: sudo ntpjoin undo")
    lock = _lock(host)
    if lock is None:
        raise Blocked("another ntpjoin is changing this host", "wait until it has ended")
    with lock, Interrupts() as interrupts:
        runs = in_effect(Journal(host).runs(), last_only=last)
        if not runs:
            screen.answer("Nothing to undo.")
            screen.page(jsons.envelope("undo", 0, taken_back=[]))
            return 0
        live = [(run.number, entry) for run in runs for entry in reversed(run.entries) if entry.in_effect]
        changes = tuple((number, from_journal(entry.kind, entry.fields)) for number, entry in live)
        screen.answer(text.undo_plan(changes, _clients()))
        if not yes and not screen.ask("Go ahead?", ""):
            return _declined(screen, "undo")
        with interrupts.deferred():
            taken = undo_runs(host, runs, screen.tell)
    code = 0 if all(back.undone.state == "restored" for back in taken) else 4
    screen.answer("\n" + text.undone(taken))
    screen.page(jsons.envelope("undo", code, taken_back=jsons.taken_back(taken)))
    return code


def _clients() -> int:
    """About how many clients would miss this server; where that cannot be seen, undoing goes on all the same."""
    board, heard = ask_daemon()
    return max(0, heard - len(board.peers) - 1)


def verify_command(*, wait_s: float, screen: Screen) -> int:
    """`ntpjoin verify`: exit 0, 1 where a check failed, 5 while the daemon is still settling."""
    host = Host(screen.trace)
    with Interrupts():
        if wait_s:
            settle(wait_s, screen.tell)
        facts = look(host)
        if facts.system.row is None:
            raise Blocked(f"{facts.system.title} is not supported", "docs/reference/supported-systems.md lists what is")
        last = facts.journal.last
        wish, pins = (last.wish, last.pins) if last else (Wish(), ())
        checks = judge(facts, wish, pins, gather(host, facts, wish, pins))
    board = facts.daemon.board if facts.daemon else Billboard()
    failed = any(check.state is CheckState.FAIL for check in checks)
    code = 5 if failed and settling(facts, checks) else 1 if failed else 0
    screen.answer(text.checks(checks, screen.style))
    screen.answer("\n" + text.billboard(board, pins) if board.peers else "")
    screen.answer("\n" + _verdict(code, checks))
    screen.page(jsons.envelope("verify", code, **jsons.checks(checks, board)))
    return code


def _verdict(code: int, checks: tuple[Check, ...]) -> str:
    if code == 5:
        return "Still settling; look again in a minute: ntpjoin verify --wait 120"
    failed = sum(check.state is CheckState.FAIL for check in checks)
    if failed:
        return f"{failed} of {len(checks)} checks failed."
    warned = sum(check.state is CheckState.WARN for check in checks)
    return "No check failed" + (f", {warned} warn." if warned else ".")
