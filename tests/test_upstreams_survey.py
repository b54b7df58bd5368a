from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Optional, Union

import pytest

from ntpjoin.model import Asked, Resolved, Sample
from ntpjoin.upstreams.rules import why_not_follow
from ntpjoin.upstreams.survey import ROTATES, survey
from ntpjoin.wire.ntp import OnReply


class Net:
    """A make-believe network: where names lead; every address answers."""

    def __init__(self, *resolved: Resolved) -> None:
        self.resolved = resolved
        self.asked: list[tuple[str, ...]] = []
        self.nameservers: Optional[Sequence[str]] = None

    def resolve(
        self, names: Iterable[str], *, nameservers: Optional[Sequence[str]] = None, **_: Any
    ) -> tuple[Resolved, ...]:
        self.nameservers = nameservers
        by_name = {one.name: one for one in self.resolved}
        return tuple(by_name[name] for name in names)

    def exchange(
        self, addresses: Iterable[str], *, on_reply: Optional[OnReply] = None, **how: Any
    ) -> tuple[Asked, ...]:
        self.asked.append(tuple(addresses))
        self.how = how
        answers = tuple(Asked(one, Sample(one, 0, 0.01, 1, 0, "GPS", 0, 0.001, -20)) for one in self.asked[-1])
        for answer in answers:
            if on_reply:
                on_reply(answer)
        return answers

    def survey(self, *, allow_private: bool = False) -> list[tuple[str, ...]]:
        names = [one.name for one in self.resolved]
        found = survey(
            names,
            resolve=self.resolve,
            exchange=self.exchange,
            own_addresses=["8.8.4.4"],
            allow_private=allow_private,
        )
        assert [one.name for one in found] == names
        return [tuple(asked.address for asked in candidate.asked) for candidate in found]


def test_all_addresses_are_asked_in_one_exchange() -> None:
    net = Net(Resolved("a.example", addresses=("1.1.1.1", "2a01::1")), Resolved("b.example", addresses=("1.1.1.2",)))
    assert net.survey() == [("1.1.1.1", "2a01::1"), ("1.1.1.2",)]
    assert net.asked == [("1.1.1.1", "2a01::1", "1.1.1.2")]


def test_an_address_under_two_names_is_asked_once_and_stands_under_both() -> None:
    net = Net(Resolved("a.example", addresses=("1.1.1.1",)), Resolved("b.example", addresses=("1.1.1.1",)))
    assert net.survey() == [("1.1.1.1",), ("1.1.1.1",)]
    assert net.asked == [("1.1.1.1",)]


def test_at_most_two_addresses_a_family_are_asked() -> None:
    crowd = (*(f"1.1.1.{n}" for n in range(1, 9)), *(f"2a01::{n}" for n in range(1, 9)))
    assert Net(Resolved("a.example", addresses=crowd)).survey() == [("1.1.1.1", "1.1.1.2", "2a01::1", "2a01::2")]


def test_addresses_that_may_not_be_asked_do_not_use_up_the_two() -> None:
    net = Net(Resolved("a.example", addresses=("10.0.0.1", "10.0.0.2", "1.1.1.1", "1.1.1.2")))
    assert net.survey() == [("1.1.1.1", "1.1.1.2")]


@pytest.mark.parametrize(
    "resolved",
    [
        Resolved("pool.ntp.org", addresses=("1.1.1.1",)),
        Resolved("2.debian.pool.ntp.org", addresses=("1.1.1.1",)),
        Resolved("ntp.example.com", ("europe.Pool.NTP.org.",), ("1.1.1.1",)),
        Resolved("ntp.example.com", ("0.pool.ntp.org", "host.example.net"), ("1.1.1.1",)),
        Resolved("time.google.com", addresses=("1.1.1.1",)),
        Resolved("ntp.example.com", ("time.google.com",), ("1.1.1.1",)),
        Resolved("google.example.com", addresses=("216.239.35.4",)),
        Resolved("own.example.com", addresses=("8.8.4.4",)),
        Resolved("private.example.com", addresses=("10.0.0.1", "fd00::1", "192.0.2.1", "127.0.0.1", "fe80::1")),
        Resolved("missing.example.com", problem="no such name"),
    ],
)
def test_no_packet_goes_where_a_rule_forbids_it(resolved: Resolved) -> None:
    net = Net(resolved)
    assert net.survey() == [()]
    assert net.asked == [()]


@pytest.mark.parametrize(
    "name", ["ntppool1.time.nl", "pool1.ntp.od.ua", "xpool.ntp.org", "pool.ntp.org.example.net", "ntp.org"]
)
def test_a_name_that_only_looks_like_the_pools_is_no_pool_name(name: str) -> None:
    assert why_not_follow(Resolved(name)) == ""


def test_private_addresses_are_asked_where_that_is_allowed() -> None:
    net = Net(Resolved("lab.example.com", addresses=("10.0.0.1", "127.0.0.1", "fd00::1", "fe80::1")))
    assert net.survey(allow_private=True) == [("10.0.0.1", "fd00::1")]


def test_events_tell_each_name_and_each_answer() -> None:
    net = Net(Resolved("a.example", addresses=("1.1.1.1",)), Resolved("b.example", problem="no such name"))
    events: list[Union[Resolved, Asked]] = []
    survey(["a.example", "b.example"], resolve=net.resolve, exchange=net.exchange, on_event=events.append)
    assert [type(event) for event in events] == [Resolved, Resolved, Asked]


def test_the_longest_gap_counts_for_an_address_under_two_names() -> None:
    net = Net(Resolved("a.example", addresses=("1.1.1.1",)), Resolved("b.example", addresses=("1.1.1.1", "1.1.1.2")))
    survey(
        ["a.example", "b.example"],
        samples=4,
        gaps_s={"a.example": 16, "b.example": 4, "c.example": 9},
        resolve=net.resolve,
        exchange=net.exchange,
    )
    assert net.how["gaps_s"] == {"1.1.1.1": 16, "1.1.1.2": 4}
    assert net.how["samples"] == 4


def test_a_name_that_leads_elsewhere_after_the_samples_rotates() -> None:
    net = Net(Resolved("a.example", addresses=("1.1.1.1",)), Resolved("b.example", addresses=("1.1.1.2",)))
    later = Net(Resolved("a.example", addresses=("1.1.1.9",)), Resolved("b.example", problem="no answer"))
    asked = iter([net, later])

    def resolve(names: Iterable[str], *, nameservers: Optional[Sequence[str]] = None, **_: Any) -> tuple[Resolved, ...]:
        return next(asked).resolve(names, nameservers=nameservers)

    found = survey(["a.example", "b.example"], samples=4, resolve=resolve, exchange=net.exchange)
    assert [one.resolved.problem for one in found] == [ROTATES, ""]


def test_who_has_answered_is_looked_up_again_while_others_are_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ntpjoin.upstreams.survey._SENT_S", -1.95)  # a gap of 2 s comes before
    names = [Resolved(f"{one}.example", addresses=(f"1.1.1.{one}",)) for one in range(1, 4)]
    net = Net(*names)
    looked: list[list[str]] = []
    again = threading.Event()

    def resolve(names: Iterable[str], *, nameservers: Optional[Sequence[str]] = None, **_: Any) -> tuple[Resolved, ...]:
        looked.append(list(names))
        found = net.resolve(looked[-1], nameservers=nameservers)
        if len(looked) > 1:
            again.set()
        return tuple(replace(one, addresses=("1.1.1.9",)) if len(looked) > 1 else one for one in found)

    def exchange(addresses: Iterable[str], *, on_reply: Optional[OnReply] = None, **how: Any) -> tuple[Asked, ...]:
        early, late, _ = net.exchange(addresses, **how)
        assert on_reply
        on_reply(early)
        assert again.wait(10)
        return early, late, Asked("1.1.1.3", problem="no answer")

    found = survey([one.name for one in names], samples=2, resolve=resolve, exchange=exchange)
    assert looked == [["1.example", "2.example", "3.example"], ["1.example"], ["2.example"]]
    assert [one.resolved.problem for one in found] == [ROTATES, ROTATES, ""]


def test_names_are_resolved_once_for_a_single_sample() -> None:
    net = Net(Resolved("a.example", addresses=("1.1.1.1",)))
    asked = iter([net])

    def resolve(names: Iterable[str], *, nameservers: Optional[Sequence[str]] = None, **_: Any) -> tuple[Resolved, ...]:
        return next(asked).resolve(names, nameservers=nameservers)

    survey(["a.example"], resolve=resolve, exchange=net.exchange)


def test_other_dns_servers_are_asked_where_some_are_named() -> None:
    net = Net(Resolved("a.example", addresses=("1.1.1.1",)))
    survey(["a.example"], resolve=net.resolve, exchange=net.exchange)
    assert net.nameservers is None
    survey(["a.example"], nameservers=["192.0.2.53"], resolve=net.resolve, exchange=net.exchange)
    assert net.nameservers == ["192.0.2.53"]
