"""Judging one server: whether it may be followed at all, by rules and by its own account of itself, and how good it is. Pure."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Collection, Iterable
from typing import Union

from ntpjoin.model import Asked, Candidate, Dropped, Sample
from ntpjoin.records import dataclass
from ntpjoin.upstreams import rules
from ntpjoin.upstreams.agree import Interval

#: Who follows stratum 4 is 5 itself.
WORST_STRATUM = 4
#: As ntpd's `tos maxdist`: beyond it, a server is not synchronised in its eyes.
MOST_ROOT_DISTANCE_S = 1.5
#: A server whose clock was not set for longer than this is adrift (RFC 5905's MAXAGE).
MOST_AGE_S = 86_400.0
#: An empty stamp falls into another era, far ahead; a little ahead is a server that has just been set.
LEAST_AGE_S = -1.0
#: Less than three of four answers, and it is overloaded or far; fewer questions than four tell nothing of that.
LEAST_HEARD, LEAST_SENT = 0.75, 4
#: A name that leads to more addresses of one family is a crowd, and leads to others tomorrow.
MOST_ADDRESSES = 2
#: The least doubt that a single sample deserves. The first and the last may be 5 s apart, in which an undisciplined
#: clock may run off by 2.5 ms (500 ppm); and radio clocks announce no dispersion but are a few ms late.
LEAST_DOUBT_S = 0.005
#: Of more addresses than these each reason is told once.
MOST_TOLD = 4
#: What a lost answer and a stratum below the first count for, in root distance.
LOSS_S, STRATUM_S = 0.050, 0.001


@dataclass(frozen=True)
class Host:
    """A name that answered well, and its addresses that did, best first."""

    name: str
    addresses: frozenset[str]
    asked: tuple[Asked, ...]

    @property
    def best(self) -> Sample:
        """The best sample of the best address."""
        return sample_of(self.asked[0])


def sample_of(asked: Asked) -> Sample:
    """The sample of an address that has one."""
    assert asked.sample is not None
    return asked.sample


def distance_s(asked: Asked) -> float:
    """How far a server is from the truth at worst: its root distance, the jitter on the way, and what losses and strata cost."""
    lost = 1 - asked.heard / asked.sent if asked.sent >= LEAST_SENT else 0.0
    sample = sample_of(asked)
    return sample.root_distance_s + asked.jitter_s + lost * LOSS_S + (STRATUM_S if sample.stratum > 1 else 0.0)


def examine(
    candidate: Candidate,
    earlier: Iterable[Host],
    own_addresses: Collection[str],
    allow_private: bool,
    worst_stratum: int = WORST_STRATUM,
) -> Union[Host, Dropped]:
    """Judge one name by itself, and against the names before it."""
    name, resolved = candidate.name, candidate.resolved
    rule = rules.why_not_follow(resolved)
    if rule:
        return Dropped(name, rule, rule=True)
    if resolved.problem:
        return Dropped(name, resolved.problem)
    refused = {
        address: rules.why_not_ask(address, own_addresses=own_addresses, allow_private=allow_private)
        for address in resolved.addresses
    }
    addresses = frozenset(address for address, why in refused.items() if not why)
    if not addresses:
        return Dropped(name, _summary(refused.items()), rule=True, remedy=_remedy(resolved.addresses, own_addresses))
    if _crowd(addresses):
        return Dropped(name, _crowd(addresses), rule=True)
    asked = [one for one in candidate.asked if one.address in addresses]
    faults = {one.address: fault(one, own_addresses, worst_stratum) for one in asked}
    good = [one for one in asked if one.sample and not faults[one.address]]
    if not good:
        return Dropped(name, _summary(faults.items()) or "it was not asked")
    for other in earlier:
        if other.addresses & addresses:
            return Dropped(name, f"the same server as {other.name}", rule=True)
    return Host(name, addresses, tuple(sorted(good, key=lambda one: (distance_s(one), one.address))))


def _crowd(addresses: Iterable[str]) -> str:
    families = [family(address) for address in addresses]
    for number in (4, 6):
        count = families.count(number)
        if count > MOST_ADDRESSES:
            return f"its name leads to {count} addresses of IPv{number}: that is no single server"
    return ""


def _remedy(addresses: Iterable[str], own_addresses: Collection[str]) -> str:
    """Say which option would let one of these refused addresses be asked."""
    allowed = [one for one in addresses if not rules.why_not_ask(one, own_addresses=own_addresses, allow_private=True)]
    return "--allow-private" if allowed else ""


def _summary(whys: Iterable[tuple[str, str]]) -> str:
    """Put the reasons of several addresses together: one if they all have the same, else each with its address.

    Of a crowd each reason is told once, with the first address that has it.
    """
    pairs = list(whys)
    first: dict[str, str] = {}
    for address, why in pairs:
        first.setdefault(why, address)
    if len(first) == 1:
        return pairs[0][1]
    if len(pairs) > MOST_TOLD:
        pairs = [(f"{address} and the like", why) for why, address in first.items()]
    return "; ".join(f"{address}: {why}" for address, why in pairs)


def fault(asked: Asked, own_addresses: Collection[str], worst_stratum: int = WORST_STRATUM) -> str:
    """Say why what an address answered cannot be followed, by the server's own account of itself; "" when it can."""
    sample = asked.sample
    if not sample:
        return asked.problem
    if sample.leap == 3 or not 0 < sample.stratum < 16:
        return "not synchronised"
    if sample.refid.startswith("254.") and sample.stratum > 1:
        # A server that follows another over IPv6 has a hash for it, which begins like this once in 256 times.
        either = "that of smeared leap seconds, or of one IPv6 upstream in 256"
        return f"its refid {sample.refid} is {either}; pool members must not smear"
    if sample.stratum > worst_stratum:
        return f"stratum {sample.stratum}; {worst_stratum} is the highest that can be followed"
    if sample.root_distance_s > MOST_ROOT_DISTANCE_S:
        return (
            f"root distance {sample.root_distance_s:.3f} s; {MOST_ROOT_DISTANCE_S} s is the most that can be followed"
        )
    if sample.reference_age_s > MOST_AGE_S:
        return "its own clock was not set for more than a day"
    if sample.reference_age_s < LEAST_AGE_S:
        return "it does not tell when its own clock was set"
    if sample.refid in {refid(own) for own in own_addresses}:
        return "it follows this host"
    if asked.sent >= LEAST_SENT and asked.heard < LEAST_HEARD * asked.sent:
        return f"{asked.heard} of {asked.sent} questions were answered"
    return ""


def refid(address: str) -> str:
    """Give what a server that follows this address has as its refid (RFC 5905, section 7.3)."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if parsed.version == 4:
        return str(parsed)
    digest = hashlib.md5(parsed.packed, usedforsecurity=False).digest()
    return str(ipaddress.IPv4Address(digest[:4]))


def interval(sample: Sample) -> Interval:
    """Where the true offset lies if this server is right."""
    return Interval(sample.offset_s, max(sample.root_distance_s, LEAST_DOUBT_S))


def family(address: str) -> int:
    """4 or 6."""
    return 6 if ":" in address else 4


def off(host: Host, aside_s: float) -> str:
    """Why one is not followed that a majority does not hold to be right; at which of its addresses, where it has several."""
    where = f" at {host.asked[0].address}" if len(host.asked) > 1 else ""
    return f"its time{where} is off by {signed(aside_s)} from the majority"


def signed(seconds: float) -> str:
    """Write a difference in time with its sign: "+10.000 s", "-63.0 ms", "+0.4 ms"."""
    if abs(seconds) < 0.9995:
        return f"{round(seconds * 1000, 1) + 0.0:+.1f} ms"  # what is left of -0.04 ms is nothing, not -0.0
    return f"{seconds:+.3f} s"
