"""The survey on a wire: what it sends and to whom, what a flood and Ctrl-C do to it, and that many servers are no burden."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from ntpjoin.model import Asked, Candidate
from ntpjoin.upstreams.candidates import eligible
from ntpjoin.upstreams.catalogue import Server
from ntpjoin.upstreams.survey import survey
from tests.internet.network import NAMESERVER, Network, Packet
from tests.internet.site import Site
from tests.internet.stations import Behaviour
from tests.internet.virtual import Internet
from tests.internet.world import World
from tests.internet.zone import zone
from tests.lab.process import Result

pytestmark = pytest.mark.real

WORLD = World.make(7)
SAMPLES = 4
#: From one clock's reading to the packet on the wire.
UNSURE_NS = 1_000_000


def serve(network: Network, world: World) -> None:
    network.serve(world.stations)
    network.serve_names(zone(world))


def of(sites: Iterable[Site]) -> World:
    """A world of these alone."""
    return replace(WORLD, ipv6=True, sites=tuple(sites))


def verdicts(found: Iterable[Asked]) -> dict[str, tuple[object, ...]]:
    """What becomes of each address, apart from what jitter decides, and from which datagram was odd."""
    return {
        one.address: (
            one.problem.partition(": ")[0],
            one.sample and (one.sample.stratum, one.sample.refid, one.sample.leap),
            one.sent,
            one.heard,
        )
        for one in found
    }


def answers(found: Iterable[Candidate]) -> list[Asked]:
    return [asked for one in found for asked in one.asked]


def ntpjoin(network: Network, *words: str, before: Sequence[str] = ()) -> Result:
    argv = [*before, sys.executable, "-m", "ntpjoin", "upstreams", "survey", "--resolver", NAMESERVER, *words]
    return network.sandbox.run(
        ["env", f"PYTHONPATH={Path(__file__).parents[2]}", *argv], host="client", check=False, timeout=120
    )


# --- many --------------------------------------------------------------------------------------------------------------


@pytest.mark.campaign
def test_three_hundred_on_real_sockets_get_the_verdicts_of_virtual_time() -> None:
    world = World.make(2)
    assert len(world.sites) == 300
    with Network(ipv6=world.ipv6) as network:
        serve(network, world)
        found, figures = network.survey(world.rows, samples=SAMPLES)
    print(figures)
    internet = Internet(world)
    expected = survey(
        [row.host for row in world.rows], samples=SAMPLES, resolve=internet.resolve, exchange=internet.exchange
    )
    assert [one.resolved for one in found] == [one.resolved for one in expected]
    assert verdicts(answers(found)) == verdicts(answers(expected))
    whole = [one for one in answers(found) if one.heard == SAMPLES]
    assert len(whole) > 250
    assert sum("rotates" in one.resolved.problem or "elsewhere" in one.resolved.problem for one in found) > 2


# --- manners -----------------------------------------------------------------------------------------------------------


def honest(number: int, **row: Any) -> Site:
    """An honest server that loses nothing, the same for the same number, with that in its row."""
    site = [one for one in WORLD.sites if one.behaviour is Behaviour.HONEST][number]
    paths = tuple((family, replace(path, loss=0.0)) for family, path in site.paths)
    plain = {"access": "open", "notify": "no", "stratum": None, "gap_s": 2.0, "smears": "no", "rotates": False}
    return replace(site, paths=paths, row=replace(site.row, **{**plain, **row}))


#: Those that want 4 s between packets, one that wants even more, and those that must not be asked.
_PATIENT = (20, 21)
REFUSED: tuple[dict[str, Any], ...] = (
    {"access": "restricted"},
    {"access": "restricted", "gap_s": 4.0},
    {"access": "closed"},
    {"access": "unknown"},
    {"smears": "yes"},
    {"rotates": True},
    {"stratum": 3},
)
_SLOW, _HURRIED, _POOLED = 22, 23, 24


def polite_world(longest_s: float) -> World:
    sites = [honest(number) for number in range(20)]
    sites += [*(honest(number, gap_s=4.0) for number in _PATIENT), honest(_SLOW, gap_s=longest_s)]
    sites += [replace(honest(_HURRIED), behaviour=Behaviour.RATE, kiss_after=2)]
    sites += [replace(honest(_POOLED), behaviour=Behaviour.HIDES_POOL, chain=("2.debian.pool.ntp.org",))]
    return of([*sites, *(honest(30 + number, **row) for number, row in enumerate(REFUSED))])


def catalogue(rows: Iterable[Server]) -> str:
    """A file of these."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(field.name for field in fields(Server))
    for row in rows:
        writer.writerow(_cell(getattr(row, field.name)) for field in fields(Server))
    return text.getvalue()


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return "" if value is None else f"{value:.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def questions(seen: Iterable[Packet], site: Site) -> dict[str, list[int]]:
    """When each of its addresses was asked."""
    asked: dict[str, list[int]] = {}
    for packet in seen:
        if packet.out and packet.far in site.addresses:
            asked.setdefault(packet.far, []).append(packet.at_ns)
    return asked


@pytest.mark.parametrize("longest_s", [8.0, pytest.param(16.0, marks=pytest.mark.campaign)])
def test_every_gap_is_kept_and_who_may_not_be_asked_gets_no_packet(longest_s: float, tmp_path: Path) -> None:
    world = polite_world(longest_s)
    file = tmp_path / "catalogue.csv"
    file.write_text(catalogue(world.rows))
    allowed = {row.host for row in eligible(world.rows, unattended=False, monitored=True)}
    assert len(world.sites) - len(allowed) == len(REFUSED)
    place = f"--near={world.lat:.4f},{world.lon:.4f}"
    with Network() as network:
        serve(network, world)
        with network.eavesdrop() as seen:
            done = ntpjoin(network, place, "--catalogue", str(file), "--candidates", "300", "--json")
        refused = [site.row for site in world.sites if site.host not in allowed]
        with network.eavesdrop() as named:
            network.survey(refused)
        hidden = world.by_host[honest(_POOLED).host]
        with network.eavesdrop() as direct:
            network.exchange(hidden.addresses)
    assert done.code == 0, done.out + done.err
    for site in world.sites:
        asked = questions(seen, site)
        if site.host not in allowed or site is hidden:
            assert not asked, site
            # Silence is only believed of those that can be asked at all.
            assert questions(direct if site is hidden else named, site), site
            continue
        expected = 3 if site.behaviour is Behaviour.RATE else SAMPLES
        assert set(asked) == set(site.addresses), site
        for times in asked.values():
            assert len(times) == expected, site
            assert min(b - a for a, b in zip(times, times[1:])) >= site.row.gap_s * 1e9 - UNSURE_NS, site
    hurried = world.by_host[honest(_HURRIED).host]
    kisses = [one for one in seen if not one.out and one.far in hurried.addresses and one.datagram[12:16] == b"RATE"]
    assert {one.far for one in kisses} == set(hurried.addresses)
    for kiss in kisses:
        assert kiss.at_ns > max(questions(seen, hurried)[kiss.far])


# --- a flood -----------------------------------------------------------------------------------------------------------

FORGED = 50_000


def received(network: Network) -> int:
    """How many packets have come to the client's interface."""
    [line] = [one for one in network.run_in_client(["cat", "/proc/net/dev"]).out.splitlines() if "wire:" in one]
    return int(line.partition(":")[2].split()[1])


def test_fifty_thousand_forged_packets_from_each_of_some_servers_change_no_verdict() -> None:
    liar = next(one for one in WORLD.sites if one.behaviour is Behaviour.LIAR_50MS)
    kisser = replace(honest(2), behaviour=Behaviour.RATE, kiss_after=1)
    dead = replace(honest(3), behaviour=Behaviour.DEAD)
    world = of([honest(0), honest(1), liar, kisser, dead, *(honest(number) for number in range(4, 20))])
    addresses = list(world.by_address)
    flooded = [site.addresses[0] for site in world.sites[:5]] + [next(one for one in addresses if ":" in one)]
    flooded = list(dict.fromkeys(flooded))
    assert {":" in one for one in flooded} == {True, False}
    with Network() as network:
        serve(network, world)
        before = received(network)
        with network.flood(flooded, FORGED) as forged:
            real = network.exchange(addresses, samples=SAMPLES)
        came = received(network) - before
    print(forged, came)
    kissed = [one for one in flooded if one in kisser.addresses]
    # Who sends a kiss is asked no more, and so only half of the flood for it is let loose.
    assert forged == {one: FORGED // 2 if one in kissed else FORGED for one in flooded}
    assert came >= sum(forged.values())
    [silent] = [one for one in real if one.address in dead.addresses and one.address in flooded]
    assert silent.problem == "no valid answer within 9 s: it does not echo what was sent"
    without = Internet(world).exchange(addresses, samples=SAMPLES)
    expected = [replace(one, problem=silent.problem) if one.address == silent.address else one for one in without]
    assert verdicts(real) == verdicts(expected)


# --- Ctrl-C ------------------------------------------------------------------------------------------------------------


def test_who_interrupts_it_sees_what_is_known_so_far() -> None:
    world = of([*(honest(number) for number in range(4)), replace(honest(4), behaviour=Behaviour.DEAD)])
    after_3_s = ["timeout", "--signal=INT", "--preserve-status", "3"]
    with Network() as network:
        serve(network, world)
        done = ntpjoin(network, *world.by_host, "--samples", "16", "--json", before=after_3_s)
    print(f"{done.seconds - 3:.2f} s after the signal")
    assert done.code == 130, done.out + done.err
    assert done.seconds < 20  # uninterrupted, it takes half a minute
    told = json.loads(done.out)
    assert told["exit"] == 130
    found = {one["address"]: one for site in told["candidates"] for one in site["addresses"]}
    assert set(found) == set(world.by_address)
    for site in world.sites:
        for address in site.addresses:
            assert bool(found[address].get("stratum")) == (site.behaviour is Behaviour.HONEST), found[address]
    assert "what is known so far is shown" in done.err
    assert {one["name"] for one in told["candidates"]} == set(world.by_host)
