"""The test internet itself: its worlds are what they claim, its servers behave, and its oracle is right."""

from __future__ import annotations

import itertools
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Optional

import pytest

from ntpjoin.model import FAMILIES, Asked, Family
from ntpjoin.upstreams.addresses import special_range
from ntpjoin.upstreams.rules import why_not_follow
from ntpjoin.wire import dns, ntp
from tests.internet import oracle
from tests.internet.nameserver import Names, NameServer
from tests.internet.oracle import Pick
from tests.internet.places import CITIES, Place
from tests.internet.server import Door, Server
from tests.internet.site import Path, Site, refid_of
from tests.internet.stations import Behaviour, Station
from tests.internet.virtual import Internet
from tests.internet.world import World
from tests.internet.zone import Record, zone

WORLD = World.make(7)
SEEDS = range(12)
HERE = Place(52.0, 5.0)


@pytest.fixture(scope="module")
def worlds() -> list[World]:
    return [World.make(seed) for seed in SEEDS]


def alone(site: Site) -> Internet:
    return Internet(World(1, HERE, ipv6=True, sites=(site,), minority_s=1.0))


def a_site(behaviour: Behaviour = Behaviour.HONEST, **changes: Any) -> Site:
    """Some server of that kind, on a way without loss."""
    site = next(one for one in WORLD.sites if one.behaviour is behaviour and (one.genuine or "genuine" not in changes))
    paths = tuple((family, replace(path, loss=0.0)) for family, path in site.paths)
    return replace(site, **{"paths": paths, **changes})


def ask(site: Site, **how: Any) -> Asked:
    (asked,) = alone(site).exchange(site.addresses[:1], **{"samples": 4, **how})
    return asked


# --- worlds ------------------------------------------------------------------------------------------------------------


def test_a_world_follows_from_its_seed() -> None:
    assert World.make(3) == World.make(3)
    assert World.make(3) != World.make(4)


def test_worlds_have_many_servers_with_names_and_public_addresses_of_their_own(worlds: list[World]) -> None:
    for world in worlds:
        assert len(world.sites) == 300
        assert len(world.by_host) == 300
        addresses = [address for site in world.sites for address in site.addresses]
        assert len(set(addresses)) == len(addresses)
        assert all(special_range(address) is None for address in addresses)
        assert {len(site.families) for site in world.sites} == {1, 2}


def test_some_worlds_are_sparse_and_some_have_no_ipv6(worlds: list[World]) -> None:
    operators = [len({site.operator for site in world.sites}) for world in worlds]
    assert min(operators) < 8
    assert max(operators) > 80
    assert {world.ipv6 for world in worlds} == {True, False}


def test_in_every_world_all_kinds_are_planted_near_us_too(worlds: list[World]) -> None:
    for world in worlds:
        kinds = Counter(site.behaviour for site in world.sites)
        assert set(Behaviour) - set(kinds) <= {Behaviour.MINORITY, Behaviour.DOUBLED}
        near = sorted(world.sites, key=lambda site: world.place.distance_km(site.place))[:40]
        for some in (near, world.sites):
            assert 0.2 < sum(not site.sound for site in some) / len(some) < 0.45


def test_the_minority_agrees_and_is_one(worlds: list[World]) -> None:
    seen = 0
    for world in worlds:
        liars = [site for site in world.sites if site.behaviour is Behaviour.MINORITY]
        seen += len(liars)
        assert len({site.operator for site in liars}) <= len({site.operator for site in world.sites}) / 5
        for site in liars:
            assert abs(site.error_s - world.minority_s) <= site.root_delay_s / 2 + site.root_dispersion_s
    assert seen > 30


def test_paths_are_as_long_as_the_earth_makes_them_and_lean_a_little(worlds: list[World]) -> None:
    for world in worlds:
        for site in world.sites:
            for _, path in site.paths:
                light_s = 2 * world.place.distance_km(site.place) / 200_000
                assert 1.2 * light_s < path.round_trip_s < 2.2 * light_s + 0.0121
                assert abs(path.there_s - path.back_s) <= 0.15 * path.round_trip_s + 1e-12
                assert path.loss <= 0.03


def test_who_is_sound_is_right_within_what_it_says(worlds: list[World]) -> None:
    for site in (site for world in worlds for site in world.sites if site.sound):
        assert abs(site.error_s) <= site.root_delay_s / 2 + site.root_dispersion_s


def test_some_servers_stand_behind_one_upstream_that_may_be_in_the_world_too(worlds: list[World]) -> None:
    for world in worlds:
        followed = Counter(site.upstream for site in world.sites if site.stratum == 2)
        assert followed.most_common(1)[0][1] >= 3
        assert any(upstream in world.by_address for upstream in followed)
        honest = [site for site in world.sites if site.upstream and site.behaviour is Behaviour.HONEST]
        assert all(site.refid == refid_of(site.upstream) for site in honest)


def test_only_rows_whose_operators_let_us_are_good(worlds: list[World]) -> None:
    for world in worlds:
        assert {site.row.access for site in world.sites} >= {"open", "restricted", "closed"}
        assert {site.row.access for site in world.sites if site.good} == {"open"}
        assert 100 < sum(site.good for site in world.sites) < 250


def test_the_refid_of_an_ipv6_upstream_is_its_hash() -> None:
    assert refid_of("5.1.2.3") == "5.1.2.3"
    assert refid_of("2001:db8::1") == "57.171.155.55"  # MD5 39ab9b37…


def test_distances_are_those_of_the_earth() -> None:
    cities = {city.name: city for city in CITIES}
    assert cities["Berlin"].distance_km(cities["Sydney"]) == pytest.approx(16_090, rel=0.01)
    assert cities["Paris"].distance_km(cities["Paris"]) == 0


# --- virtual time ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ahead_s", [0.0, -7200.0])
def test_what_is_measured_lies_within_what_is_true(ahead_s: float) -> None:
    """A clock of ours that is wrong shifts every offset by as much."""
    internet = Internet(WORLD, ahead_s=ahead_s)
    honest = [address for address, site in WORLD.by_address.items() if site.sound]
    heard = 0
    for asked in internet.exchange(honest, samples=4):
        site, sample = WORLD.by_address[asked.address], asked.sample
        if not sample:
            continue
        heard += 1
        family: Family = "IPv6" if ":" in asked.address else "IPv4"
        path = site.path(family)
        assert path
        assert path.round_trip_s - 1e-6 < sample.delay_s < path.round_trip_s + 20 * path.jitter_s
        off_s = sample.offset_s + ahead_s - site.error_s - (path.there_s - path.back_s) / 2
        assert abs(off_s) <= (sample.delay_s - path.round_trip_s) / 2 + 1e-6
        assert abs(sample.offset_s + ahead_s) <= sample.root_distance_s
        assert sample.root_distance_s == pytest.approx(site.root_distance_s(family), abs=20 * path.jitter_s)
        assert (sample.stratum, sample.refid, sample.leap) == (site.stratum, site.refid, 0)
    assert heard > 0.95 * len(honest)


@pytest.mark.parametrize(
    ("behaviour", "problem"),
    [
        (Behaviour.RATE, "kiss-o'-death RATE"),
        (Behaviour.DENY, "kiss-o'-death DENY"),
        (Behaviour.FORGED_ORIGIN, "no valid answer within 9 s: it does not echo what was sent"),
        (Behaviour.OTHER_ADDRESS, "no answer within 9 s"),
        (Behaviour.LATE, "no valid answer within 9 s: "),
        (Behaviour.TRUNCATED, "no valid answer within 9 s: "),
        (Behaviour.RANDOM, "no valid answer within 9 s: "),
        (Behaviour.DEAD, "no answer within 9 s"),
    ],
)
def test_who_gives_no_answer_is_told_apart(behaviour: Behaviour, problem: str) -> None:
    asked = ask(a_site(behaviour))
    assert asked.sample is None
    assert asked.problem.startswith(problem)
    assert problem.endswith(": ") or asked.problem == problem


@pytest.mark.parametrize("kiss_after", [0, 2])
def test_rate_may_come_after_answers(kiss_after: int) -> None:
    asked = ask(a_site(Behaviour.RATE, kiss_after=kiss_after))
    assert (asked.sent, asked.heard, asked.sample) == (kiss_after + 1, kiss_after, None)


@pytest.mark.parametrize("genuine", [True, False])
def test_the_genuine_answer_is_found_among_forged_ones(genuine: bool) -> None:
    asked = ask(a_site(Behaviour.SPOOFED, genuine=genuine))
    assert (asked.heard, asked.sent) == (4 if genuine else 0, 4)
    assert bool(asked.sample) == genuine
    assert genuine or asked.problem.startswith("no valid answer within 9 s: ")


def test_answers_are_lost_as_often_as_the_path_loses_them() -> None:
    asked = ask(a_site(paths=tuple((family, Path(0.01, 0.01, 0.0, 0.25)) for family in FAMILIES)), samples=400)
    assert asked.sent == 400
    assert 270 < asked.heard < 330


def test_a_doubled_answer_counts_once() -> None:
    asked = ask(a_site(Behaviour.DOUBLED))
    assert (asked.heard, asked.sent, asked.problem) == (4, 4, "")


@pytest.mark.parametrize(
    ("behaviour", "least_s", "most_s"),
    [(Behaviour.LIAR_50MS, 0.04, 0.08), (Behaviour.LIAR_HOURS, 3599, 12 * 3601), (Behaviour.MINORITY, 0.09, 7201)],
)
def test_liars_lie(behaviour: Behaviour, least_s: float, most_s: float) -> None:
    straight = (("IPv4", Path(0.01, 0.01, 0.0, 0.0)), ("IPv6", Path(0.01, 0.01, 0.0, 0.0)))
    sample = ask(a_site(behaviour, paths=straight)).sample
    assert sample
    assert least_s < abs(sample.offset_s) < most_s


@pytest.mark.parametrize(
    ("behaviour", "stratum", "leap", "refid", "age_s"),
    [
        (Behaviour.SMEARS, None, 0, "254.", 0),
        (Behaviour.UNSYNCHRONISED, None, 3, "", 0),
        (Behaviour.STRATUM16, 16, 0, "0.0.0.0", 0),
        (Behaviour.STALE, None, 0, "", 3 * 86400),
    ],
)
def test_what_is_wrong_with_a_server_shows_in_its_answer(
    behaviour: Behaviour, stratum: Optional[int], leap: int, refid: str, age_s: float
) -> None:
    sample = ask(a_site(behaviour)).sample
    assert sample
    assert (sample.stratum, sample.leap) == (stratum if stratum is not None else sample.stratum, leap)
    assert sample.refid.startswith(refid)
    assert age_s <= sample.reference_age_s < age_s + 4000


def test_questions_keep_their_gaps_and_time_goes_on() -> None:
    site = a_site()
    slow, fast = (
        replace(site, row=replace(site.row, host=host), addresses=(address,))
        for host, address in (("a", "5.1.1.1"), ("b", "5.1.1.2"))
    )
    slow, fast = (replace(one, paths=(("IPv4", Path(0.1, 0.1, 0, 0)),)) for one in (slow, fast))
    internet = Internet(World(1, HERE, ipv6=True, sites=(slow, fast), minority_s=1.0))
    internet.exchange(["5.1.1.1", "5.1.1.2"], samples=3, gaps_s={"5.1.1.1": 4.0})
    assert internet.gaps_s("5.1.1.1") == pytest.approx([4.0, 4.0])
    assert internet.gaps_s("5.1.1.2") == pytest.approx([2.0, 2.0])
    assert internet.now_s == pytest.approx(8.2, abs=0.001)
    internet.exchange(["5.1.1.1"])
    assert internet.gaps_s("5.1.1.1")[-1] == pytest.approx(0.2, abs=0.001)
    assert len(internet.sent) == 7


def test_who_stops_it_gets_what_is_known_so_far() -> None:
    internet = Internet(WORLD)
    asked = internet.exchange(WORLD.by_address, samples=4, stopped=lambda: internet.now_s > 3)
    assert internet.now_s < 3.2
    assert len(asked) == len(WORLD.by_address)
    assert max(one.sent for one in asked) == 2
    assert sum(one.heard == 2 for one in asked) > 300


def test_without_ipv6_its_addresses_get_no_packet() -> None:
    site = a_site(
        addresses=("5.1.1.1", "2a00::1"), paths=(("IPv4", Path(0.1, 0.1, 0, 0)), ("IPv6", Path(0.1, 0.1, 0, 0)))
    )
    internet = Internet(World(1, HERE, ipv6=False, sites=(site,), minority_s=1.0))
    heard: list[Asked] = []
    four, six = internet.exchange(site.addresses, on_reply=heard.append)
    assert four.sample
    assert six == Asked("2a00::1", problem="this host has no IPv6 route to it")
    assert {one.address for one in internet.sent} == {"5.1.1.1"}
    assert sorted(one.address for one in heard) == ["2a00::1", "5.1.1.1"]


def test_nobody_answers_at_an_address_of_nobody() -> None:
    (asked,) = Internet(WORLD).exchange(["5.255.255.255"])
    assert (asked.problem, asked.sent) == ("no answer within 5 s", 2)


# --- names -------------------------------------------------------------------------------------------------------------


def test_names_lead_to_their_servers_others_each_time_where_they_rotate() -> None:
    internet = Internet(WORLD)
    first, second = (internet.resolve(WORLD.by_host) for _ in range(2))
    for one, other in zip(first, second):
        site = WORLD.by_host[one.name]
        assert (one.addresses != other.addresses) == (site.behaviour is Behaviour.ROTATES)
        assert set(one.addresses) <= set(site.addresses)
        assert len(one.addresses) == len(site.families)
        assert bool(why_not_follow(one)) == (site.behaviour is Behaviour.HIDES_POOL)
    assert internet.names == [*WORLD.by_host, *WORLD.by_host]


def test_a_name_of_nobody_is_a_problem() -> None:
    nobody, literal = Internet(WORLD).resolve(["nobody.example", "5.1.2.3"])
    assert (nobody.problem, nobody.addresses) == ("no such name", ())
    assert literal.addresses == ("5.1.2.3",)


def test_a_real_dns_server_tells_the_same() -> None:
    world = World.make(2, servers=60)
    assert max(len(site.chain) for site in world.sites) == 2
    assert any(site.behaviour is Behaviour.ROTATES for site in world.sites)
    names = ["nobody.example", "5.1.2.3", *world.by_host]
    internet = Internet(world)
    with NameServer(zone(world)) as server:
        for _ in range(2):
            found = dns.resolve(names, nameservers=[server.address], port=server.port)
            assert found == internet.resolve(names)


def test_an_answer_that_is_too_long_for_a_datagram_is_got_over_tcp() -> None:
    addresses = tuple(f"5.1.1.{number}" for number in range(1, 60))
    record = Record("many.example", (), addresses)
    with NameServer({record.name: record}) as server:
        (found,) = dns.resolve([record.name], nameservers=[server.address], port=server.port)
    assert found.addresses == addresses


def test_the_dns_server_says_nothing_to_junk() -> None:
    assert Names({}).answer(b"junk", 512) == b""


# --- the oracle --------------------------------------------------------------------------------------------------------


def brute(weights: list[float], friends: set[frozenset[int]], k: int) -> Optional[float]:
    sums = [
        sum(weights[number] for number in some)
        for some in itertools.combinations(range(len(weights)), k)
        if all(frozenset(pair) in friends for pair in itertools.combinations(some, 2))
    ]
    return min(sums, default=None)


@pytest.mark.parametrize("seed", range(40))
def test_the_oracle_finds_what_trying_everything_finds(seed: int) -> None:
    dice = random.Random(seed)
    count, k = dice.randint(1, 13), dice.randint(1, 5)
    weights = [float(dice.randint(1, 30)) for _ in range(count)]
    density = dice.choice((0.2, 0.5, 0.8, 1.0))
    friends = {frozenset(pair) for pair in itertools.combinations(range(count), 2) if dice.random() < density}
    found = oracle.least(weights, lambda one, other: frozenset((one, other)) in friends, k)
    assert (None if found is None else sum(weights[number] for number in found)) == brute(weights, friends, k)
    if found:
        assert len(set(found)) == k
        assert all(frozenset(pair) in friends for pair in itertools.combinations(found, 2))
        assert sorted(found, key=lambda number: weights[number]) == list(found)


def same_network(one: Pick, other: Pick) -> str:
    return "one network" if one.site.asn == other.site.asn else ""


def test_the_best_of_a_world_are_good_reachable_and_of_different_hosts(worlds: list[World]) -> None:
    found = {world.seed: oracle.best(world, same_network, 5) for world in worlds}
    for world in worlds:
        best = found[world.seed]
        networks = {pick.site.asn for pick in oracle.picks(world)}
        assert (best is None) == (len(networks) < 5)
        if best:
            assert len({pick.site.asn for pick in best.picks}) == 5
            assert all(pick.site.good for pick in best.picks)
            assert world.ipv6 or all(":" not in pick.address for pick in best.picks)
            nearest = min(pick.root_distance_s for pick in oracle.picks(world))
            assert best.picks[0].root_distance_s == nearest
    assert sum(best is not None for best in found.values()) >= 8


def test_without_clashes_the_best_are_the_nearest_hosts() -> None:
    best = oracle.best(WORLD, lambda _one, _other: "", 6)
    assert best
    nearest: dict[str, float] = {}
    for pick in oracle.picks(WORLD):
        nearest[pick.site.host] = min(nearest.get(pick.site.host, 9.0), pick.root_distance_s)
    assert best.mean_s == pytest.approx(sum(sorted(nearest.values())[:6]) / 6)


# --- real sockets ------------------------------------------------------------------------------------------------------


@contextmanager
def served(*stations: Station) -> Iterator[int]:
    """The stations on loopback, at one port of both families."""
    four = Door(4, 0)
    six = Door(6, four.port)
    over = threading.Event()
    thread = threading.Thread(target=Server(stations, (four, six)).serve, args=(over.is_set,))
    thread.start()
    try:
        yield four.port
    finally:
        over.set()
        thread.join()
        four.close()
        six.close()


def test_real_sockets_serve_stations_at_their_distance() -> None:
    honest = Station("127.0.0.11", 30, 10, offset_s=5.0, refid="GPS", stratum=1, seed="1")
    stations = (
        honest,
        replace(honest, address="::1"),
        replace(honest, address="127.0.0.12", behaviour=Behaviour.SPOOFED),
        replace(honest, address="127.0.0.13", behaviour=Behaviour.OTHER_ADDRESS),
        replace(honest, address="127.0.0.15", behaviour=Behaviour.DENY),
    )
    with served(*stations) as port:
        found = ntp.exchange((one.address for one in stations), port=port, samples=2, gap_s=0.3, timeout_s=0.5)
    for asked in found[:3]:
        assert asked.sample, asked
        assert (asked.heard, asked.sample.refid, asked.sample.stratum) == (2, "GPS", 1)
        assert asked.sample.delay_s == pytest.approx(0.04, abs=0.02)
        assert asked.sample.offset_s == pytest.approx(5.01, abs=0.01)
    assert [asked.problem for asked in found[3:]] == ["no answer within 0.8 s", "kiss-o'-death DENY"]
