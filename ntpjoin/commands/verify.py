"""`ntpjoin verify`: tell whether this server is still good."""

from __future__ import annotations

import time

from ntpjoin.board import Billboard
from ntpjoin.checks.evidence import gather
from ntpjoin.checks.settle import settle
from ntpjoin.checks.verify import judge, settling
from ntpjoin.errors import Blocked
from ntpjoin.host.interrupts import Interrupts
from ntpjoin.host.machine import Host
from ntpjoin.look.look import look
from ntpjoin.model import CheckState, Wish
from ntpjoin.show.report import Form, Report, answer, exit_code
from ntpjoin.show.screen import Screen


def verify_command(*, wait_s: float, strict: bool, form: Form, output: str, screen: Screen) -> int:
    """`ntpjoin verify`: exit 0, 1 where a check failed or, if that is `strict`, warned, 5 while the daemon is still settling.

    The answer goes to the file `output`, to stdout where that is ''.
    """
    host = Host(screen.trace)
    if output:
        from ntpjoin.host import output as file  # noqa: PLC0415

        file.takes(host, output)
    with Interrupts():
        report = _report(host, wait_s, screen, strict=strict)
    if output:
        file.write(host, output, answer(form, report, screen.file_style(), time.time()))
    else:
        screen.put(answer(form, report, screen.style, time.time()))
    return exit_code(form, report)


def _report(host: Host, wait_s: float, screen: Screen, *, strict: bool) -> Report:
    """Look, wait where that is wished for, ask and judge. Raises Blocked on a system that is not supported."""
    facts = look(host)
    if wait_s:
        settle(wait_s, screen.tell, facts.daemon.board.minsane if facts.daemon else None)
        facts = look(host)
    if facts.system.row is None:
        raise Blocked(f"{facts.system.title} is not supported", "docs/reference/supported-systems.md lists what is")
    last = facts.journal.last
    wish, pins = (last.wish, last.pins) if last else (Wish(), ())
    checks = judge(facts, wish, pins, gather(host, facts, wish, pins))
    failed = any(check.state is CheckState.FAIL for check in checks)
    warned = strict and any(check.state is CheckState.WARN for check in checks)
    code = 5 if settling(facts, checks) and not warned else 1 if failed or warned else 0
    return Report(code, checks, facts.daemon.board if facts.daemon else Billboard(), pins)
