"""All reasons why a host is not fit, at once and before anything is touched. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Optional

from ntpjoin.board import STEP_S
from ntpjoin.checks.sources import reference_clocks
from ntpjoin.facts import JOURNAL_UNSEEN, Facts
from ntpjoin.model import Blocker, Choice, Consent, Pin, Wish
from ntpjoin.provision import existing
from ntpjoin.provision.monitor import monitor_blockers
from ntpjoin.provision.notrack import notrack_blockers
from ntpjoin.provision.obstacles import package_blockers, unfinished_blockers, unit_blockers
from ntpjoin.systems import to_type

#: The numbers of the pool's own page: "no less than 4 and no more than 7", and 3 for ntpd to tell right from wrong at all.
LEAST, LEAST_FEW, MOST = 4, 3, 7

#: Reasons told for servers that nobody named.
_MOST_TOLD = 8

#: ntpd's own panic threshold (ntp.conf(5), tinker panic): a greater step wants a human's word.
STEP_LIMIT_S = 1000.0

_NO_DNS = "is this host online? does DNS work here? look at: cat /etc/resolv.conf, getent hosts NAME"

#: Programs that set the clock: one of these on UDP 123 is taken over, anything else is a stranger.
_TIME_DAEMONS = ("ntpd", "chronyd", "systemd-timesyncd", "systemd-timesyn", "openntpd")


def blockers(
    facts: Facts,
    wish: Wish,
    consent: Consent,
    *,
    pins: tuple[Pin, ...],
    choice: Optional[Choice],
    barriers: tuple[Blocker, ...] = (),
) -> tuple[Blocker, ...]:
    """Every reason, in the order in which an administrator would deal with them; `barriers` are why no upstreams were looked for."""
    # Steps of a set-up are a part of it, and it goes on with them.
    found: list[Blocker] = [
        *unfinished_blockers(facts, "setup", "install", "firewall", "restart"),
        *host_blockers(facts),
    ]
    if facts.system.row:
        found += unit_blockers(facts, facts.system.row)
        found += package_blockers(facts, facts.system.row)
        found += existing.blockers(facts, facts.system.row, wish, consent, pins)
        found += [*monitor_blockers(facts, wish), *notrack_blockers(facts, wish)]
    found += barriers or _upstream_blockers(facts, wish, pins, choice)
    found += _step_blockers(consent, choice)
    return tuple(found)


def configuration_blockers(
    facts: Facts, wish: Wish, pins: tuple[Pin, ...], choice: Optional[Choice], barriers: tuple[Blocker, ...] = ()
) -> tuple[Blocker, ...]:
    """Why it cannot be told what the configuration would be."""
    found = list(_system_blockers(facts))
    if facts.journal.problem:
        found.append(Blocker("journal", facts.journal.problem, facts.journal.remedy))
    return (*found, *(barriers or _upstream_blockers(facts, wish, pins, choice)))


def _system_blockers(facts: Facts) -> Iterator[Blocker]:
    if facts.system.row is None:
        refusal = facts.system.refusal
        text = f"{facts.system.title} is not supported" + (f": {refusal.why}" if refusal else "")
        yield Blocker("system", text, refusal.remedy if refusal else "")


def host_blockers(facts: Facts) -> Iterator[Blocker]:
    """What is wrong with the host itself, whatever upstreams it shall follow."""
    system = facts.system
    if not system.root:
        yield Blocker("not-root", "this needs root", "type the same with sudo before it")
    yield from _system_blockers(facts)
    if system.init is None:
        text = "neither systemd nor init scripts start what runs here"
        yield Blocker("init", text, "set this host up by hand, or boot it with one of the two")
    if not system.may_set_clock:
        where = f"this is a container ({system.container}) that" if system.container else "this machine"
        yield Blocker("container", f"{where} may not set the clock (no CAP_SYS_TIME)", "run ntpjoin on its host")
    yield from _holders(facts)
    if facts.journal.problem:
        yield Blocker("journal", facts.journal.problem, facts.journal.remedy)


def _holders(facts: Facts) -> Iterator[Blocker]:
    """Who holds the port and would go on holding it: a stranger, or a time daemon that no unit of this system's row started."""
    row = facts.system.row
    units = {row.unit, *(rival.unit for rival in row.rivals)} if row else set()
    for holder in {one.pid: one for one in reversed(facts.holders or ())}.values():
        held = f"UDP 123 on {holder.address} is held by {holder.program} (process {holder.pid}"
        if holder.program not in _TIME_DAEMONS:
            look = f"end it first; look at: ss -ulpn 'sport = 123', ps {holder.pid}"
            yield Blocker("port-123", f"{held}), which is no time daemon we know", look)
        elif row and holder.unit and holder.unit not in units:
            end = to_type("retire", holder.unit) if holder.unit.endswith(".service") else f"kill {holder.pid}"
            yield Blocker(
                "port-123", f"{held}) of {holder.unit}, which is none that setup replaces", f"end it first: {end}"
            )


def _upstream_blockers(facts: Facts, wish: Wish, pins: tuple[Pin, ...], choice: Optional[Choice]) -> Iterator[Blocker]:
    least = least_of(wish, reference_clocks(facts.directives))
    if not wish.upstreams and not pins and choice is None:
        unseen = f"; {JOURNAL_UNSEEN}" if facts.journal.unseen else ""
        yield Blocker("upstreams", f"no upstreams are named{unseen}", "add --upstream NAME, four to seven times")
    elif not wish.upstreams:
        yield from _unnamed_blockers(pins, choice)
    elif choice and not choice.chosen and choice.dropped and not any(dropped.rule for dropped in choice.dropped):
        reasons = {dropped.why for dropped in choice.dropped}
        unnamed = all("DNS" in why for why in reasons)
        text = f"none of the {len(choice.dropped)} upstreams can be followed:{_reasons(choice)}"
        yield Blocker("upstreams", text, _NO_DNS if unnamed else "is this host online? may it send UDP 123?")
    elif len(pins) < least:
        why = _reasons(choice) if choice else ""
        text = f"{len(pins)} of {len(wish.upstreams)} upstreams are left, {least} are needed{':' if why else ''}{why}"
        options = sorted({dropped.remedy for dropped in (choice.dropped if choice else ()) if dropped.remedy})
        accept = "".join(f"add {option} to accept such addresses, or " for option in options)
        few = "" if wish.few or len(pins) < LEAST_FEW else ", or add --few to go ahead with three"
        yield Blocker("upstreams", text, f"{accept}name more with --upstream{few}")


def _unnamed_blockers(pins: tuple[Pin, ...], choice: Optional[Choice]) -> Iterator[Blocker]:
    if len(pins) >= LEAST or choice is None:
        return
    if not choice.asked:
        text = "the catalogue has no server that may be used here"
        yield Blocker(
            "upstreams", text, "add --monitor, which lets more of them be pinned, or name some with --upstream"
        )
        return
    tally = Counter(dropped.why for dropped in choice.dropped).most_common()
    whys = "".join(f"\n    {count}: {why}" for why, count in tally[:_MOST_TOLD])
    others = sum(count for _, count in tally[_MOST_TOLD:])
    more = f"\n    {others}: for other reasons; ntpjoin upstreams survey tells all" if others else ""
    text = f"{choice.asked} servers of the catalogue were asked, and no four of them can be followed:{whys}{more}"
    remedy = "is this host online? may it send UDP 123? more candidates: --monitor, --candidates-from-pool CC, --upstream NAME"
    yield Blocker("upstreams", text, remedy)


def _reasons(choice: Choice) -> str:
    """Why names were dropped, one line each; on one line where it is the same for all of several."""
    reasons = {dropped.why for dropped in choice.dropped}
    if len(reasons) == 1 and len(choice.dropped) > 1:
        return f" {reasons.pop()}, each of them"
    return "".join(f"\n    {dropped.name}: {dropped.why}" for dropped in choice.dropped)


def _step_blockers(consent: Consent, choice: Optional[Choice]) -> Iterator[Blocker]:
    if choice is None or choice.offset_s is None or consent.attended or consent.allow_step:
        return
    if choice.offset_s > STEP_LIMIT_S or choice.offset_s < -STEP_S:
        text = f"the clock would step {choice.offset_s:+.1f} s while nobody looks on"
        yield Blocker("step", text, "programs may not like it; if it is all right, add --allow-step")


def least_of(wish: Wish, clocks: int) -> int:
    """How many upstreams there must be.

    A reference clock is a source, too (RFC 8633, 3.2, asks for four), but three servers must be able to outvote it.
    """
    return max(LEAST_FEW, (LEAST_FEW if wish.few else LEAST) - clocks)


def count_problem(wish: Wish, clocks: int) -> str:
    """What is wrong with the number of upstreams named beside so many reference clocks, '' where nothing is."""
    least = least_of(wish, clocks)
    if len(wish.upstreams) > MOST:
        return f"{len(wish.upstreams)} upstreams are named, the pool wants no more than {MOST}"
    if 0 < len(wish.upstreams) < least:
        hint = "" if wish.few or len(wish.upstreams) < LEAST_FEW else "; --few allows three"
        return f"at least {least} upstreams are needed, {len(wish.upstreams)} named{hint}"
    return ""
