"""What clients cost: the kernel's table of connections, and the packets that the daemon refuses or loses."""

from __future__ import annotations

from typing import Any

import pytest

from ntpjoin.board import Counters
from ntpjoin.checks.verify import judge
from ntpjoin.facts import Directive, Facts, FileFact
from ntpjoin.host.distros import ROWS
from ntpjoin.model import Check, Measure
from ntpjoin.surroundings import Tracking
from tests.judged import GOOD, OUTSIDE, judged
from tests.sample import PINS, WISH, converged


def told(facts: Facts, check: str) -> list[Check]:
    return [one for one in judge(facts, WISH, PINS, GOOD) if one.id == check]


@pytest.mark.parametrize(
    ("count", "most", "state"),
    [
        (0, 1000, "ok"),
        (699, 1000, "ok"),
        (700, 1000, "warn"),
        (899, 1000, "warn"),
        (900, 1000, "fail"),
        (1200, 1000, "fail"),
        # No limit.
        (5000, 0, "ok"),
    ],
)
def test_the_table_of_connections_fills_up(count: int, most: int, state: str) -> None:
    facts = converged(surroundings__tracking=Tracking(count, most))
    [found] = told(facts, "load.conntrack")
    assert found.state.value == state
    assert judged(facts) == [*([("load.conntrack", state)] if state != "ok" else []), OUTSIDE]
    assert found.measure == (Measure(100 * count / most, "%", warn=70.0, fail=90.0) if most else None)


@pytest.mark.parametrize(
    ("count", "most", "roomy"), [(700, 1000, 2000), (701, 1000, 4000), (65536, 65536, 262144), (8, 1, 32)]
)
def test_what_to_type_makes_it_large_enough(count: int, most: int, roomy: int) -> None:
    [found] = told(converged(surroundings__tracking=Tracking(count, most)), "load.conntrack")
    assert found.remedy == (
        f"sysctl -w net.netfilter.nf_conntrack_max={roomy}; to keep it: "
        f"echo net.netfilter.nf_conntrack_max={roomy} >/etc/sysctl.d/90-conntrack.conf; "
        "echo nf_conntrack >/etc/modules-load.d/conntrack.conf"
    )
    [mended] = told(converged(surroundings__tracking=Tracking(count, roomy)), "load.conntrack")
    assert mended.state.value == "ok"


def test_where_nothing_is_tracked_nothing_is_said() -> None:
    assert told(converged(surroundings__tracking=None), "load.conntrack") == []


def counted(**parts: Any) -> Facts:
    facts: Facts = converged(daemon__board__counters=Counters(**parts))
    return facts


@pytest.mark.parametrize(
    ("parts", "states"),
    [
        ({}, []),
        ({"received": 5000}, []),
        ({"received": 999, "limited": 999}, ["ok"]),
        ({"received": 1000, "limited": 199}, ["ok"]),
        ({"received": 1000, "limited": 200}, ["warn"]),
        ({"received": 0, "limited": 0}, ["ok"]),
        ({"received": 9900, "limited": 0, "dropped": 99}, ["ok"]),
        ({"received": 9900, "limited": 0, "dropped": 100}, ["ok", "warn"]),
        ({"received": 9900, "limited": 9900, "dropped": 100}, ["warn", "warn"]),
    ],
)
def test_packets_that_are_refused_or_lost(parts: dict[str, int], states: list[str]) -> None:
    assert [one.state.value for one in told(counted(**parts), "load.limited")] == states
    assert told(converged(daemon=None), "load.limited") == []


def test_the_share_is_a_number_where_there_are_enough_to_tell() -> None:
    [few] = told(counted(received=999, limited=500), "load.limited")
    assert few.measure is None
    assert "too few to tell" in few.text
    [found] = told(counted(received=2000, limited=500), "load.limited")
    assert found.measure == Measure(25.0, "%", warn=20.0)
    assert found.text == "500 of 2000 packets were refused as too frequent (25.0 %)"


@pytest.mark.parametrize(
    ("row", "main", "own", "remedy"),
    [
        (
            "debian-12",
            "",
            "limit burst 5",
            "take out /etc/own.conf:2: limit burst 5, then: systemctl restart ntpsec.service",
        ),
        (
            "debian-12",
            "",
            "",
            "`limit burst 40 average 2` into /etc/ntpsec/ntp.d/local.conf, then: systemctl restart ntpsec.service",
        ),
        (
            "debian-11",
            "includefile /etc/ntp/local.conf\n",
            "",
            "`discard average 1 minimum 1` into /etc/ntp/local.conf, then: systemctl restart ntp.service",
        ),
        # Somebody's own file, which includes none of ours.
        (
            "debian-11",
            "server 192.0.2.1\n",
            "",
            "`discard average 1 minimum 1` into /etc/ntp.conf, then: systemctl restart ntp.service",
        ),
        (
            "debian-11",
            "server 192.0.2.1\ndiscard average 4\n",
            "",
            "take out /etc/ntp.conf:2: discard average 4, then: systemctl restart ntp.service",
        ),
    ],
)
def test_the_operators_own_limits_are_named_else_what_to_look_at(row: str, main: str, own: str, remedy: str) -> None:
    [found_row] = [one for one in ROWS if one.name == row]
    directives = (Directive("/etc/own.conf", 2, tuple(own.split())),) if own else ()
    facts = converged(
        system__row=found_row,
        files={found_row.config: FileFact(main.encode(), 0o644, "root:root")},
        directives=directives,
        daemon__board__counters=Counters(received=1000, limited=300),
    )
    [found] = told(facts, "load.limited")
    assert found.remedy.endswith(remedy)
