"""`ntpjoin verify`: tell whether this server is still good."""

from __future__ import annotations

from ntpjoin.board import Billboard
from ntpjoin.checks.evidence import gather
from ntpjoin.checks.settle import settle
from ntpjoin.checks.verify import judge, settling
from ntpjoin.errors import Blocked
from ntpjoin.host.interrupts import Interrupts
from ntpjoin.host.machine import Host
from ntpjoin.look.look import look
from ntpjoin.model import Check, CheckState, Wish
from ntpjoin.show import jsons, text
from ntpjoin.show.screen import Screen


def verify_command(*, wait_s: float, strict: bool, screen: Screen) -> int:
    """`ntpjoin verify`: exit 0, 1 where a check failed or, if that is `strict`, warned, 5 while the daemon is still settling."""
    host = Host(screen.trace)
    with Interrupts():
        facts = look(host)
        if wait_s:
            settle(wait_s, screen.tell, facts.daemon.board.minsane if facts.daemon else None)
            facts = look(host)
        if facts.system.row is None:
            raise Blocked(f"{facts.system.title} is not supported", "docs/reference/supported-systems.md lists what is")
        last = facts.journal.last
        wish, pins = (last.wish, last.pins) if last else (Wish(), ())
        checks = judge(facts, wish, pins, gather(host, facts, wish, pins))
    board = facts.daemon.board if facts.daemon else Billboard()
    failed = any(check.state is CheckState.FAIL for check in checks)
    warned = strict and any(check.state is CheckState.WARN for check in checks)
    code = 5 if settling(facts, checks) and not warned else 1 if failed or warned else 0
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
    counted = ", which --strict counts as a fault" if code else ""
    return "No check failed" + (f", {warned} warn{counted}." if warned else ".")
