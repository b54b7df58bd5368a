"""Is this server still good? Every question that the host itself can answer, judged from one look."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Optional

from ntpjoin.board import Billboard
from ntpjoin.checks import clock, host, lasting, lines, load, manners, smear, sync, upstreams
from ntpjoin.checks.advice import OwnFile
from ntpjoin.checks.answers import answers, closed, outside, shown
from ntpjoin.checks.evidence import Evidence
from ntpjoin.checks.firewall import judge_firewall
from ntpjoin.checks.following import Following
from ntpjoin.checks.leap import leapfile
from ntpjoin.checks.listens import listens
from ntpjoin.checks.monitor import judge_monitor
from ntpjoin.checks.release import release
from ntpjoin.checks.restrict import Rules, restrictions, rules_of
from ntpjoin.checks.service import log, service
from ntpjoin.checks.virtual import virtual
from ntpjoin.facts import JOURNAL_UNSEEN, SETTLING_S, Facts
from ntpjoin.model import Check, CheckState, Pin, Wish
from ntpjoin.systems import Row

#: What a young daemon loses by itself, unless a line is to blame; a stratum that is too high stays.
_PASSING = ("service.listens", "sync.peer", "sync.survivors", "sync.offset", "answers.ipv4", "answers.ipv6")

OK, FAIL, UNKNOWN = CheckState.OK, CheckState.FAIL, CheckState.UNKNOWN


def judge(facts: Facts, wish: Wish, pins: tuple[Pin, ...], evidence: Evidence) -> tuple[Check, ...]:
    """All checks, in the order in which one would mend what they find. Pure."""
    row = facts.system.row
    if row is None:
        return (Check("system", FAIL, f"{facts.system.title} is not supported"),)
    rules = rules_of(facts, row)
    found: list[Check] = [*_journal(facts), *service(facts, row)]
    found += [*listens(facts, row, wish), *release(facts, row), *host.drift(facts, row), *host.denied(facts, row)]
    if facts.journal.unseen:
        found.append(Check("remembered", UNKNOWN, JOURNAL_UNSEEN, "sudo ntpjoin verify"))
    smearing = list(smear.smears(facts, row, rules.lines if rules else None))
    found += log(_complaints(evidence, smearing), facts, row)
    found += lines.unseen(facts, row)
    found += _sources(facts, row, pins, evidence, rules)
    found += [*smearing, *leapfile(facts, row)]
    synchronised = not any(check.id in ("sync.peer", "sync.stratum") and check.state is FAIL for check in found)
    found += _served(facts, row, wish, evidence, rules, synchronised=synchronised)
    # A limiter that refuses monitors refuses many, and its line is told.
    found += [
        *(() if rules and rules.too_tight() else load.limited(facts, row)),
        *load.tracking(facts),
        *load.untracked(facts, wish),
    ]
    found += clock.setters(facts, row)
    found += judge_firewall(facts.firewall)
    found += judge_monitor(facts, wish)
    found += [*virtual(facts), *lasting.called(evidence.names)]
    found.append(outside(facts, wish))
    return tuple(found)


def _sources(
    facts: Facts, row: Row, pins: tuple[Pin, ...], evidence: Evidence, rules: Optional[Rules]
) -> Iterator[Check]:
    """Whether the clock is synchronised, by whom, and whether they may be followed."""
    daemon = facts.daemon
    board = daemon.board if daemon else Billboard()
    young = daemon is not None and daemon.age_s < SETTLING_S
    following = Following(board, pins, rules.lines if rules else (), row, OwnFile(facts, row), young)
    yield from sync.synchronisation(facts, row, rules, evidence.unheard.values())
    yield from upstreams.upstreams(following)
    if lines.reads_ours(facts, row):
        yield from upstreams.followed(following)
    yield from upstreams.pinned(evidence.leads, following)
    yield from smear.smeared(following)
    if rules:
        yield from manners.pool_names(rules)
        yield from manners.manners(rules, pins)


def _served(
    facts: Facts, row: Row, wish: Wish, evidence: Evidence, rules: Optional[Rules], *, synchronised: bool
) -> Iterator[Check]:
    """What clients and strangers get. Where there is no ntpd that is told, and nothing that follows from it."""
    told = facts.daemon is not None and facts.daemon.board.system is not None
    served = [
        *answers(facts, evidence, wish, rules, synchronised=synchronised),
        *lasting.static(facts, wish, evidence.names),
        *closed(facts, evidence, wish, row, rules, told=told),
    ]
    whatever = ("answers.address", "answers.static")
    yield from (check for check in served if facts.daemon or check.state is OK or check.id in whatever)
    if rules:
        yield from restrictions(rules, shown(evidence, rules))


def _complaints(evidence: Evidence, smearing: list[Check]) -> tuple[str, ...]:
    """What the daemon complains of and no other check tells."""
    smears = any(check.state is FAIL for check in smearing)
    return tuple(one for one in evidence.complaints if not (smears and smear.is_about(one)))


def _journal(facts: Facts) -> Iterator[Check]:
    """Told only where it is not so: without it nobody knows which upstreams were chosen."""
    if facts.journal.problem:
        text = f"{facts.journal.problem}; so what was asked for is not known"
        yield Check("journal", UNKNOWN, text, facts.journal.remedy)


def settling(facts: Facts, checks: tuple[Check, ...]) -> bool:
    """Whether the only faults are those that a young daemon loses by itself."""
    failed = [check for check in checks if check.state is FAIL]
    young = facts.daemon is not None and facts.daemon.age_s < SETTLING_S
    return bool(failed) and young and all(check.id in _PASSING and not check.lines for check in failed)
