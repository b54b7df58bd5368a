"""Servers as witnesses of what time it is: one voice each, however many addresses it has, if it may be believed at all. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

from ntpjoin.checks.probing import Seen
from ntpjoin.checks.scoring import OFFSET_FULL_S
from ntpjoin.model import Asked, Resolved, Sample
from ntpjoin.upstreams.agree import intersection
from ntpjoin.upstreams.judge import distance_s, fault, interval, sample_of, signed

#: So many must be asked before they can outvote a wrong one, or this clock.
MANY = 3


def doubt(seen: Seen) -> str:
    """Why it may be this clock that is off: most of those servers that were asked agree on that; "" where they do not."""
    samples = witnesses(seen.resolved, seen)
    majority = intersection(list(map(interval, samples))) if len(samples) >= MANY else None
    agreeing = [one.offset_s for one in samples if majority and interval(one).overlaps(majority)]
    if not agreeing or abs(median(agreeing)) <= OFFSET_FULL_S:
        return ""
    off = signed(-median(agreeing))
    count = f"{len(agreeing)} of {len(samples)} servers"
    return f"{count} say that this clock itself is off by {off}: --reference NAME, or set it first"


def witnesses(names: Iterable[Resolved], seen: Seen) -> tuple[Sample, ...]:
    """The best sample of each server that may be believed; names that share an address are one server."""
    good = {one.address: one for one in seen.asked.values() if _may_be_believed(one, seen)}
    found = [[good[address] for address in sorted(addresses & good.keys())] for addresses in _servers(names)]
    return tuple(sample_of(min(answers, key=distance_s)) for answers in found if answers)


def _servers(names: Iterable[Resolved]) -> list[set[str]]:
    """The addresses of each."""
    servers: list[set[str]] = []
    for one in names:
        same = [other for other in servers if not other.isdisjoint(one.addresses)]
        servers = [other for other in servers if other not in same]
        servers.append(set(one.addresses).union(*same))
    return servers


def _may_be_believed(asked: Asked, seen: Seen) -> bool:
    """Not who says, if only once, that it is not synchronised; nor this host, which has this very clock."""
    alarmed = any(one.leap == 3 or not 0 < one.stratum < 16 for one in asked.samples)
    return asked.address not in seen.own and not alarmed and not fault(asked, seen.own)
