"""Asking servers as a monitor of the pool does: whom, how often, how far apart, and that no limiter is provoked. In virtual time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from ntpjoin.checks import limiter, probing
from ntpjoin.checks.probing import Seen, Task, gather, pauses
from ntpjoin.checks.tracer import Traced
from ntpjoin.model import Event, Resolved
from ntpjoin.systems import Engine
from ntpjoin.wire.management import Exposure, Managed
from tests.internet.stations import Behaviour, Station
from tests.internet.virtual import Internet
from tests.internet.zone import Record
from tests.probed import internet

GOOD, DEAD = Station("5.0.1.2"), Station("5.0.1.4", behaviour=Behaviour.DEAD)
SIX = Station("2a00::2")


class Asking:
    """`gather` in a world; it notes who was asked management queries, and what the pool's tracer was asked."""

    def __init__(self, world: Internet, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world = world
        self.managed: list[tuple[tuple[str, ...], dict[str, Any]]] = []
        self.traced: list[str] = []
        self.events: list[Event] = []
        monkeypatch.setattr(probing, "resolve", world.resolve)
        monkeypatch.setattr(probing, "exchange", world.exchange)
        monkeypatch.setattr(probing, "expose", self._expose)
        monkeypatch.setattr(probing, "trace", self._trace)
        monkeypatch.setattr("ntpjoin.wire.sockets.own_among", lambda addresses, _port: frozenset([*addresses][:1]))

    def _expose(self, addresses: Iterable[str], **how: Any) -> tuple[Managed, ...]:
        asked = tuple(addresses)
        self.managed.append((asked, how))
        return tuple(Managed(one, (Exposure(6, 12, 120),)) for one in asked)

    def _trace(self, addresses: Iterable[str]) -> dict[str, Traced]:
        self.traced += addresses
        return {}

    def __call__(self, *names: str, **task: Any) -> Seen:
        return gather(Task(names, **task), self.events.append)


def test_each_address_of_a_name_is_asked_three_times_two_seconds_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    world = internet(GOOD, SIX, DEAD, names=[Record("two.example", (), (GOOD.address, SIX.address))])
    asking = Asking(world, monkeypatch)
    seen = asking("two.example", DEAD.address, "two.example")
    assert [one.name for one in seen.resolved] == ["two.example", DEAD.address]
    assert {address: (one.sent, one.heard) for address, one in seen.asked.items()} == {
        GOOD.address: (3, 3),
        SIX.address: (3, 3),
        DEAD.address: (3, 0),
    }
    for address in seen.asked:
        assert world.gaps_s(address) == pytest.approx([2.0, 2.0])
    assert seen.own == {GOOD.address}
    assert (asking.managed, asking.traced, seen.managed, seen.traced) == ([], [], {}, {}), "nobody asked for them"
    assert [event.text for event in asking.events if event.kind == "looking"] == [
        "looking up 3 servers",
        "asking 3 addresses 3 times",
    ]
    assert [event.text for event in asking.events if event.kind == "wait"][-1] == "3 of 3 addresses asked to the end"


def test_a_kiss_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    limited = Station("5.0.1.6", behaviour=Behaviour.RATE, kiss_after=2)
    seen = Asking(internet(limited), monkeypatch)(limited.address)
    assert (seen.asked[limited.address].kiss, seen.asked[limited.address].sent) == ("RATE", 3)


def test_references_are_asked_at_the_same_time_at_one_address_of_a_family(monkeypatch: pytest.MonkeyPatch) -> None:
    others = [Station(f"5.2.0.{number}") for number in (2, 4)]
    record = Record("right.example", (), ("5.2.0.2", "5.2.0.4", SIX.address))
    world = internet(GOOD, SIX, *others, names=[record])
    seen = Asking(world, monkeypatch)(GOOD.address, references=("right.example", GOOD.address))
    assert set(seen.asked) == {GOOD.address, "5.2.0.2", SIX.address}
    assert [one.addresses for one in seen.references] == [("5.2.0.2", "5.2.0.4", SIX.address), (GOOD.address,)]
    firsts = {one.address: one.at_s for one in reversed(world.sent)}
    assert max(firsts.values()) - min(firsts.values()) < 0.1
    assert len(world.sent) == 9, "a reference that is probed is asked once"


def test_who_may_not_be_asked_gets_no_packet(monkeypatch: pytest.MonkeyPatch) -> None:
    private, never = Station("10.1.2.3"), Station("127.0.0.1")
    record = Record("inside.example", (), (private.address, never.address, GOOD.address))
    world = internet(GOOD, private, never, names=[record])
    asking = Asking(world, monkeypatch)
    asking("inside.example", references=("inside.example",), mine=True, from_pool=True)
    assert {one.address for one in world.sent} == {GOOD.address}
    assert (asking.managed[0][0], asking.traced) == ((GOOD.address,), [GOOD.address])
    seen = asking("inside.example", allow_private=True, from_pool=True)
    assert seen.traced[private.address].problem == "it was not asked, as the address is not public"
    assert {one.address for one in world.sent} == {GOOD.address, private.address}
    assert asking.traced == [GOOD.address] * 2, "the pool's tracer cannot reach a private address"


def test_management_is_asked_of_ones_own_alone_and_not_too_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    asking = Asking(internet(GOOD, DEAD, Station("5.2.0.2")), monkeypatch)
    before_s = time.monotonic()
    seen = asking(GOOD.address, DEAD.address, references=("5.2.0.2",), mine=True)
    assert asking.managed == [((GOOD.address, DEAD.address), {"wait_s": 2.0, "gap_s": 2.0})]
    assert set(seen.managed) == {GOOD.address, DEAD.address}
    assert seen.heard_s >= before_s


def test_when_the_last_answer_came_is_remembered_and_a_silence_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Asking(internet(DEAD), monkeypatch)(DEAD.address).heard_s == 0.0
    before_s = time.monotonic()
    assert Asking(internet(GOOD), monkeypatch)(GOOD.address).heard_s >= before_s


def test_a_host_without_ipv6_tells_so(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Asking(internet(GOOD, SIX, families=("IPv4",)), monkeypatch)(SIX.address)
    assert (seen.asked[SIX.address].problem, seen.asked[SIX.address].sent) == ("this host has no IPv6 route to it", 0)


def test_two_hundred_take_as_long_as_the_slowest_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """In virtual time, so that no machine is too busy for it: all are asked in one loop, and none waits for another."""
    alone = internet(DEAD)
    Asking(alone, monkeypatch)(DEAD.address)
    stations = [replace(DEAD if number % 7 == 0 else GOOD, address=f"5.7.{number}.2") for number in range(200)]
    together = internet(*stations)
    seen = Asking(together, monkeypatch)(*(one.address for one in stations))
    assert sum(one.heard == 0 for one in seen.asked.values()) == 29
    assert alone.now_s == pytest.approx(7.0)
    assert together.now_s < 1.2 * alone.now_s


# --- one machine with many addresses


def refused(engine: Engine, times_s: list[float]) -> list[int]:
    """Which of these packets the limiter of an engine refuses, as it comes configured, if all are for one machine."""
    unset = limiter._UNSET[engine]
    make: Callable[[dict[str, float]], Callable[[float], bool]] = {
        "ntpsec": limiter._ntpsec,
        "classic": limiter._classic,
    }[engine]
    lets_pass = make(unset)
    gaps = [later - earlier for earlier, later in zip(times_s, times_s[1:])]
    return [number for number, gap_s in enumerate(gaps, 2) if not lets_pass(gap_s)]


@pytest.mark.parametrize("engine", ["ntpsec", "classic"])
@pytest.mark.parametrize("count", [1, 2, 4, 5, 6, 9, 20])
def test_no_limiter_is_provoked_by_a_name_whose_addresses_are_one_machine(
    monkeypatch: pytest.MonkeyPatch, engine: Engine, count: int
) -> None:
    stations = [Station(f"5.0.1.{2 * number}") for number in range(1, count + 1)]
    world = internet(*stations, names=[Record("many.example", (), tuple(one.address for one in stations))])
    seen = Asking(world, monkeypatch)("many.example")
    assert all(one.heard == 3 for one in seen.asked.values())
    times_s = sorted(one.at_s for one in world.sent)
    assert len(times_s) == 3 * count
    assert refused(engine, times_s) == []


def test_the_limiter_of_that_test_does_refuse_who_is_faster() -> None:
    assert refused("classic", [0.0, 0.3])
    assert refused("classic", [2.0 * number for number in range(16)])
    assert refused("ntpsec", [0.1 * number for number in range(30)])


def test_names_that_share_an_address_are_one_machine_and_families_are_apart() -> None:
    a, b, c, d = "5.0.1.2", "5.0.1.4", "5.0.1.6", "5.0.1.8"
    names = [
        Resolved("x", addresses=(a, "2a00::2")),
        Resolved("y", addresses=(c,)),
        Resolved("z", addresses=(b, a, "2a00::4")),
    ]
    waits = pauses(
        [*names, Resolved("w", addresses=(d, c)), Resolved("v", addresses=(c, b))], [a, b, c, d, "2a00::2", "2a00::4"]
    )
    assert sorted(waits[one] for one in (a, b, c, d)) == [0.0, 6.0, 12.0, 18.0]
    assert (waits["2a00::2"], waits["2a00::4"]) == (0.0, 0.0)


def test_who_is_not_asked_keeps_nobody_waiting() -> None:
    assert pauses([Resolved("x", addresses=("10.0.0.1", "5.0.1.2"))], ["5.0.1.2"]) == {"5.0.1.2": 0.0}
