"""What one address answered: whether a client of ntpd would take it, how far off it is, and how open it is. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Optional

from ntpjoin.checks.scoring import OFFSET_FULL_S, OFFSET_STEEP_S, SAMPLES, STRATUM_BAD
from ntpjoin.checks.sync import DISTANCE_FAIL_S, DISTANCE_WARN_S
from ntpjoin.model import Asked, Check, CheckState, Measure, Sample
from ntpjoin.records import dataclass
from ntpjoin.upstreams.judge import LEAST_AGE_S, MOST_AGE_S, signed
from ntpjoin.wire.management import Managed

OK, WARN, FAIL, UNKNOWN = CheckState.OK, CheckState.WARN, CheckState.FAIL, CheckState.UNKNOWN

#: The pool registers strata up to this one (`lib/NTPPool/Control/Manage/Server.pm` of abh/ntppool).
_STRATUM_TAKEN = 5
#: An ntpd that smears says by how much behind this octet, as a signed number with 22 bits of fraction (libntp/refidsmear.c).
_SMEARED_REFID, _SMEAR_UNIT_S, _SMEAR_SPAN_S = "254.", 2.0**-22, 4.0
#: A reference that tells of a smear by which the clock is not off, by more than this, is something else.
_SMEAR_DOUBT_S = 0.100


@dataclass(frozen=True)
class Yardstick:
    """What offsets are measured against, in words, and how far that is ahead of this host's clock; None: nothing to measure by.

    `why` there is nothing, in words.
    """

    what: str
    offset_s: Optional[float]
    why: str = ""

    def of(self, sample: Sample) -> Optional[float]:
        """How far a server is ahead of it."""
        return None if self.offset_s is None else sample.offset_s - self.offset_s


def answers(asked: Asked, siblings: Sequence[Asked], *, lonely: Optional[bool]) -> Iterator[Check]:
    """Whether it answers; `siblings` are the other addresses of its name.

    `lonely`: this machine hears nobody; None where only those were asked whose silence is in question.
    """
    if asked.kiss:
        yield _kissed(asked)
    elif asked.sample is None:
        yield _silent(asked, siblings, lonely)
    else:
        lost = asked.sent - asked.heard
        measure = Measure(100 * lost / asked.sent, "%", 1)
        text = f"{asked.heard} of {asked.sent} questions were answered"
        yield Check(
            "answers", WARN if lost else OK, text, "once more; is the line overloaded?" if lost else "", measure
        )


def _kissed(asked: Asked) -> Check:
    code, number = asked.kiss, asked.sent
    if code != "RATE":
        text = f"denies clients the time (kiss-o'-death {code})"
        return Check("answers", FAIL, text, "on it: ntpjoin verify names the restrict line")
    why = "as too frequent (kiss-o'-death RATE): its limiter is too tight"
    remedy = "on it: ntpjoin verify names the limit or discard line"
    if number > 1:
        return Check("answers", FAIL, f"refuses question {number} of {SAMPLES}, 2 s apart, {why}", remedy)
    text = f"refuses the first question {why}, or it was asked from here a moment ago"
    return Check("answers", FAIL, text, f"wait a minute, then once more; if it stays, {remedy}")


def _silent(asked: Asked, siblings: Sequence[Asked], lonely: Optional[bool]) -> Check:
    if not asked.sent:
        family = "IPv6" if ":" in asked.address else "IPv4"
        return Check(
            "answers", UNKNOWN, f"cannot be asked from here: {asked.problem}", f"probe it where there is {family}"
        )
    if lonely:
        text = f"{asked.problem}; nor do the references answer: this machine hears nobody"
        return Check("answers", UNKNOWN, text, "is UDP 123 let out here, and by the provider?")
    if asked.problem.startswith("no valid answer"):
        text = f"gives answers that no client takes: {asked.problem.partition(': ')[2]}"
        return Check("answers", FAIL, text, "what answers there? On it: ntpjoin verify")
    return Check("answers", FAIL, f"does not answer: {asked.problem}", _to_mend(asked, siblings, lonely))


def _to_mend(asked: Asked, siblings: Sequence[Asked], lonely: Optional[bool]) -> str:
    mine, other, record = ("IPv6", "IPv4", "AAAA") if ":" in asked.address else ("IPv4", "IPv6", "A")
    if any(one.sample and (":" in one.address) is not (":" in asked.address) for one in siblings):
        return f"{other} answers: let UDP 123 in over {mine}, too; or take the {record} record out"
    if asked.problem.startswith("refused"):
        return "on it: does ntpd run, and listen there? ntpjoin verify"
    remedy = "let UDP 123 in, there and at its provider; on it: ntpjoin verify"
    return f"{remedy}. --reference NAME tells whether this machine hears anybody" if lonely is None else remedy


def said(asked: Asked, yardstick: Yardstick) -> Iterator[Check]:
    """What it says of itself and of the time. Of one that is not synchronised nothing else is told."""
    sample = asked.sample
    if sample is None:
        return
    alarms = [one for one in asked.samples if one.leap == 3 or not 0 < one.stratum < 16]
    if alarms:
        yield _unsynchronised(alarms[0], yardstick)
        return
    yield _stratum(sample.stratum)
    if sample.leap:
        what = {1: "one more second", 2: "one second less"}[sample.leap]
        text = f"announces a leap second at the end of the month, {what}"
        yield Check("leap", WARN, text, "is there one? If not, look at what it follows, and at its leapfile")
    yield _distance(sample)
    yield from _age(sample)
    smears = list(_smears(sample, yardstick))
    yield from smears or [_offset(sample, yardstick)]  # one that smears is off by what that means


def _unsynchronised(sample: Sample, yardstick: Yardstick) -> Check:
    told = ", ".join(filter(None, (f"stratum {sample.stratum}", "leap 3" if sample.leap == 3 else "")))
    text = f"says that it is not synchronised ({told}): clients do not follow it"
    offset_s = yardstick.of(sample)
    if 0 < sample.stratum < STRATUM_BAD and offset_s is not None and abs(offset_s) <= OFFSET_FULL_S:
        text += ", though the pool's monitors do not mind"
    return Check("synchronised", FAIL, text, "on it: ntpjoin verify tells why")


def _stratum(stratum: int) -> Check:
    measure = Measure(stratum, warn=_STRATUM_TAKEN, fail=STRATUM_BAD - 1)
    if stratum <= _STRATUM_TAKEN:
        return Check("stratum", OK, f"stratum {stratum}", measure=measure)
    state = FAIL if stratum >= STRATUM_BAD else WARN
    why = "the pool's monitors take points" if state is FAIL else f"the pool registers 1 to {_STRATUM_TAKEN}"
    return Check("stratum", state, f"stratum {stratum}: {why}", "let it follow servers of a lower stratum", measure)


def _distance(sample: Sample) -> Check:
    distance_s = sample.root_distance_s
    measure = Measure(distance_s, "s", DISTANCE_WARN_S, DISTANCE_FAIL_S)
    text = f"root distance {distance_s * 1000:.1f} ms"
    if distance_s <= DISTANCE_WARN_S:
        return Check("distance", OK, text, measure=measure)
    state = FAIL if distance_s > DISTANCE_FAIL_S else WARN
    text += f": clients follow nobody beyond {DISTANCE_FAIL_S * 1000:.0f} ms"
    remedy = "was it started some minutes ago? Then ask again; else let it follow nearer servers; on it: ntpjoin verify"
    return Check("distance", state, text, remedy, measure)


def _age(sample: Sample) -> Iterator[Check]:
    """Told only where it is odd."""
    remedy = "on it: does it hear those it follows? ntpjoin verify"
    if sample.reference_age_s > MOST_AGE_S:
        yield Check("age", WARN, "by its own account its clock was not set for more than a day", remedy)
    elif sample.reference_age_s < LEAST_AGE_S:
        yield Check("age", WARN, "does not tell when its clock was set last", remedy)


def _smears(sample: Sample, yardstick: Yardstick) -> Iterator[Check]:
    """A server that follows another over IPv6 has a hash for its reference, which begins like this once in 256 times.

    But then the clock is hardly off by just what the rest of it would mean.
    """
    if sample.stratum < 2 or not sample.refid.startswith(_SMEARED_REFID):
        return
    by_s = smear_s(sample.refid)
    offset_s = yardstick.of(sample)
    if offset_s is not None and abs(offset_s - by_s) > _SMEAR_DOUBT_S + sample.root_distance_s:
        return
    text = f"smears a leap second, by {signed(by_s)} now, as its reference says ({sample.refid}): the pool must not have it"
    yield Check("smear", FAIL, text, "on it: take leapsmearinterval out, or do not follow who smears")


def smear_s(refid: str) -> float:
    """By how much, in seconds, an ntpd with this reference shifts the time that it gives."""
    number = int.from_bytes(bytes(map(int, refid.split(".")))[1:], "big") * _SMEAR_UNIT_S
    return number - _SMEAR_SPAN_S if number >= _SMEAR_SPAN_S / 2 else number


def _offset(sample: Sample, yardstick: Yardstick) -> Check:
    offset_s = yardstick.of(sample)
    if offset_s is None:
        return Check("offset", UNKNOWN, yardstick.why, "--reference NAME, three others")
    off_s = abs(offset_s)
    measure = Measure(off_s, "s", OFFSET_FULL_S, OFFSET_STEEP_S)
    text = f"offset {signed(offset_s)} against {yardstick.what}"
    if off_s <= OFFSET_FULL_S:
        return Check("offset", OK, text, measure=measure)
    state = FAIL if off_s > OFFSET_STEEP_S else WARN
    text += ": the pool's monitors take points from 25 ms on" + (
        ", and from 100 ms on it stays out" if state is FAIL else ""
    )
    if off_s <= sample.delay_s / 2:
        text += f"; but a lopsided way of {sample.delay_s * 1000:.0f} ms there and back may be all of it"
    remedy = "on it: ntpjoin verify"
    if yardstick.what == "this clock":
        remedy = f"is this clock right? --reference NAME tells; {remedy}"
    return Check("offset", state, text, remedy, measure)


def closed(managed: Optional[Managed], asked: Asked) -> Iterator[Check]:
    """Whether it answers management queries, where they were asked. A silence counts only beside an answer to something else."""
    if managed is None or managed.problem:
        return
    if managed.answers:
        told = " and ".join(
            f"mode {one.mode} with {one.received} bytes for {one.sent} (factor {one.factor:.1f})"
            for one in managed.answers
        )
        text = f"answers management queries, {told}: an amplifier"
        measure = Measure(max(one.factor for one in managed.answers))
        yield Check(
            "closed", FAIL, text, "on it: noquery in the default of restrict; ntpjoin verify names the line", measure
        )
    elif asked.heard or asked.kiss:
        yield Check("closed", OK, "refuses management queries (modes 6 and 7)", measure=Measure(0.0))
    else:
        yield Check("closed", UNKNOWN, "is silent to management queries, but so it is to clients")
