"""Does this host bear what its clients ask: the table of connections, and the daemon's own limits? Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Optional

from ntpjoin.checks import limiter
from ntpjoin.checks.firewall import SPARE, taken_from_others
from ntpjoin.checks.lines import lines, place, take_out
from ntpjoin.facts import Facts
from ntpjoin.host import notrack
from ntpjoin.model import Check, CheckState, Measure, Wish
from ntpjoin.surroundings import Tracking
from ntpjoin.systems import Row, to_type

OK, WARN, FAIL, UNKNOWN = CheckState.OK, CheckState.WARN, CheckState.FAIL, CheckState.UNKNOWN

_FULL_WARN, _FULL_FAIL = 70.0, 90.0
_LIMITED_WARN, _DROPPED_WARN = 20.0, 1.0
#: A daemon that began to count so much later than it was started has begun anew.
_APART_S = 60
#: Before so many packets a single client that asks too often would speak for all.
ENOUGH = 1000

_FEWER = "lower this server's net speed at https://manage.ntppool.org/"
_SYSCTL = "net.netfilter.nf_conntrack_max"


def tracking(facts: Facts) -> Iterator[Check]:
    """How full the kernel's table of connections is: when it is full, new clients are dropped. Told where there is one."""
    table = facts.surroundings.tracking
    if table is None:
        return
    if not table.most:
        yield Check("load.conntrack", OK, f"the kernel tracks {table.count} connections, without a limit")
        return
    full = 100 * table.count / table.most
    spared = facts.firewall.untracked is not None and facts.firewall.untracked.spares
    measure = Measure(full, "%", warn=_FULL_WARN, fail=None if spared else _FULL_FAIL)
    text = f"the kernel tracks {table.count} of at most {table.most} connections ({full:.0f} %)"
    if full < _FULL_WARN:
        yield Check("load.conntrack", OK, text, measure=measure)
        return
    state = FAIL if full >= _FULL_FAIL and not spared else WARN
    lost = "nobody new gets in but by NTP, which is kept out of it" if spared else "new clients get no answer"
    yield Check("load.conntrack", state, f"{text}: when it is full, {lost}", _relief(facts, table), measure)


def _relief(facts: Facts, table: Tracking) -> str:
    """What to type: to have clients not tracked at all, where that is possible and not done yet; or a larger table."""
    most = _roomy(table)
    keep = (
        f"echo {_SYSCTL}={most} >/etc/sysctl.d/90-conntrack.conf; echo nf_conntrack >/etc/modules-load.d/conntrack.conf"
    )
    larger = f"sysctl -w {_SYSCTL}={most}; to keep it: {keep}"
    untracked = facts.firewall.untracked
    possible = untracked is not None and untracked.nft and not untracked.kept and facts.system.init == "systemd"
    return f"ntpjoin setup --notrack, which does without it; or {larger}" if possible else larger


def _roomy(table: Tracking) -> int:
    """So large, by doubling, that as many connections as now fill it to half of what is warned of."""
    most = table.most
    while 100 * table.count / most > _FULL_WARN / 2:
        most *= 2
    return most


def untracked(facts: Facts, wish: Wish) -> Iterator[Check]:
    """Whether NTP is kept out of that table, where that was asked for."""
    if not wish.notrack:
        return
    seen = facts.firewall.untracked
    if seen is None:
        text = "whether NTP is kept out of connection tracking could not be seen"
        remedy = "look at: nft list ruleset" if facts.system.root else "sudo ntpjoin verify"
        yield Check("load.notrack", UNKNOWN, text, remedy)
    elif seen.wrong:
        yield Check("load.notrack", FAIL, taken_from_others(seen), SPARE if seen.theirs else "ntpjoin setup")
    elif not seen.kept:
        text = "NTP is tracked, although that was not to be: the table inet ntpjoin is gone, as when somebody flushes all rules"
        yield Check("load.notrack", WARN, text, "ntpjoin setup")
    else:
        left = ", but for what is asked from port 123" if seen.masquerades else ""
        text, passing = f"NTP is kept out of connection tracking{left}", _passing(facts)
        state, remedy = (WARN, "ntpjoin setup") if passing else (OK, "")
        yield Check("load.notrack", state, f"{text}{passing}", remedy)


def _passing(facts: Facts) -> str:
    """Why what is in force by our unit is not any more when this host has started again; '' where it is."""
    unit = facts.unit(notrack.UNIT)
    if not unit.running or notrack.FILE not in facts.journal.written:
        return ""
    why = f"{notrack.FILE} is gone" if facts.files.get(notrack.FILE) is None else ""
    why = why or (f"{unit.name} is not enabled" if unit.enabled != "enabled" else "")
    return f", but only until this host starts again: {why}" if why else ""


def limited(facts: Facts, row: Row) -> Iterator[Check]:
    """How many of the packets that came were refused as too frequent, and how many were lost for want of a buffer.

    Told where the daemon counts them.
    """
    if facts.daemon is None:
        return
    counters = facts.daemon.board.counters
    received, refused, lost = counters.received, counters.limited, counters.dropped
    if received is None or refused is None:
        return
    if received < ENOUGH:
        yield Check(
            "load.limited", OK, f"{refused} of {received} packets were refused as too frequent: too few to tell"
        )
        return
    share = 100 * refused / received
    measure = Measure(share, "%", warn=_LIMITED_WARN)
    text = f"{refused} of {received} packets were refused as too frequent ({share:.1f} %)"
    if share >= _LIMITED_WARN:
        yield Check("load.limited", WARN, text, _loosened(facts, row), measure)
    else:
        yield Check("load.limited", OK, text, measure=measure)
    read = _since_start(received, counters.since_s, facts.daemon.age_s)
    if lost and 100 * lost / (read + lost) >= _DROPPED_WARN:
        text = f"{lost} packets were lost beside {read} that were read: more come than ntpd can answer"
        yield Check("load.limited", WARN, text, _FEWER)


def _since_start(received: int, since_s: Optional[int], age_s: float) -> int:
    """About how many came since the start, as losses are counted: NTPsec from 1.2.3 on counts what comes anew each hour."""
    return received if not since_s or age_s < since_s + _APART_S else round(received * age_s / since_s)


def _loosened(facts: Facts, row: Row) -> str:
    """To take out what makes the limiter tighter than it is by itself; else to look who it is, numbers for many at one address."""
    own, restart = lines(facts, row), to_type("restart", row.unit)
    tight = limiter.tighter(row.engine, own)
    if tight:
        return take_out(tight, row)
    look = "look who asks so often: ntpq -nc mrulist"
    setters, numbers = limiter.setters(row.engine, own), limiter.looser(row.engine, own)
    words = " ".join(f"{name} {value:g}" for name, value in numbers.items())
    if not words:
        return f"{look}; {_FEWER}"
    if setters:
        last = f"line {setters[-1].line} of {setters[-1].path}"
        return f"{look}; {_FEWER}, or, if it is many behind one address: write `{words}` into {last}, then: {restart}"
    line, where = f"{limiter.WORD[row.engine]} {words}", place(facts, row)
    return f"{look}; if it is many behind one address: `{line}` into {where}, then: {restart}"
