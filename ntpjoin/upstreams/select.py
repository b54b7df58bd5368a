"""The choice among candidates that nobody named: few, good, near and unlike each other. Pure but for the dice between equals."""

from __future__ import annotations

import ipaddress
import random
import statistics
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Optional

from ntpjoin.model import Candidate, Choice, Chosen, Dropped
from ntpjoin.upstreams import diversity
from ntpjoin.upstreams.agree import Interval, intersection
from ntpjoin.upstreams.catalogue import Server
from ntpjoin.upstreams.diversity import Member, clash
from ntpjoin.upstreams.judge import Host, distance_s, examine, family, interval, off, refid
from ntpjoin.upstreams.pin import families, pin_nearest

#: Who follows a stratum 3 has more between itself and the truth than a member of the pool needs.
WORST_STRATUM = 2
#: What a server may say of itself at most: its way to the reference clock and back, and the dispersion collected there.
MOST_ROOT_DELAY_S, MOST_ROOT_DISPERSION_S = 0.2, 0.1
#: Servers whose root distances differ by less than this share are equals, and the dice decide: else all hosts of a city
#: would follow the same five.
EQUAL = 0.05
#: A clock may differ from the middle one by this share of its root distance, or by so many seconds: routes are seldom more
#: lopsided than that, and a lie is easily within the whole of it.
MOST_ASIDE, LEAST_ASIDE_S = 0.35, 0.010


def select(
    candidates: Sequence[Candidate],
    servers: Mapping[str, Server],
    *,
    own_addresses: Collection[str] = (),
    allow_private: bool = False,
    keep: Optional[Mapping[str, str]] = None,
    sectors: Optional[Mapping[str, int]] = None,
    dice: Optional[random.Random] = None,
) -> Choice:
    """Choose five, or four, of the candidates; `Choice.waived` tells what could not be had, and `dropped` why the others are not.

    `servers` has each candidate's row; `sectors` in which quarter of the compass it lies. Those named in `keep` stay if they
    are still good, at the address that it has for them if that is a good one. Fewer than four good ones lead to no choice.
    """
    dice = dice or random.Random()
    dropped: dict[str, Dropped] = {}
    hosts = _good(candidates, dropped, own_addresses, allow_private)
    voters = _voters(hosts, servers)
    majority = intersection([interval(host.best) for host in voters])
    middle_s = _middle(voters, majority)
    true = [host for host in hosts if _agrees(host, majority, middle_s, dropped)]
    reached = {family(one.address) for host in true for one in host.asked}
    members = [_member(host, servers[host.name], majority, sectors or {}, dice) for host in true if majority]
    fixed = [one for one in members if one.name in (keep or {})]
    found = diversity.best(members, fixed=fixed, both_families=len(reached) == 2)
    if found is None and fixed:
        found = diversity.best(members, both_families=len(reached) == 2)
    chosen = {one.name for one in found.members} if found else set()
    for one in members:
        if one.name not in chosen:
            dropped[one.name] = Dropped(one.name, _why_not(one, found.members if found else ()), good=True)
    followed = [host for host in true if host.name in chosen]
    each = 2 if len(reached) == 2 else 0
    pins = pin_nearest(followed, majority, each=each, keep=keep or {}) if majority else ()
    waived = tuple(why for rule, why in diversity.WAIVED_IN_ORDER.items() if found and rule in found.waived)
    pins = tuple(replace(one, about=_about(servers[one.name])) for one in pins)
    return _choice(pins, [dropped[one.name] for one in candidates if one.name in dropped], len(candidates), waived)


def _choice(pins: tuple[Chosen, ...], dropped: Sequence[Dropped], asked: int, waived: tuple[str, ...]) -> Choice:
    offsets = [one.sample.offset_s for one in pins]
    middle_s = statistics.median(offsets) if offsets else None
    spread_s = max(offsets) - min(offsets) if offsets else None
    return Choice(asked, pins, tuple(dropped), middle_s, spread_s, waived)


def _about(server: Server) -> str:
    return ", ".join(filter(None, (server.operator, server.place, server.country)))


def _good(
    candidates: Iterable[Candidate], dropped: dict[str, Dropped], own_addresses: Collection[str], allow_private: bool
) -> list[Host]:
    """Those that can be followed by rule and by their own account; why the others cannot goes to `dropped`."""
    hosts: list[Host] = []
    for candidate in candidates:
        host = examine(candidate, hosts, own_addresses, allow_private, WORST_STRATUM)
        why = "" if isinstance(host, Dropped) else _far(host)
        if isinstance(host, Dropped):
            dropped[candidate.name] = host
        elif why:
            dropped[candidate.name] = Dropped(candidate.name, why)
        else:
            hosts.append(host)
    return hosts


def _far(host: Host) -> str:
    sample = host.best
    if sample.root_delay_s > MOST_ROOT_DELAY_S or sample.root_dispersion_s > MOST_ROOT_DISPERSION_S:
        return (
            f"it is far from its own reference: root delay {sample.root_delay_s * 1000:.0f} ms, "
            f"root dispersion {sample.root_dispersion_s * 1000:.0f} ms"
        )
    return ""


def _voters(hosts: Iterable[Host], servers: Mapping[str, Server]) -> list[Host]:
    """One for each operator, for ten wrong clocks of one operator are one mistake: the best of those of his that agree."""
    theirs: dict[str, list[Host]] = {}
    for host in sorted(hosts, key=lambda host: distance_s(host.asked[0])):
        theirs.setdefault(servers[host.name].house, []).append(host)
    return [next(_agreeing(some), some[0]) for some in theirs.values()]


def _agreeing(hosts: Sequence[Host]) -> Iterator[Host]:
    """Those that a majority of these holds to be right."""
    majority = intersection([interval(host.best) for host in hosts])
    return (host for host in hosts if majority and interval(host.best).overlaps(majority))


def _middle(voters: Iterable[Host], majority: Optional[Interval]) -> float:
    """The middle offset of those that the majority holds to be right; seconds."""
    offsets = [host.best.offset_s for host in voters if majority and interval(host.best).overlaps(majority)]
    return statistics.median(offsets) if offsets else 0.0


def _agrees(host: Host, majority: Optional[Interval], middle_s: float, dropped: dict[str, Dropped]) -> bool:
    """Whether the majority holds it to be right; if not, that goes to `dropped`."""
    if majority is None:
        dropped[host.name] = Dropped(host.name, "no majority agrees")
        return False
    theirs = interval(host.best)
    aside_s = theirs.middle_s - middle_s
    if theirs.overlaps(majority) and abs(aside_s) <= max(LEAST_ASIDE_S, MOST_ASIDE * theirs.half_s):
        return True
    dropped[host.name] = Dropped(host.name, off(host, aside_s))
    return False


def _member(host: Host, server: Server, majority: Interval, sectors: Mapping[str, int], dice: random.Random) -> Member:
    sample = host.best
    return Member(
        name=host.name,
        distance_s=distance_s(host.asked[0]) * (1 + EQUAL * dice.random()),
        operator=server.house,
        asn=frozenset(server.asn),
        prefixes=frozenset(map(network, host.addresses)),
        refids=frozenset(map(refid, host.addresses)),
        follows=sample.refid if sample.stratum > 1 else "",
        anycast=server.anycast,
        families=frozenset(family(asked.address) for asked in families(host, majority)),
        sector=sectors.get(host.name),
    )


def network(address: str) -> str:
    """The network that an address is taken to share with its neighbours: a /24, or a /48."""
    return str(ipaddress.ip_network(f"{address}/{48 if ':' in address else 24}", strict=False))


def _why_not(one: Member, chosen: Sequence[Member]) -> str:
    """Why a good server was not chosen, for those who look for it."""
    if not chosen:
        return "fewer than four good ones may be followed together"
    clashes = (clash(one, other) for other in chosen)
    why = next(filter(None, clashes), "")
    distance = f"root distance {one.distance_s * 1000:.0f} ms"
    worst_s = max(other.distance_s for other in chosen)
    if one.distance_s > worst_s:
        return f"good, but farther than the chosen ones: {distance}"
    return why or f"good, but together with the others it would lie too much in one direction or family: {distance}"
