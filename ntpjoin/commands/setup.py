"""`ntpjoin setup`: look, decide, show, ask, act, look again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from ntpjoin.board import Billboard
from ntpjoin.checks.addresses import outside_addresses
from ntpjoin.checks.evidence import gather
from ntpjoin.checks.settle import settle, steady
from ntpjoin.checks.verify import judge, settling
from ntpjoin.commands.common import Agreed, Prepare, carry_out
from ntpjoin.errors import Interrupted, NtpjoinError, StepFailed, UsageProblem
from ntpjoin.facts import Facts
from ntpjoin.host.machine import Host
from ntpjoin.look.daemon import look_billboard
from ntpjoin.look.look import look_again
from ntpjoin.model import Check, CheckState, Consent
from ntpjoin.provision.apply import Applier, Outcome
from ntpjoin.provision.firewall import rule_is_left
from ntpjoin.provision.prepare import Prepared, prepare
from ntpjoin.records import dataclass
from ntpjoin.show import billboard, jsons, text
from ntpjoin.show.screen import Screen
from ntpjoin.systems import to_type

#: How long setup waits for a system peer unless told otherwise: 20 to 40 s are usual.
WAIT_S = 120.0

#: After so long without a single reply the upstreams cannot be reached by ntpd; before, it is too early to tell.
SILENCE_S = 30.0

_SILENCE = (
    "not one upstream answers ntpd, although each answered the survey. The survey asks from a high port, ntpd from "
    "UDP 123: the provider or an outgoing rule filters UDP 123"
)


def prepare_setup(given: Mapping[str, Any], consent: Consent, *, survey: bool, screen: Screen) -> Prepare:
    """What `ntpjoin setup` and `ntpjoin plan` look at and decide."""

    def ask_country() -> str:
        from ntpjoin.upstreams.places import parse_country  # noqa: PLC0415 - rarely asked

        while consent.attended and screen.asks():
            word = screen.ask_word("In which country does this server stand? Two letters, like DE:")
            try:
                return parse_country(word) if word else ""
            except UsageProblem as problem:
                screen.talk(problem.message)
        return ""

    def look_and_decide(host: Host) -> Prepared:
        return prepare(host, given, consent, screen.tell, survey_anew=survey, ask_country=ask_country)

    return look_and_decide


def setup_command(look_and_decide: Prepare, consent: Consent, *, wait_s: Optional[float], screen: Screen) -> int:
    """`ntpjoin setup`."""

    def act(agreed: Agreed) -> int:
        return _SetUp(agreed, WAIT_S if wait_s is None else wait_s).run()

    return carry_out("setup", consent, screen, look_and_decide, act)


@dataclass(frozen=True)
class _SetUp:
    """Acting on a plan that was agreed to, and the last look."""

    agreed: Agreed
    wait_s: float

    def run(self) -> int:
        """Apply, wait, judge, and say how it went. A signal is heard between two changes and while waiting, else it waits."""
        host, made = self.agreed.host, self.agreed.made
        applier = Applier(host, self.agreed.interrupts, self.agreed.screen.tell)
        outcome = applier.apply(made.plan, made.facts)
        if outcome.error:
            return self.agreed.failed(outcome, outcome.error)
        try:
            board, stopped = self._wait(outcome.facts)
            facts = self._seen(outcome, board)
            self._lasts(facts, board, long_enough=stopped is None and self.wait_s >= SILENCE_S)
            if outcome.run:
                applier.finish(outcome.run)
        except NtpjoinError as error:
            return self.agreed.failed(applier.take_back(outcome), error)
        wish, pins = made.plan.wish, made.plan.pins
        checks = judge(facts, wish, pins, gather(host, facts, wish, pins, made.leads))
        left = rule_is_left(facts, wish)
        code = stopped.code if stopped and not board.settled else self._code(facts, board, checks, left=left)
        self._show(outcome, board, checks, code, left=left)
        return code

    def _wait(self, facts: Facts) -> tuple[Billboard, Optional[Interrupted]]:
        """The billboard, and what ended the wait too early, which the set-up survives.

        A daemon that was seen settled a moment ago is not asked again.
        """
        if facts.daemon and steady(facts.daemon.board):
            return facts.daemon.board, None
        minsane = facts.daemon.board.minsane if facts.daemon else None
        try:
            with self.agreed.interrupts.at_once():
                return settle(self.wait_s, self.agreed.screen.tell, minsane), None
        except Interrupted as error:
            return look_billboard(minsane), error

    def _seen(self, outcome: Outcome, board: Billboard) -> Facts:
        """The daemon as it is now, and what this run has written; as they were where nothing was changed and nothing waited for."""
        daemon = outcome.facts.daemon
        if outcome.run is None and daemon is not None and board is daemon.board:
            return outcome.facts
        return look_again(self.agreed.host, look_again(self.agreed.host, outcome.facts, "journal"), "daemon")

    def _lasts(self, facts: Facts, board: Billboard, *, long_enough: bool) -> None:
        """Raise StepFailed where the set-up cannot stay: the daemon has not lasted, or not one upstream answers it."""
        gone = [
            change.why_not(facts)
            for change in self.agreed.made.plan.changes
            if change.part == "daemon" and not change.holds(facts)
        ]
        if gone:
            row = facts.system.row
            raise StepFailed(f"after the set-up {gone[0]}", f"look at: {to_type('log', row.unit)}" if row else "")
        if board.system and not board.replying and long_enough:
            raise StepFailed(_SILENCE, "ask the provider, or look at the outgoing rules of this host")

    @staticmethod
    def _code(facts: Facts, board: Billboard, checks: tuple[Check, ...], *, left: bool) -> int:
        own = tuple(check for check in checks if check.id != "firewall")
        if not board.settled or settling(facts, own):
            return 5
        if any(check.state is CheckState.FAIL for check in own):
            return 4
        return 5 if left else 0

    def _show(self, outcome: Outcome, board: Billboard, checks: tuple[Check, ...], code: int, *, left: bool) -> None:
        screen = self.agreed.screen
        screen.answer("\n" + text.checks(checks, screen.style))
        screen.answer("\n" + billboard.text(board, self.agreed.made.plan.pins, screen.style))
        addresses = outside_addresses(outcome.facts, self.agreed.made.plan.wish)
        screen.answer("\n" + text.result(outcome, board, checks, addresses, code=code, left=left))
        for letter in self.agreed.made.plan.letters:
            screen.answer(f"\nAn operator asks for this mail:\n\n{letter.rstrip()}")
        screen.page(jsons.envelope("setup", code, **self.agreed.page(outcome), **jsons.checks(checks, board)))
