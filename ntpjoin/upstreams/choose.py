"""The choice: from what the survey found to whom this host will follow. Pure: the same input, the same choice."""

from __future__ import annotations

import hashlib
import ipaddress
import statistics
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Optional, Union

from ntpjoin.model import Asked, Candidate, Choice, Chosen, Dropped, Sample
from ntpjoin.upstreams import rules
from ntpjoin.upstreams.agree import Interval, intersection

#: Who follows stratum 4 is 5 itself.
WORST_STRATUM = 4
#: As ntpd's `tos maxdist`: beyond it, a server is not synchronised in its eyes.
MOST_ROOT_DISTANCE_S = 1.5
#: The least doubt that a single sample deserves. The first and the last may be 5 s apart, in which an undisciplined
#: clock may run off by 2.5 ms (500 ppm); and radio clocks announce no dispersion but are a few ms late.
LEAST_DOUBT_S = 0.005
#: How much worse, in root distance, an address of the other family may be: by half, and 10 ms.
OTHER_FAMILY_FACTOR, OTHER_FAMILY_MARGIN_S = 1.5, 0.010


@dataclass(frozen=True)
class _Host:
    """A name that answered well, and its samples that count, best first."""

    name: str
    addresses: frozenset[str]
    samples: tuple[Sample, ...]

    @property
    def best(self) -> Sample:
        return self.samples[0]


def choose(
    candidates: Sequence[Candidate], *, own_addresses: Collection[str] = (), allow_private: bool = False
) -> Choice:
    """Choose whom to follow, in the order named; whoever is not chosen is dropped with the reason.

    All that a majority of agreeing servers holds to be right are chosen; how many are needed is for others to judge.
    `own_addresses` and `allow_private` as the survey had them.
    """
    dropped: dict[str, Dropped] = {}
    hosts: list[_Host] = []
    for candidate in candidates:
        host = _examine(candidate, hosts, own_addresses, allow_private)
        if isinstance(host, Dropped):
            dropped[host.name] = host
        else:
            hosts.append(host)
    majority = intersection([_interval(host.best) for host in hosts])
    true = [host for host in hosts if majority and _interval(host.best).overlaps(majority)]
    middle_s = statistics.median(host.best.offset_s for host in true) if true else 0.0
    for host in hosts:
        if not majority:
            dropped[host.name] = Dropped(host.name, "no majority agrees")
        elif host not in true:
            off = signed(host.best.offset_s - middle_s)
            dropped[host.name] = Dropped(host.name, f"its time is off by {off} from the majority")
    chosen = _pin(true, majority) if majority else ()
    offsets = [one.sample.offset_s for one in chosen]
    return Choice(
        asked=len(candidates),
        chosen=chosen,
        dropped=tuple(dropped[candidate.name] for candidate in candidates if candidate.name in dropped),
        offset_s=statistics.median(offsets) if offsets else None,
        spread_s=max(offsets) - min(offsets) if offsets else None,
    )


def signed(seconds: float) -> str:
    """Write a difference in time with its sign: "+10.000 s", "-63.0 ms", "+0.4 ms"."""
    if abs(seconds) < 0.9995:
        return f"{seconds * 1000:+.1f} ms"
    return f"{seconds:+.3f} s"


def _examine(
    candidate: Candidate, earlier: Iterable[_Host], own_addresses: Collection[str], allow_private: bool
) -> Union[_Host, Dropped]:
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
    asked = [one for one in candidate.asked if one.address in addresses]
    faults = {one.address: _fault(one, own_addresses) for one in asked}
    samples = [one.sample for one in asked if one.sample and not faults[one.address]]
    if not samples:
        return Dropped(name, _summary(faults.items()) or "it was not asked")
    for other in earlier:
        if other.addresses & addresses:
            return Dropped(name, f"the same server as {other.name}", rule=True)
    return _Host(name, addresses, tuple(sorted(samples, key=lambda sample: (sample.root_distance_s, sample.address))))


def _remedy(addresses: Iterable[str], own_addresses: Collection[str]) -> str:
    """Say which option would let one of these refused addresses be asked."""
    allowed = [one for one in addresses if not rules.why_not_ask(one, own_addresses=own_addresses, allow_private=True)]
    return "--allow-private" if allowed else ""


def _summary(whys: Iterable[tuple[str, str]]) -> str:
    """Put the reasons of several addresses together: one if they all have the same, else each with its address."""
    pairs = list(whys)
    reasons = list(dict.fromkeys(why for _, why in pairs))
    if len(reasons) == 1:
        return reasons[0]
    return "; ".join(f"{address}: {why}" for address, why in pairs)


def _fault(asked: Asked, own_addresses: Collection[str]) -> str:
    """Say why an answer cannot be followed, by the server's own account of itself; "" when it can."""
    sample = asked.sample
    if not sample:
        return asked.problem
    if sample.leap == 3 or not 0 < sample.stratum < 16:
        return "not synchronised"
    if sample.stratum > WORST_STRATUM:
        return f"stratum {sample.stratum}; {WORST_STRATUM} is the highest that can be followed"
    if sample.root_distance_s > MOST_ROOT_DISTANCE_S:
        return (
            f"root distance {sample.root_distance_s:.3f} s; {MOST_ROOT_DISTANCE_S} s is the most that can be followed"
        )
    if sample.refid in {_refid(own) for own in own_addresses}:
        return "it follows this host"
    return ""


def _refid(address: str) -> str:
    """Give what a server that follows this address has as its refid (RFC 5905, section 7.3)."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if parsed.version == 4:
        return str(parsed)
    digest = hashlib.md5(parsed.packed, usedforsecurity=False).digest()
    return str(ipaddress.IPv4Address(digest[:4]))


def _interval(sample: Sample) -> Interval:
    return Interval(sample.offset_s, max(sample.root_distance_s, LEAST_DOUBT_S))


def _pin(hosts: Sequence[_Host], majority: Interval) -> tuple[Chosen, ...]:
    """Give each host one address: where both of its families are good, in the one that has fewer hosts so far.

    Hosts with one good family count before all others; between equals the better-measured family wins.
    """
    options = {host.name: _families(host, majority) for host in hosts}
    taken = {4: 0, 6: 0}
    for choices in options.values():
        if len(choices) == 1:
            taken[_family(choices[0])] += 1
    chosen = []
    for host in hosts:
        best, *others = options[host.name]
        other: Optional[Sample] = others[0] if others else None
        sample = other if other and taken[_family(other)] < taken[_family(best)] else best
        if other:
            taken[_family(sample)] += 1
        chosen.append(Chosen(host.name, sample.address, sample))
    return tuple(chosen)


def _families(host: _Host, majority: Interval) -> tuple[Sample, ...]:
    """Give the host's best sample, and the best one of the other family if it is about as good."""
    most_s = host.best.root_distance_s * OTHER_FAMILY_FACTOR + OTHER_FAMILY_MARGIN_S
    for sample in host.samples:
        about_as_good = sample.root_distance_s <= most_s and _interval(sample).overlaps(majority)
        if about_as_good and _family(sample) != _family(host.best):
            return (host.best, sample)
    return (host.best,)


def _family(sample: Sample) -> int:
    return 6 if ":" in sample.address else 4
