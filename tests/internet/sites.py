"""Honest servers, drawn: where they are, how far that is, whom they follow, how good their clocks are."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace

from ntpjoin.model import Family
from ntpjoin.upstreams.catalogue import Access, Server
from tests.internet.operators import Operator, hidden_upstream
from tests.internet.places import Place
from tests.internet.site import Path, Site, refid_of
from tests.internet.stations import Behaviour

_KM_PER_MS = 200.0
_REFERENCES = ("GPS", "PPS", "GNSS", "GAL", "ATOM", "UTC", "DCF", "PTB", "NIST", "MRS")
_ACCESS: tuple[Access, ...] = (*("open",) * 44, "restricted", "restricted", "restricted", "closed", "closed", "unknown")
#: How many addresses of each family a name has that rotates.
_RING = 4


def draw_site(number: int, operator: Operator, here: Place, dice: random.Random) -> Site:
    """An honest server; at stratum 2 its upstream is none of this world's yet."""
    city = operator.somewhere(dice)
    place = replace(city, lat=city.lat + dice.uniform(-0.3, 0.3), lon=city.lon + dice.uniform(-0.3, 0.3))
    families: tuple[Family, ...] = dice.choice((*(("IPv4", "IPv6"),) * 6, *(("IPv4",),) * 3, ("IPv6",)))
    stratum = dice.choice((1, 1, 1, 1, 2, 2, 2, 2, 2, 3))
    upstream = "" if stratum == 1 else hidden_upstream(number + 1)
    if stratum == 1:
        root_delay_s, root_dispersion_s = 0.0, dice.uniform(0.0003, 0.003)
    else:
        root_delay_s, root_dispersion_s = dice.uniform(0.001, 0.04), dice.uniform(0.001, 0.015)
    doubt_s = root_delay_s / 2 + root_dispersion_s
    pair = operator.network.addresses(operator.name, city, dice)
    return Site(
        row=_row(f"ntp{number + 1}.{operator.domain}", operator, place, stratum, dice),
        behaviour=Behaviour.HONEST,
        place=place,
        operator=operator.name,
        asn=operator.network.asn,
        addresses=tuple(a for a, family in zip(pair, ("IPv4", "IPv6")) if family in families),
        paths=tuple((family, _path(here.distance_km(place), dice)) for family in families),
        stratum=stratum,
        refid=refid_of(upstream) if upstream else dice.choice(_REFERENCES),
        upstream=upstream,
        root_delay_s=root_delay_s,
        root_dispersion_s=root_dispersion_s,
        error_s=max(-0.8 * doubt_s, min(0.8 * doubt_s, dice.gauss(0, doubt_s / 4))),
        reference_age_s=dice.uniform(0, 16 if stratum == 1 else 1024),
    )


def _row(host: str, operator: Operator, place: Place, stratum: int, dice: random.Random) -> Server:
    """What the catalogue knows: now and then not where it is, in which network, or at which stratum."""
    placed = dice.random() >= 0.04
    return Server(
        host=host,
        country=place.country,
        place=place.name if placed else "",
        lat=place.lat if placed else None,
        lon=place.lon if placed else None,
        stratum=stratum if dice.random() >= 0.1 else None,
        operator=operator.name,
        access=dice.choice(_ACCESS),
        notify="no",
        smears="no" if dice.random() < 0.8 else "unknown",
        gap_s=4.0 if dice.random() < 0.06 else 2.0,
        asn=(operator.network.asn,) if dice.random() >= 0.15 else (),
        source="https://servers.example/",
    )


def _path(distance_km: float, dice: random.Random) -> Path:
    one_way_s = distance_km / _KM_PER_MS / 1000 * dice.uniform(1.2, 2.2) + dice.uniform(0.0003, 0.006)
    lean_s = one_way_s * dice.uniform(-0.15, 0.15)  # both ways differ by up to 15 % of the round trip
    jitter_s = 0.0001 * 30 ** dice.random()
    return Path(one_way_s + lean_s, one_way_s - lean_s, jitter_s, dice.choice((0.0, 0.0, 0.001, 0.01, 0.03)))


def with_upstreams(sites: Sequence[Site], dice: random.Random) -> list[Site]:
    """Let some of stratum 2 follow a server of this world, and groups of them follow one and the same."""
    followed = list(sites)
    first = [site for site in sites if site.stratum == 1]
    second = [number for number, site in enumerate(sites) if site.stratum == 2]
    dice.shuffle(second)
    for _ in range(dice.randint(2, 5)):
        crowd, second = second[: dice.randint(3, 8)], second[8:]
        leader = (
            dice.choice(first).addresses[0] if first and dice.random() < 0.6 else hidden_upstream(dice.getrandbits(16))
        )
        for number in crowd:
            followed[number] = _following(followed[number], leader)
    for number in second:
        if first and dice.random() < 0.3:
            followed[number] = _following(followed[number], dice.choice(dice.choice(first).addresses))
    return followed


def _following(site: Site, upstream: str) -> Site:
    return replace(site, upstream=upstream, refid=refid_of(upstream))


def rotating(site: Site, operators: Iterable[Operator], dice: random.Random) -> Site:
    """The same with more addresses behind its name, shown in turn."""
    [operator] = [one for one in operators if one.name == site.operator]
    pairs = [operator.network.addresses(operator.name, site.place, dice) for _ in range(_RING - 1)]
    more = tuple(a for pair in pairs for a, family in zip(pair, ("IPv4", "IPv6")) if family in site.families)
    row = replace(site.row, rotates=dice.random() < 0.3)
    return replace(site, row=row, behaviour=Behaviour.ROTATES, addresses=(*site.addresses, *more))
