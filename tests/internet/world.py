"""Worlds: a place for ourselves and servers around it, most of them good, drawn from a seed."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from ntpjoin.model import FAMILIES, Family
from ntpjoin.upstreams.catalogue import Server
from tests.internet.operators import Operator, draw_operators
from tests.internet.places import CITIES, Place
from tests.internet.site import Site
from tests.internet.sites import draw_site, rotating, with_upstreams
from tests.internet.stations import Behaviour, Station

_FEWEST_BAD, _MOST_BAD = 0.25, 0.4
#: So many around us count as near, and have their share of the bad ones.
_NEAR = 40
#: Operators of the lying minority, and the part of each one's servers that lies; of all servers it is never more than this.
_MINORITY_OPERATORS, _MINORITY_SERVERS = 0.2, 0.12
_HOUR_S = 3600.0

Plant = Callable[[Site, random.Random], Site]


def _lies(least_s: float, most_s: float) -> Plant:
    return lambda site, dice: replace(site, error_s=site.error_s + dice.choice((-1, 1)) * dice.uniform(least_s, most_s))


def _smears(site: Site, dice: random.Random) -> Site:
    refid = f"254.{dice.randrange(256)}.{dice.randrange(256)}.{dice.randrange(256)}"
    return replace(site, stratum=max(site.stratum, 2), refid=refid)


def _unsynchronised(site: Site, dice: random.Random) -> Site:
    site = replace(site, leap=3)
    return replace(site, stratum=0, refid="INIT") if dice.random() < 0.5 else site


def _hides_pool(site: Site, dice: random.Random) -> Site:
    pool = f"{dice.choice(('', '0.', '2.debian.', 'de.'))}pool.ntp.org"
    return replace(site, chain=(f"time.{site.host.partition('.')[2]}", pool) if dice.random() < 0.5 else (pool,))


#: What is planted, and how often in proportion; what is not changed here is a matter of manners (`stations`).
PLANTS: dict[Behaviour, tuple[int, Plant]] = {
    Behaviour.LIAR_50MS: (3, _lies(0.05, 0.06)),
    Behaviour.LIAR_HOURS: (2, _lies(_HOUR_S, 12 * _HOUR_S)),
    Behaviour.SMEARS: (1, _smears),
    Behaviour.UNSYNCHRONISED: (1, _unsynchronised),
    Behaviour.STRATUM16: (1, lambda site, _: replace(site, stratum=16, refid="0.0.0.0")),
    Behaviour.RATE: (1, lambda site, dice: replace(site, kiss_after=dice.randrange(3))),
    Behaviour.DENY: (1, lambda site, _: site),
    Behaviour.FORGED_ORIGIN: (1, lambda site, _: site),
    Behaviour.OTHER_ADDRESS: (1, lambda site, _: site),
    Behaviour.SPOOFED: (1, lambda site, _: replace(site, genuine=False)),
    Behaviour.LATE: (1, lambda site, dice: replace(site, late_s=dice.uniform(3.5, 8))),
    Behaviour.TRUNCATED: (1, lambda site, _: site),
    Behaviour.RANDOM: (1, lambda site, _: site),
    Behaviour.DEAD: (2, lambda site, _: site),
    Behaviour.ROTATES: (1, lambda site, _: site),
    Behaviour.HIDES_POOL: (1, _hides_pool),
    Behaviour.STALE: (1, lambda site, dice: replace(site, reference_age_s=3 * 24 * _HOUR_S + dice.uniform(0, _HOUR_S))),
}


@dataclass(frozen=True)
class World:
    """All of it. `minority_s`: how far ahead the lying minority is, all of it alike."""

    seed: int
    place: Place
    ipv6: bool
    sites: tuple[Site, ...]
    minority_s: float

    @classmethod
    def make(cls, seed: int, servers: int = 300) -> World:
        """The same for the same seed."""
        dice = random.Random(f"world {seed}")
        city = dice.choice(CITIES)
        here = replace(city, lat=city.lat + dice.uniform(-1.5, 1.5), lon=city.lon + dice.uniform(-1.5, 1.5))
        operators = draw_operators(dice, servers)
        minority_s = dice.choice((-1, 1)) * dice.choice((dice.uniform(0.1, 2.0), dice.uniform(60.0, 7200.0)))
        owners = [*operators, *dice.choices(operators, [one.weight for one in operators], k=servers - len(operators))]
        sites = [draw_site(number, owner, here, dice) for number, owner in enumerate(owners)]
        sites = with_upstreams(sites, dice)
        _plant(sites, operators, here, minority_s, dice)
        return cls(seed, here, dice.random() < 0.7, tuple(sites), minority_s)

    @property
    def lat(self) -> float:
        """Where we are."""
        return self.place.lat

    @property
    def lon(self) -> float:
        """Where we are."""
        return self.place.lon

    @property
    def families(self) -> tuple[Family, ...]:
        """Those that we speak."""
        return FAMILIES if self.ipv6 else FAMILIES[:1]

    @property
    def rows(self) -> tuple[Server, ...]:
        """The catalogue of this world."""
        return tuple(site.row for site in self.sites)

    @cached_property
    def by_host(self) -> dict[str, Site]:
        """Sites by name."""
        return {site.host: site for site in self.sites}

    @cached_property
    def by_address(self) -> dict[str, Site]:
        """Sites by each of their addresses."""
        return {address: site for site in self.sites for address in site.addresses}

    def station(self, address: str) -> Station:
        """What the wire knows of an address of this world."""
        return self.by_address[address].station(address, str(self.seed))

    @property
    def stations(self) -> tuple[Station, ...]:
        """All of them."""
        return tuple(self.station(address) for address in self.by_address)


def _plant(
    sites: list[Site], operators: Sequence[Operator], here: Place, minority_s: float, dice: random.Random
) -> None:
    """Turn a part of the sites bad, the same part of those near us; and some of the others odd, yet good."""
    part = dice.uniform(_FEWEST_BAD, _MOST_BAD)
    for number in _minority(sites, operators, dice):
        error_s = sites[number].error_s + minority_s
        sites[number] = replace(sites[number], behaviour=Behaviour.MINORITY, error_s=error_s)
    order = sorted(range(len(sites)), key=lambda number: here.distance_km(sites[number].place))
    deck: list[Behaviour] = []
    for ring in (order[:_NEAR], order[_NEAR:]):
        honest = [number for number in ring if sites[number].behaviour is Behaviour.HONEST]
        bad = max(0, round(part * len(ring)) - (len(ring) - len(honest)))
        dice.shuffle(honest)
        for number in honest[:bad]:
            deck = deck or _deck(dice)
            sites[number] = _planted(sites[number], deck.pop(), operators, dice)
        for number in honest[bad : bad + math.ceil(0.04 * len(ring))]:
            odd = dice.choice((Behaviour.DOUBLED, Behaviour.SPOOFED))
            sites[number] = replace(sites[number], behaviour=odd)


def _deck(dice: random.Random) -> list[Behaviour]:
    """Every plant, as often as is its part."""
    deck = [behaviour for behaviour, (often, _) in PLANTS.items() for _ in range(often)]
    dice.shuffle(deck)
    return deck


def _planted(site: Site, behaviour: Behaviour, operators: Sequence[Operator], dice: random.Random) -> Site:
    if behaviour is Behaviour.ROTATES:
        return rotating(site, operators, dice)
    return replace(PLANTS[behaviour][1](site, dice), behaviour=behaviour)


def _minority(sites: Sequence[Site], operators: Sequence[Operator], dice: random.Random) -> list[int]:
    most = int(_MINORITY_OPERATORS * len(operators))
    liars = {one.name for one in dice.sample(list(operators), dice.randint(1, most) if most else 0)}
    theirs = [number for number, site in enumerate(sites) if site.operator in liars]
    dice.shuffle(theirs)
    return theirs[: int(_MINORITY_SERVERS * len(sites))]
