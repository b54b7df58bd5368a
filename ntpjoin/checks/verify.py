"""Is this server still good? Every question that the host itself can answer, judged from one look."""

from __future__ import annotations

from collections.abc import Iterator

from ntpjoin.board import Billboard
from ntpjoin.checks import clock, host, lasting, load, sync, upstreams
from ntpjoin.checks.answers import answers, closed, outside
from ntpjoin.checks.evidence import Evidence
from ntpjoin.checks.firewall import judge_firewall
from ntpjoin.checks.leap import leapfile
from ntpjoin.checks.listens import deaf, listens
from ntpjoin.checks.monitor import judge_monitor
from ntpjoin.checks.release import release
from ntpjoin.checks.service import log, service
from ntpjoin.checks.virtual import virtual
from ntpjoin.facts import JOURNAL_UNSEEN, SETTLING_S, Facts
from ntpjoin.model import Check, CheckState, Pin, Wish

#: What a young daemon loses by itself; a stratum that is too high stays.
_PASSING = ("service.listens", "sync.peer", "sync.survivors", "answers.ipv4", "answers.ipv6")

FAIL, UNKNOWN = CheckState.FAIL, CheckState.UNKNOWN


def judge(facts: Facts, wish: Wish, pins: tuple[Pin, ...], evidence: Evidence) -> tuple[Check, ...]:
    """All checks, in the order in which one would mend what they find. Pure."""
    row = facts.system.row
    if row is None:
        return (Check("system", FAIL, f"{facts.system.title} is not supported"),)
    found: list[Check] = [*_journal(facts), *service(facts, row)]
    found += [*listens(facts, row, wish), *release(facts, row), *host.drift(facts, row), *host.denied(facts, row)]
    if facts.journal.unseen:
        found.append(Check("remembered", UNKNOWN, JOURNAL_UNSEEN, "sudo ntpjoin verify"))
    found += log(evidence.complaints, row)
    board = facts.daemon.board if facts.daemon else Billboard()
    found += sync.synchronisation(facts, row)
    found += upstreams.upstreams(board, pins, young=facts.daemon is not None and facts.daemon.age_s < SETTLING_S)
    found += upstreams.followed(board, pins)
    found += upstreams.pinned(evidence.leads, pins)
    found += leapfile(facts, row)
    found += answers(facts, evidence, wish, deaf(facts, wish))
    found += lasting.static(facts, wish, evidence.names)
    found += closed(evidence, told=board.system is not None)
    found += [*load.limited(facts, row), *load.tracking(facts)]
    found += clock.setters(facts, row)
    found += judge_firewall(facts.firewall)
    found += judge_monitor(facts, wish)
    found += [*virtual(facts), *lasting.called(evidence.names)]
    found.append(outside(facts, wish))
    return tuple(found)


def _journal(facts: Facts) -> Iterator[Check]:
    """Told only where it is not so: without it nobody knows which upstreams were chosen."""
    if facts.journal.problem:
        text = f"{facts.journal.problem}; so what was asked for is not known"
        yield Check("journal", UNKNOWN, text, facts.journal.remedy)


def settling(facts: Facts, checks: tuple[Check, ...]) -> bool:
    """Whether the only faults are those that a young daemon loses by itself."""
    failed = [check for check in checks if check.state is FAIL]
    young = facts.daemon is not None and facts.daemon.age_s < SETTLING_S
    return bool(failed) and young and all(check.id in _PASSING for check in failed)
