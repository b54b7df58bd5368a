"""What clients cost: the kernel's table of connections, and the packets that the daemon refuses or loses."""

from __future__ import annotations

from typing import Any, Optional

import pytest

from ntpjoin.board import Counters
from ntpjoin.checks import limiter
from ntpjoin.checks.verify import judge
from ntpjoin.facts import Directive, Facts, FileFact
from ntpjoin.firewall import Untracked
from ntpjoin.host import ntpconf
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


@pytest.mark.parametrize(("masquerades", "state", "fail"), [(False, "warn", None), (True, "fail", 90.0)])
def test_a_table_that_ntp_is_kept_out_of_keeps_no_client_out(
    masquerades: bool, state: str, fail: Optional[float]
) -> None:
    kept = Untracked(out={"IPv4": True, "IPv6": True}, masquerades=masquerades, nft="/usr/sbin/nft")
    facts = converged(surroundings__tracking=Tracking(950, 1000), firewall__untracked=kept)
    [found] = told(facts, "load.conntrack")
    assert (found.state.value, found.measure) == (state, Measure(95.0, "%", warn=70.0, fail=fail))
    assert ("new clients get no answer" in found.text) is masquerades
    assert found.remedy.startswith("sysctl -w net.netfilter.nf_conntrack_max=4000")


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


@pytest.mark.parametrize(
    ("age_s", "since_s", "states"),
    [
        (3600.0, 3600, ["ok", "warn"]),
        (3600.0, 3590, ["ok", "warn"]),
        (3600.0, None, ["ok", "warn"]),
        (86_400.0, 600, ["ok"]),  # 100 of 1.4 million
        (86_400.0, 80_000, ["ok", "warn"]),
    ],
)
def test_losses_since_the_start_are_not_held_against_the_packets_of_an_hour(
    age_s: float, since_s: Optional[int], states: list[str]
) -> None:
    counters = Counters(since_s, received=9900, limited=0, dropped=110)
    facts = converged(daemon__board__counters=counters, daemon__age_s=age_s)
    assert [one.state.value for one in told(facts, "load.limited")] == states


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
            "take line 2 out of /etc/own.conf, then: systemctl restart ntpsec.service",
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
            "take line 2 out of /etc/ntp.conf, then: systemctl restart ntp.service",
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


LOOK = "look who asks so often: ntpq -nc mrulist; "
FEWER = "lower this server's net speed at https://manage.ntppool.org/"
CROWD = f"{LOOK}{FEWER}, or, if it is many behind one address: write "
RESTARTS = {"debian-12": "systemctl restart ntpsec.service", "debian-11": "systemctl restart ntp.service"}


def limited_by(row: str, own: str) -> str:
    """What to type where the operator's own lines limit so, and many are refused."""
    [found_row] = [one for one in ROWS if one.name == row]
    main = "" if found_row.snippets else f"includefile {found_row.include}\n"
    facts = converged(
        system__row=found_row,
        files={found_row.config: FileFact(main.encode(), 0o644, "root:root")},
        directives=ntpconf.directives("/etc/own.conf", own),
        daemon__board__counters=Counters(received=1000, limited=300),
    )
    [found] = told(facts, "load.limited")
    return found.remedy


@pytest.mark.parametrize(
    ("row", "own", "out"),
    [
        ("debian-12", "limit average 0.5", "line 1"),
        ("debian-12", "limit burst 20 average 0.5 kod 0.2", "line 1"),
        ("debian-12", "limit average 5\nlimit burst 10\n", "line 2"),
        ("debian-12", "limit average 0.5\nserver 192.0.2.1\nlimit burst 10\n", "lines 1, 3"),
        # The last one counts.
        ("debian-12", "limit burst 50\nlimit burst 5\n", "line 2"),
        ("debian-11", "discard minimum 3", "line 1"),
        ("debian-11", "discard average 3 minimum 1\ndiscard average 5\n", "line 2"),
    ],
)
def test_only_a_line_that_is_tighter_than_none_is_taken_out(row: str, own: str, out: str) -> None:
    assert limited_by(row, own) == f"take {out} out of /etc/own.conf, then: {RESTARTS[row]}"


@pytest.mark.parametrize(
    ("row", "own", "write", "line"),
    [
        ("debian-12", "limit burst 40 average 2", "burst 80 average 4", 1),
        ("debian-12", "limit burst 1500.5 average 2", "burst 2000 average 4", 1),
        ("debian-12", "limit burst 1e300 average 2", "average 4", 1),
        ("debian-12", "limit burst 40", "average 2", 1),
        ("debian-12", "limit burst 20 average 1", "burst 40 average 2", 1),
        ("debian-12", "limit burst 30\nlimit kod 1 average 3\nlimit kod 1\n", "burst 40", 2),
        # Looser in one thing, tighter in the other: without it fewer might pass.
        ("debian-12", "limit burst 5 average 10", "burst 40", 1),
        ("debian-12", "limit burst 5 average 10\nlimit burst 9\n", "burst 40", 2),
        ("debian-12", "limit burst 5\nlimit burst 30\n", "burst 40 average 2", 2),
        ("debian-11", "discard average 2", "average 1 minimum 1", 1),
        ("debian-11", "discard average 1 minimum 4", "minimum 1", 1),
        ("debian-11", "discard average 3 minimum 2 monitor 3000", "average 1 minimum 1", 1),
    ],
)
def test_where_taking_lines_out_would_not_help_looser_numbers_are_told(
    row: str, own: str, write: str, line: int
) -> None:
    assert limited_by(row, own) == f"{CROWD}`{write}` into line {line} of /etc/own.conf, then: {RESTARTS[row]}"


@pytest.mark.parametrize(
    ("row", "own"),
    [
        ("debian-12", "limit burst 2000 average 100"),
        ("debian-12", "limit burst 9999 average 200"),
        ("debian-11", "discard average 1 minimum 1"),
        ("debian-11", "discard average 0\ndiscard minimum 0\n"),
    ],
)
def test_where_nothing_looser_would_help_fewer_clients_do(row: str, own: str) -> None:
    assert limited_by(row, own) == f"{LOOK}{FEWER}"


@pytest.mark.parametrize(
    ("row", "line"), [("debian-12", "limit burst 40 average 2"), ("debian-11", "discard average 1 minimum 1")]
)
@pytest.mark.parametrize("others", ["", "limit kod 1\n", "discard monitor 3000\n"])
def test_the_line_that_is_advised_is_never_taken_out_again(row: str, line: str, others: str) -> None:
    assert f"if it is many behind one address: `{line}` into " in limited_by(row, others)
    assert limited_by(row, f"{others}{line}\n").startswith(f"{LOOK}{FEWER}")


def test_the_line_that_is_advised_lets_a_crowd_pass_that_is_refused_without_it() -> None:
    """Sixty packets within three seconds, and one a second for long, as each engine counts them."""
    crowds = {"ntpsec": [*[0.05] * 60, *[0.6] * 500], "classic": [*[0.05] * 60, *[1.0] * 500]}
    limiters = {"ntpsec": limiter._ntpsec, "classic": limiter._classic}
    for engine, gaps in crowds.items():
        unset, roomy = limiter._UNSET[engine], limiter._ROOMY[engine]  # type: ignore[index]
        assert not all(map(limiters[engine](unset), gaps))
        assert all(map(limiters[engine](roomy), gaps))
