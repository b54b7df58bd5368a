"""The test internet on real sockets behaves as it does in virtual time, so that what holds there holds on a wire."""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence

import pytest

from ntpjoin.model import Asked, Candidate, Resolved
from tests.internet.network import Network
from tests.internet.stations import Behaviour
from tests.internet.virtual import Internet
from tests.internet.world import World
from tests.internet.zone import zone
from tests.test_worlds import choose

pytestmark = pytest.mark.real


def verdicts(asked: Sequence[Asked]) -> dict[str, tuple[object, ...]]:
    """What becomes of each address, apart from what a network's own moods decide."""
    found: dict[str, tuple[object, ...]] = {}
    for one in asked:
        said = one.sample and (one.sample.stratum, one.sample.refid, one.sample.leap)
        found[one.address] = (one.problem.partition(": ")[0], said)
    return found


def refused(world: World, asked: Sequence[Asked]) -> dict[str, str]:
    """Who is not good, and why, without the figures; and nobody bad is chosen."""
    by_address = {one.address: one for one in asked}
    found = [
        Candidate(
            Resolved(site.host, addresses=site.addresses), tuple(by_address[address] for address in site.addresses)
        )
        for site in world.sites
        if not site.row.rotates and len(site.addresses) <= 2
    ]
    choice = choose(world, {row.host: row for row in world.rows}, found)
    # Names are not asked for here: those that rotate or hide the pool behind an alias are told by them alone.
    by_name = {Behaviour.ROTATES, Behaviour.HIDES_POOL}
    bad = [site for one in choice.chosen if not (site := world.by_host[one.name]).sound]
    assert [site.host for site in bad if site.behaviour not in by_name] == []
    # What was wrong with a datagram last is nobody's verdict: the kernel drops some unread.
    junk, figures = "no valid answer", re.compile(r"[-+]?\d[\d.]* m?s")
    whys = {one.name: one.why for one in choice.dropped if not one.good}
    return {name: junk if junk in why else figures.sub("", why) for name, why in whys.items()}


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.campaign) for seed in range(1, 5))])
def test_real_sockets_find_what_virtual_time_finds(seed: int) -> None:
    world = World.make(seed)
    internet = Internet(world)
    with Network(ipv6=world.ipv6) as network:
        network.serve(world.stations)
        network.serve_names(zone(world))
        names = [*world.by_host, "nobody.example"]
        turns = [(network.resolve(names), internet.resolve(names)) for _ in range(2)]
        real = network.exchange(world.by_address, samples=4)
    virtual = internet.exchange(world.by_address, samples=4)
    for found, expected in turns:
        assert found == expected
    assert verdicts(real) == verdicts(virtual)
    both = [(one.sample, other.sample) for one, other in zip(real, virtual) if one.sample and other.sample]
    assert refused(world, real) == refused(world, virtual)
    offs = [abs(one.offset_s - other.offset_s) for one, other in both]
    assert len(both) > 150
    assert statistics.median(offs) < 0.001, sorted(offs)
