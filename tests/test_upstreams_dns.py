"""DNS at its worst, asked for everything at once: one verdict a name, in words, in time, and the good names unharmed."""

from __future__ import annotations

import inspect
import json
import sys
import threading
import time
from collections.abc import Iterable
from functools import partial
from typing import Any, Optional

import dns.query
import pytest

from ntpjoin import cli
from ntpjoin.commands import resolve as command
from ntpjoin.facts import JournalFacts
from ntpjoin.model import Asked
from ntpjoin.show.upstreams import CROWD as SHOWN
from ntpjoin.upstreams.survey import survey
from ntpjoin.wire.dns import resolve
from tests.dns_faults import NAMES, ZONE, FaultyDns
from tests.sample import sample

#: dnspython may sleep or read a little beyond its end.
GRACE_S = 1.0

#: Those that have addresses, and how many.
LEAD_SOMEWHERE = {
    "good": 2, "four": 1, "slow": 1, "half-dead": 1, "tcp-works": 1, "crowd": 400, "loopback": 2, "private": 2,
    "privates": 200, "mixed": 3, "forged": 1, "ttl0": 1,
}  # fmt: skip

#: Since 2.6 (CVE-2023-29483) dnspython waits on behind what is no answer to its question; before, that was the answer.
WAITS_ON = "ignore_errors" in inspect.signature(dns.query.udp).parameters
SILENCE = "no DNS server answered within {limit}"
UNREADABLE = "the answer of the DNS server 127.0.0.1 cannot be read"
#: The others, and why.
LEAD_NOWHERE = {
    "sleepy": SILENCE,
    "dead": SILENCE,
    "tcp-hangs": "no DNS server answered over TCP within {limit}",
    "tcp-resets": "the DNS server 127.0.0.1 cannot be reached over TCP: Connection reset by peer",
    "tcp-half": "the DNS server 127.0.0.1 broke off its answer over TCP",
    "tcp-garbage": UNREADABLE,
    "circle": "its aliases go in a circle, or are too many",
    "chain": "its aliases go in a circle, or are too many",
    "missing": "no such name",
    "servfail": "the DNS server 127.0.0.1 failed (SERVFAIL)",
    "refused": "the DNS server 127.0.0.1 failed (REFUSED)",
    "empty": "the name has no address",
    "wrong-id": SILENCE if WAITS_ON else UNREADABLE,
    "garbage": SILENCE if WAITS_ON else UNREADABLE,
    "other-question": SILENCE if WAITS_ON else UNREADABLE,
    "other-owner": "the name has no address",
}

#: Those that lead somewhere, but where nobody may be followed.
FORBIDDEN = {
    "loopback": "127.0.0.1: a loopback address (RFC 1122); ::1: the loopback address (RFC 4291)",
    "private": "10.0.0.1: a private address (RFC 1918); fd00::1: a unique local address (RFC 4193)",
    "privates": "10.0.0.1 and the like: a private address (RFC 1918); "
    "127.0.0.1 and the like: a loopback address (RFC 1122)",
}


def full(names: Iterable[str]) -> list[str]:
    return [f"{name}.{ZONE}" for name in names]


def within(limit_s: float, began_s: float) -> bool:
    return time.monotonic() - began_s <= limit_s + GRACE_S


def test_every_fault_is_here() -> None:
    assert LEAD_SOMEWHERE.keys() | LEAD_NOWHERE.keys() == NAMES.keys()
    assert not LEAD_SOMEWHERE.keys() & LEAD_NOWHERE.keys()


def test_all_at_once_each_name_has_its_verdict_in_time() -> None:
    with FaultyDns() as server:
        began_s = time.monotonic()
        found = resolve(full(NAMES), nameservers=[server.address], port=server.port, timeout_s=2.5)
        assert within(2.5, began_s)
    assert [one.name for one in found] == full(NAMES)
    verdicts = {one.name.partition(".")[0]: one for one in found}
    assert {name: len(one.addresses) for name, one in verdicts.items() if not one.problem} == LEAD_SOMEWHERE
    assert {name: one.problem for name, one in verdicts.items() if one.problem} == {
        name: why.format(limit="2.5 s") for name, why in LEAD_NOWHERE.items()
    }
    assert verdicts["forged"].addresses == ("9.9.9.7",)
    assert verdicts["ttl0"].ttl_s == 0


def test_a_hundred_dead_names_do_not_starve_two_hundred_living() -> None:
    kinds = ("dead", "good", "four")
    names = full(f"{kinds[number % 3]}{number}" for number in range(300))
    with FaultyDns() as server:
        began_s = time.monotonic()
        found = resolve(names, nameservers=[server.address], port=server.port, timeout_s=2.5)
        assert within(2.5, began_s)
    assert [one.name for one in found] == names
    assert {one.problem for one in found if one.name.startswith("dead")} == {"no DNS server answered within 2.5 s"}
    assert [one.name for one in found if one.problem and not one.name.startswith("dead")] == []


def test_nobody_listens_for_tcp() -> None:
    with FaultyDns(tcp=False) as server:
        crowd, good = resolve(full(["crowd", "good"]), nameservers=[server.address], port=server.port)
    assert crowd.problem == "the DNS server 127.0.0.1 cannot be reached over TCP: Connection refused"
    assert good.addresses == ("9.9.9.1", "2a01::1")


def test_threads_end_with_the_time() -> None:
    names = full(f"dead{number}" for number in range(30))
    with FaultyDns() as server:
        resolve(names, nameservers=[server.address], port=server.port, timeout_s=0.3)
        ends_s = time.monotonic() + GRACE_S
        while any(thread.name == "ntpjoin-dns" for thread in threading.enumerate()):
            assert time.monotonic() < ends_s
            time.sleep(0.02)


def test_a_system_that_allows_few_threads_is_slower_but_no_worse(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[threading.Thread] = []

    class Few(threading.Thread):
        def start(self) -> None:
            if sum(one.is_alive() for one in started) == 3:
                raise RuntimeError("can't start new thread")
            started.append(self)
            super().start()

    names = full(f"tcp-works{number}" for number in range(40))
    with FaultyDns() as server:
        monkeypatch.setattr(threading, "Thread", Few)
        found = resolve(names, nameservers=[server.address], port=server.port)
    assert [one.addresses for one in found] == [("9.9.9.5",)] * 40


class Command:
    """`ntpjoin resolve`, with the faulty server at port 53 and time servers that all agree."""

    def __init__(self, server: FaultyDns, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.monkeypatch = monkeypatch
        self.capsys = capsys
        self.asked: list[str] = []
        there = partial(resolve, port=server.port)
        monkeypatch.setattr(command, "survey", partial(survey, resolve=there, exchange=self._exchange))
        monkeypatch.setattr(command, "look_journal", lambda _: JournalFacts())
        monkeypatch.setattr(command, "look_addresses", lambda _: ())

    def _exchange(self, addresses: Iterable[str], **_: Any) -> tuple[Asked, ...]:
        self.asked += addresses
        return tuple(Asked(address, sample(address)) for address in self.asked)

    def __call__(self, names: Iterable[str], *options: str) -> tuple[int, str]:
        line = ["ntpjoin", "resolve", *full(names), "--resolver", FaultyDns.address, "--quiet", *options]
        self.monkeypatch.setattr(sys, "argv", line)
        code = cli._main()
        out, err = self.capsys.readouterr()
        assert err == ""
        return code, out


def verdict(name: str) -> Optional[str]:
    """Why it cannot be followed; None where it can."""
    if name == "crowd":
        return "its name leads to 200 addresses of IPv4: that is no single server"
    return FORBIDDEN.get(name) or LEAD_NOWHERE.get(name, "").format(limit="5 s") or None


def test_the_command_tells_each_name_in_a_few_lines_in_time(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with FaultyDns() as server:
        ask = Command(server, monkeypatch, capsys)
        began_s = time.monotonic()
        code, out = ask(NAMES)
        assert within(5, began_s)
    assert code == 1
    paragraphs = [paragraph.splitlines() for paragraph in out.split("\n\n")]
    assert [lines[0].split()[0] for lines in paragraphs] == full(NAMES)
    for name, (_, *lines) in zip(NAMES, paragraphs):
        why = verdict(name)
        told = [line.strip() for line in lines if line.startswith(("  ✓", "  ✗"))]
        assert told == [f"✗ cannot be followed: {why}" if why else "✓ can be followed"], name
        assert len(lines) <= 2 * SHOWN, name
    assert "  396 addresses  not asked: the name has others of this family\n" in out
    assert "  100 addresses  not asked: a private address (RFC 1918)\n" in out


def test_the_page_keeps_every_address(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with FaultyDns() as server:
        code, out = Command(server, monkeypatch, capsys)(["good", "crowd", "four"], "--json")
    assert code == 1
    assert [len(name["addresses"]) for name in json.loads(out)["names"]] == [2, 400, 1]
