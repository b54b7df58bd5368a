"""The survey and the choice in random internets: who is bad is never chosen, and hardly anybody could choose better.

All candidates are asked: what the default of 32 costs is told beside it. Virtual time, replies as bytes through the real parser.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Optional

import pytest

from ntpjoin.model import Asked, Candidate, Choice, Resolved
from ntpjoin.upstreams import diversity, places
from ntpjoin.upstreams.candidates import eligible, rounds, sectors
from ntpjoin.upstreams.catalogue import Server
from ntpjoin.upstreams.diversity import LEAST, Member
from ntpjoin.upstreams.judge import STRATUM_S, refid
from ntpjoin.upstreams.select import WORST_STRATUM, network, select
from ntpjoin.upstreams.survey import survey
from tests.internet.site import Site, family_of
from tests.internet.virtual import Internet
from tests.internet.world import World

OURS = {"IPv4": "9.9.9.9", "IPv6": "2a0e::9"}
#: So near to what somebody who knows everything would choose, on average over the worlds.
NEAR_ENOUGH = 1.15
CAMPAIGN_LOG = Path("campaign.log")


@dataclass(frozen=True)
class Met:
    """What became of a world: who was chosen, and by somebody who knows all of it."""

    world: World
    choice: Choice
    best: Optional[diversity.Found]
    internet: Internet

    @property
    def chosen(self) -> tuple[Site, ...]:
        return tuple(self.world.by_host[one.name] for one in self.choice.chosen)

    @property
    def ratio(self) -> float:
        """The mean true root distance of the chosen, of that of the best."""
        assert self.best
        theirs = [self.world.by_host[one.name].root_distance_s(family_of(one.address)) for one in self.choice.chosen]
        least = [one.distance_s - (STRATUM_S if one.follows else 0.0) for one in self.best.members]
        return statistics.mean(theirs) / statistics.mean(least)


def here(world: World) -> places.Place:
    return places.Place(world.lat, world.lon, "here")


def meet(seed: int, size: int = 300) -> Met:
    """Ask the nearest so many, and the next ones while no four can be followed."""
    world = World.make(seed)
    internet = Internet(world)
    rows = {row.host: row for row in world.rows}
    usable = eligible(world.rows, unattended=True, monitored=True)
    found: list[Candidate] = []
    choice = Choice()
    for some in rounds(usable, here(world), size) if size < len(usable) else iter([usable]):
        found += ask(world, internet, some)
        choice = choose(world, rows, found)
        if choice.chosen:
            break
    return Met(world, choice, best(world), internet)


def ask(world: World, internet: Internet, servers: Sequence[Server]) -> tuple[Candidate, ...]:
    def exchange(addresses: Any, /, **how: Any) -> tuple[Asked, ...]:
        return internet.exchange(addresses, **how)

    def resolve(names: Any, /, **how: Any) -> tuple[Resolved, ...]:
        """A host without IPv6 never asks over it."""
        return tuple(
            replace(one, addresses=tuple(a for a in one.addresses if family_of(a) in world.families))
            for one in internet.resolve(names, **how)
        )

    return survey(
        [server.host for server in servers],
        own_addresses=[OURS[family] for family in world.families],
        samples=4,
        gaps_s={server.host: server.gap_s for server in servers},
        resolve=resolve,
        exchange=exchange,
    )


def choose(world: World, rows: dict[str, Server], found: Sequence[Candidate]) -> Choice:
    return select(
        found,
        rows,
        own_addresses=[OURS[family] for family in world.families],
        sectors=sectors(rows.values(), here(world)),
        dice=random.Random(world.seed),
    )


def best(world: World) -> Optional[diversity.Found]:
    """The best set by the same rules, found with the truth instead of measurements."""
    return diversity.best(list(truth(world)), both_families=len(world.families) == 2)


def truth(world: World) -> Iterator[Member]:
    around = sectors(world.rows, here(world))
    for site in world.sites:
        families = [family for family in site.families if family in world.families]
        if not (site.good and families and site.stratum <= WORST_STRATUM):
            continue
        yield Member(
            site.host,
            min(site.root_distance_s(family) for family in families) + (STRATUM_S if site.stratum > 1 else 0.0),
            site.row.operator.casefold() or site.host,
            frozenset(site.row.asn),
            frozenset(network(address) for family in families for address in site.of_family(family)),
            frozenset(map(refid, site.addresses)),
            site.refid if site.stratum > 1 else "",
            families=frozenset(int(family[-1]) for family in families),
            sector=around.get(site.host),
        )


def well_chosen(met: Met) -> None:
    assert [(site.host, site.behaviour) for site in met.chosen if not site.good] == []
    operators = {one.operator for one in truth(met.world)}
    if len(operators) >= LEAST:
        assert LEAST <= len(met.choice.chosen) <= 7
    assert len({site.operator for site in met.chosen}) == len(met.chosen)


def polite(met: Met) -> None:
    """No address is asked more often or sooner than its operator wants, and who refuses is left alone."""
    for address in {one.address for one in met.internet.sent}:
        row = met.world.by_address[address].row
        gaps = met.internet.gaps_s(address)
        assert row.access == "open"
        assert len(gaps) <= 3
        assert all(gap_s >= row.gap_s - 1e-6 for gap_s in gaps)


@pytest.mark.parametrize("seed", range(8))
def test_nobody_bad_is_chosen_and_hardly_anybody_could_choose_better(seed: int) -> None:
    met = meet(seed)
    well_chosen(met)
    polite(met)
    assert met.ratio < 1.5


@pytest.mark.parametrize("seed", range(8))
def test_the_nearest_32_are_enough_for_a_good_set(seed: int) -> None:
    met = meet(seed, 32)
    well_chosen(met)
    polite(met)


@pytest.mark.campaign
def test_two_hundred_internets() -> None:
    every, few = [meet(seed) for seed in range(200)], [meet(seed, 32) for seed in range(200)]
    for met in (*every, *few):
        well_chosen(met)
        polite(met)
    ratios, nearest = sorted(met.ratio for met in every), sorted(met.ratio for met in few)
    sizes = sorted({len(met.choice.chosen) for met in every})
    with CAMPAIGN_LOG.open("a") as log:
        log.write(
            f"200 internets: nobody bad chosen, sets of {sizes}; mean true root distance of the best set's: "
            f"mean {statistics.mean(ratios):.3f}, 95 % below {ratios[189]:.3f}, worst {ratios[-1]:.3f} (all asked); "
            f"mean {statistics.mean(nearest):.3f}, 95 % below {nearest[189]:.3f} (the nearest 32)\n"
        )
    assert statistics.mean(ratios) <= NEAR_ENOUGH
