"""Judging servers that were seen from outside: by what clients of ntpd accept, and what the pool's monitors make of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal, Optional

from ntpjoin.checks import answered
from ntpjoin.checks.addresses import to_probe
from ntpjoin.checks.answered import Yardstick
from ntpjoin.checks.probing import Seen
from ntpjoin.checks.references import is_reference, measured_against
from ntpjoin.checks.scoring import STRATUM_MOST, Outcome, Step, step
from ntpjoin.checks.tracer import Traced
from ntpjoin.checks.witnesses import doubt
from ntpjoin.model import Asked, Check, CheckState, Choice, Resolved
from ntpjoin.records import dataclass
from ntpjoin.upstreams.addresses import may_be_used, why_not_public
from ntpjoin.upstreams.judge import signed
from ntpjoin.wire.management import Managed

OK, WARN, FAIL, UNKNOWN = CheckState.OK, CheckState.WARN, CheckState.FAIL, CheckState.UNKNOWN

#: In which they are counted.
_ORDER = (FAIL, WARN, OK, UNKNOWN)
_LOOK = "look at the name in DNS"


@dataclass(frozen=True)
class Probed:
    """One address of a name, or a name alone that leads nowhere (`address` is '' then), and what was found.

    `offset_s` is how far its clock is ahead of what it was measured against; `step` what a monitor of the pool would give for
    the check, None where that cannot be told.
    """

    name: str
    address: str
    checks: tuple[Check, ...]
    asked: Optional[Asked] = None
    offset_s: Optional[float] = None
    step: Optional[Step] = None
    managed: Optional[Managed] = None
    traced: Optional[Traced] = None

    @property
    def state(self) -> CheckState:
        """The worst of its checks; where none is bad but a monitor's step cannot be told, unknown."""
        states = [check.state for check in self.checks]
        if FAIL in states or WARN in states:
            return FAIL if FAIL in states else WARN
        return OK if self.step else UNKNOWN


@dataclass(frozen=True)
class Verdicts:
    """All of them, in the order named, and what offsets are measured against: this clock, or those `references` that agree.

    `doubt` says why this clock may itself be the one that is off, '' where nothing speaks for that.
    """

    probed: tuple[Probed, ...]
    yardstick: Yardstick
    references: Optional[Choice] = None
    doubt: str = ""

    @property
    def code(self) -> Literal[0, 1, 3]:
        """The exit code: 1 where a check failed, 3 where nothing could be told of anybody."""
        states = [one.state for one in self.probed]
        return 1 if FAIL in states else 3 if all(state is UNKNOWN for state in states) else 0


def judge(seen: Seen) -> Verdicts:
    """Judge every address of every name."""
    references, yardstick = measured_against(seen)
    probed = tuple(one for resolved in seen.resolved for one in _name(resolved, seen, yardstick))
    return Verdicts(probed, yardstick, references, "" if references else doubt(seen))


def _name(resolved: Resolved, seen: Seen, yardstick: Yardstick) -> Iterator[Probed]:
    if not resolved.addresses:
        # Whoever asked in vain cannot tell whether there is such a name.
        state = FAIL if resolved.whole else UNKNOWN
        yield Probed(resolved.name, "", (Check("name", state, f"leads nowhere: {resolved.problem}", _LOOK),))
        return
    for number, address in enumerate(resolved.addresses):
        mine = measured_against(seen, address)[1] if is_reference(address, seen) else yardstick
        checks = list(_checks(address, resolved, seen, mine))
        if not number and resolved.untold:
            text = f"DNS did not tell whether {resolved.name} has addresses of {resolved.untold}, too"
            checks.append(Check("name", UNKNOWN, text, _LOOK))
        yield _probed(resolved.name, address, tuple(checks), seen, mine)


def _probed(name: str, address: str, checks: tuple[Check, ...], seen: Seen, yardstick: Yardstick) -> Probed:
    asked = seen.asked.get(address)
    blind = any(check.state is UNKNOWN and check.id in ("address", "answers") for check in checks)
    offset_s = yardstick.of(asked.sample) if asked and asked.sample else None
    outcome = seen_by_monitor(asked, offset_s) if asked and not blind else None
    return Probed(
        name,
        address,
        checks,
        asked,
        offset_s,
        step(outcome) if outcome else None,
        seen.managed.get(address),
        seen.traced.get(address),
    )


def _checks(address: str, resolved: Resolved, seen: Seen, yardstick: Yardstick) -> Iterator[Check]:
    """All that is told of an address, in the order in which one would mend it; one fault once."""
    if not may_be_used(address, seen.task.allow_private):
        never = not may_be_used(address, allow_private=True)
        text = f"not asked: it is {why_not_public(address)}, and the pool takes public ones only"
        yield Check("address", FAIL, text, "" if never else "--allow-private asks it all the same")
        return
    if address in seen.own:
        text = "it is an address of this host itself: no firewall was on the way"
        yield Check("address", UNKNOWN, text, f"on another machine: {to_probe([address])}")
    asked = seen.asked[address]
    yield from answered.answers(asked, _siblings(asked, resolved, seen), lonely=_lonely(seen))
    if asked.sample:
        yield from answered.said(asked, yardstick)
    yield from answered.closed(seen.managed.get(address), asked)
    yield from _traced(seen.traced.get(address))


def _siblings(asked: Asked, resolved: Resolved, seen: Seen) -> Sequence[Asked]:
    """What the other addresses of the name have come to."""
    others = (seen.asked.get(address) for address in resolved.addresses)
    return [one for one in others if one and one.address != asked.address]


def _lonely(seen: Seen) -> Optional[bool]:
    """Whether this machine hears nobody: None where only those were asked whose silence is in question."""
    if any(asked.heard or asked.kiss for asked in seen.asked.values()):
        return False
    return True if seen.references else None


def seen_by_monitor(asked: Asked, offset_s: Optional[float]) -> Optional[Outcome]:
    """What a monitor of the pool makes of these samples; None where that hangs on an offset that is not known.

    The first answer that is a kiss, or of stratum 0, 16 or above 10, ends its check; else the one that was on its way for the
    shortest time counts. What its library refuses (another mode or origin, stamps that contradict each other) is no response.
    """
    if asked.kiss:
        return Outcome(error=asked.kiss)
    if not asked.sample:
        return Outcome(no_response=True)
    for sample in asked.samples:
        if sample.stratum == 0 or sample.stratum > STRATUM_MOST:
            return Outcome(sample.stratum, error=f"bad stratum {sample.stratum}")
    if offset_s is None:
        return None
    return Outcome(asked.sample.stratum, offset_s)


def _traced(traced: Optional[Traced]) -> Iterator[Check]:
    """What the pool's tracer says; that it does not answer us is no fault of the server."""
    if traced is None:
        return
    if traced.problem:
        yield Check("tracer", UNKNOWN, f"the pool's tracer, trace2.ntppool.org, tells nothing: {traced.problem}")
    elif traced.stratum is None:
        text = "the pool's tracer asked it once, and got no answer"
        yield Check("tracer", WARN, text, "once more in a minute; a packet may be lost")
    elif not 0 < traced.stratum <= STRATUM_MOST or traced.leap == 3:
        told = f"kiss-o'-death {traced.kiss}" if traced.kiss else f"stratum {traced.stratum}, leap {traced.leap}"
        yield Check("tracer", WARN, f"the pool's tracer was told: {told}", "once more in a minute")
    else:
        text = f"the pool's tracer sees stratum {traced.stratum}, offset {signed(traced.offset_s)}"
        yield Check("tracer", OK, text)


def flattened(verdicts: Verdicts) -> tuple[Check, ...]:
    """All checks, each with the address or name that it is about in its id."""
    return tuple(
        replace(check, id=f"{one.address or one.name} {check.id}") for one in verdicts.probed for check in one.checks
    )


def counted(verdicts: Verdicts) -> Mapping[CheckState, int]:
    """How many addresses ended so."""
    states = [one.state for one in verdicts.probed]
    return {state: states.count(state) for state in _ORDER}
