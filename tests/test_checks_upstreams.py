"""Whom the daemon follows: how many, who is no good and why, who smears, and how they are asked. One thing at most of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from ntpjoin.board import Billboard, Peer
from ntpjoin.checks.rejected import reason
from ntpjoin.checks.verify import judge
from ntpjoin.facts import Facts, FileFact
from ntpjoin.host import ntpconf
from ntpjoin.host.machine import Host
from ntpjoin.model import Check, CheckState, Measure, Pin, Wish
from ntpjoin.provision.render import ntp_conf
from ntpjoin.upstreams import catalogue, rules
from tests.judged import GOOD, OUTSIDE, judged
from tests.sample import ADDRESSES, BOARD, OWN4, PINS, ROW, SYSTEM_VARS, changed, converged, peer

OWN = "/etc/ntpsec/ntp.d/mine.conf"
RESTART = f"systemctl restart {ROW.unit}"
OR_OURS = "or, to have ntpjoin's configuration: ntpjoin setup --replace"


def lines(text: str) -> dict[str, Any]:
    """The operator's own lines."""
    return {"directives": ntpconf.directives(OWN, text)}


def beside(*more: Peer, age_s: float = 4000.0, own: str = "") -> Facts:
    """A converged host that follows others beside ours."""
    facts: Facts = converged(
        daemon__board=Billboard(SYSTEM_VARS, (*BOARD.peers, *more)), daemon__age_s=age_s, **lines(own)
    )
    return facts


def follows(count: int, **changes: Any) -> Facts:
    """A host where nothing was ever written by us."""
    peers = tuple(peer(number, **changes) for number in range(1, 6))
    more = tuple(peer(1, associd=number, address=f"192.0.2.{number}", tally="+") for number in range(10, 20))
    board = Billboard(SYSTEM_VARS, (*peers, *more)[:count], 1)
    facts: Facts = converged(daemon__board=board, journal__written={}, files={ROW.config: stock()})
    return facts


def stock(
    text: str = "restrict default kod limited nomodify noquery\nrestrict 127.0.0.1\n", **changes: Any
) -> FileFact:
    return replace(FileFact(text.encode(), 0o644, "root:root", stock=True), **changes)


def told(facts: Facts, id: str, pins: tuple[Pin, ...] = PINS) -> list[Check]:  # noqa: A002
    return [check for check in judge(facts, Wish(), pins, GOOD) if check.id == id]


def faults(facts: Facts, pins: tuple[Pin, ...] = PINS) -> list[tuple[str, str]]:
    found = judge(facts, Wish(), pins, GOOD)
    return [(one.id, one.state.value) for one in found if one.state is not CheckState.OK and one.id != "service.dhcp"]


# --- how many


@pytest.mark.parametrize(
    ("count", "state"),
    [(1, "fail"), (2, "fail"), (3, "warn"), (4, "ok"), (5, "ok"), (7, "ok"), (8, "warn"), (12, "warn")],
)
def test_four_to_seven_sources_are_wanted(count: int, state: str) -> None:
    facts = follows(count)
    [check] = told(facts, "upstreams.count", ())
    assert (check.state.value, check.measure) == (state, Measure(count, warn=4, fail=3, falls=True, most=7))
    assert faults(facts, ()) == ([("upstreams.count", state)] if state != "ok" else []) + [OUTSIDE]


def test_whom_the_daemon_only_calls_out_to_is_no_source() -> None:
    """`broadcast`, and `manycastclient`, whose servers come as peers of their own."""
    called = (
        peer(1, associd=8, address="192.168.1.255", tally=" ", hmode=5, reach=0, refid="BCST"),
        peer(1, associd=9, address="239.1.1.1", tally=" ", hmode=3, reach=0, refid="ACST"),
    )
    facts = follows(3)
    assert facts.daemon
    facts = changed(facts, daemon__board__peers=(*facts.daemon.board.peers, *called))
    assert faults(facts, ()) == [("upstreams.count", "warn"), OUTSIDE]


def test_a_source_counts_once_by_its_address_and_only_with_a_voice() -> None:
    twice = peer(1, associd=9, source="other.name")
    silent_watch = peer(1, associd=8, address="192.0.2.50", tally=" ", flash=0x1000)
    gps = peer(1, associd=6, tally="o", address="127.127.28.0", refid="GPS", stratum=0, source="SHM(0)")
    local = peer(1, associd=7, tally="+", address="127.127.1.0", refid="LOCL", stratum=5)
    pool = peer(1, associd=5, tally=" ", address="0.0.0.0", refid="POOL", stratum=16, reach=0, source="pool.example")
    unresolved = replace(pool, associd=4, refid="DNS", source="time.example")
    drawn = peer(1, associd=3, address="192.0.2.51", configured=False, tally="+")
    facts = beside(twice, silent_watch, gps, local, pool, unresolved, drawn)
    [check] = told(facts, "upstreams.count")
    assert check.text == "8 sources: the pool wants 4 to 7"


def test_servers_that_were_chosen_and_are_missing_count_as_they_are_told_by_themselves() -> None:
    facts = converged(daemon__board=Billboard(SYSTEM_VARS, BOARD.peers[:2], 1))
    assert faults(facts) == [("upstreams.followed", "fail"), OUTSIDE]
    [check] = told(facts, "upstreams.count")
    assert check.text == "5 sources, with 3 that are missing"
    [check] = told(converged(daemon__board=Billboard(SYSTEM_VARS, BOARD.peers[:4], 1)), "upstreams.count")
    assert check.text == "5 sources, with 1 that is missing"


def test_a_daemon_that_reads_another_file_is_told_once() -> None:
    others = converged(daemon__board=Billboard(SYSTEM_VARS, BOARD.peers[:2], 1), daemon__config="/etc/other.conf")
    assert faults(others) == [("service.config", "fail"), OUTSIDE]


def test_while_names_are_looked_up_nobody_is_counted() -> None:
    placeholder = peer(1, associd=9, tally=" ", address="::", refid="DNS", stratum=16, reach=0, source="a.example")
    board = Billboard(SYSTEM_VARS, (*BOARD.peers[:2], placeholder), 1)
    young = converged(daemon__board=board, daemon__age_s=20.0)
    assert not told(young, "upstreams.count", ())
    assert told(converged(daemon__board=board), "upstreams.count", ())


def test_what_to_type_for_more_and_for_fewer() -> None:
    [few] = told(follows(2), "upstreams.count", ())
    assert few.remedy == "ntpjoin setup"
    edited = converged(daemon__board=Billboard(SYSTEM_VARS, BOARD.peers[:3], 1))
    [named] = told(edited, "upstreams.count", PINS[:3])
    assert named.remedy.startswith("ntpjoin setup --no-few --upstream NAME")
    own = "server 192.0.2.20\nserver 127.127.1.0\nserver 192.0.2.21\nserver 192.0.2.22\nserver 192.0.2.23\n"
    more = [peer(1, associd=number, address=f"192.0.2.{number}", tally="+") for number in range(20, 24)]
    [many] = told(beside(*more, own=own), "upstreams.count")
    assert many.remedy == f"take lines 4, 5 out of {OWN}, then: {RESTART}"


def named(number: int, **changes: Any) -> Peer:
    """A server of the operator's own, by its address."""
    return peer(1, **{"associd": number, "address": f"192.0.2.{number}", "tally": "+", **changes})


POOL = peer(1, associd=9, tally=" ", address="0.0.0.0", refid="POOL", stratum=16, reach=0, source="time.example")
DRAWN = tuple(named(number, configured=False) for number in range(40, 48))
ANOTHER = replace(POOL, associd=8, source="pool.example")
LETS = "as many as `tos maxclock` lets"


def too_many(more: Sequence[Peer], own: str, pins: tuple[Pin, ...] = PINS) -> str:
    """What to type where these are followed beside those that were chosen."""
    board = Billboard(SYSTEM_VARS, (*BOARD.peers[: len(pins)], *more))
    if not pins:
        board = replace(board, system=replace(SYSTEM_VARS, peer_associd=more[0].associd))
    ours = FileFact(ntp_conf(ROW, pins, leapfile=True).encode(), 0o644, "root:root", ours=True) if pins else stock()
    facts = converged(
        daemon__board=board, files={**converged().files, ROW.config: ours}, journal__written={}, **lines(own)
    )
    [check] = told(facts, "upstreams.count", pins)
    assert check.state is CheckState.WARN
    return check.remedy


@pytest.mark.parametrize(
    ("pins", "own", "remedy"),
    [
        (5, "pool time.example", f"take line 1 out of {OWN}, or name at most 2 servers in its place: it draws {LETS} it"),
        (5, "server 192.0.2.20\npool time.example\n",
         f"take line 2 out of {OWN}, or name at most 1 server in its place: it draws {LETS} it"),
        (4, "pool time.example\n\npool pool.example\n",
         f"take lines 1, 3 out of {OWN}, or name at most 3 servers in their place: they draw {LETS} them"),
        (0, "pool time.example", f"name 4 to 7 servers in place of line 1 of {OWN}: it draws {LETS} it"),
        (0, "pool time.example\nrefclock shm unit 0\n", f"name 3 to 6 servers in place of line 1 of {OWN}: it draws {LETS} it"),
        (0, "pool time.example\npool pool.example\n",
         f"name 4 to 7 servers in place of lines 1, 2 of {OWN}: they draw {LETS} them"),
    ],
)  # fmt: skip
def test_a_pool_line_leaves_room_for_those_that_were_chosen(pins: int, own: str, remedy: str) -> None:
    found = too_many((*DRAWN, named(20), POOL, ANOTHER), own, PINS[:pins])
    assert found == f"{remedy}; then: {RESTART}"


@pytest.mark.parametrize(
    ("own", "out"),
    [
        ("server 192.0.2.20\nserver 192.0.2.21\npool time.example\n", "line 3"),
        ("pool time.example\nserver 192.0.2.20\nserver 192.0.2.21\nserver 192.0.2.22\n", "lines 1, 4"),
        ("refclock shm unit 0\npool time.example\nserver 192.0.2.20\nserver 192.0.2.21\nrefclock shm unit 1\n", "lines 2, 3, 4"),
    ],
)  # fmt: skip
def test_where_there_are_enough_without_it_a_pool_line_goes(own: str, out: str) -> None:
    assert too_many((*DRAWN, POOL), own) == f"take {out} out of {OWN}, then: {RESTART}"


GPS = peer(1, associd=60, tally="+", address="127.127.28.1", refid="PPS", stratum=0, source="SHM(1)")
WATCHED = {"tally": " ", "flash": 0x1000}


@pytest.mark.parametrize(
    ("more", "own", "out"),
    [
        # Only who counts: not who is only watched, nor a name of one that was chosen.
        ([named(20), named(21), named(22), named(23, **WATCHED)],
         "server 192.0.2.20\nserver 192.0.2.21\nserver 192.0.2.22\nserver 192.0.2.23 noselect\n", "line 3"),
        ([named(20), named(21), named(22), peer(1, associd=61, source="other.example")],
         "server 192.0.2.20\nserver 192.0.2.21\nserver 192.0.2.22\nserver other.example\n", "line 3"),
        ([*DRAWN[:3], named(20)], "server 192.0.2.20\npool time.example noselect\n", "line 1"),
        # Servers before reference clocks, wherever they stand.
        ([named(20), named(21), GPS], "server 192.0.2.20\nserver 192.0.2.21\nrefclock shm unit 1 prefer\n", "line 2"),
        ([named(20), named(21), GPS], "server 192.0.2.20\nserver 192.0.2.21\nserver 127.127.28.1 prefer\n", "line 2"),
        ([named(20), GPS, replace(GPS, address="127.127.28.2", source="SHM(2)")],
         "refclock shm unit 1\nserver 192.0.2.20\nrefclock shm unit 2\n", "line 2"),
        ([named(20), *(replace(GPS, address=f"127.127.28.{unit}", source=f"SHM({unit})") for unit in range(4))],
         "refclock shm unit 0\nrefclock shm unit 1\nrefclock shm unit 2\nserver 192.0.2.20\nrefclock shm unit 3\n", "lines 3, 4, 5"),
    ],
)  # fmt: skip
def test_of_the_operators_own_sources_those_go_that_count_and_servers_first(
    more: list[Peer], own: str, out: str
) -> None:
    assert too_many(more, own) == f"take {out} out of {OWN}, then: {RESTART}"


def test_where_no_line_of_the_operators_own_brings_them_they_are_chosen_anew() -> None:
    assert too_many(DRAWN, "server 192.0.2.99 noselect\n") == "ntpjoin setup --survey"


# --- who answers, and cannot be followed


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        # As NTPsec 1.2.2 and classic 4.2.8p15 told of servers made for it.
        ({"tally": " ", "reach": 0, "flash": 0x1620}, "it is not synchronised itself"),
        ({"tally": " ", "reach": 0, "flash": 0x1640}, "its root distance is 16 s or more"),
        ({"tally": " ", "flash": 0x800}, "it follows this host"),
        ({"tally": " ", "flash": 0xC00}, "it follows this host"),
        ({"tally": " ", "flash": 0x400, "reach": 0b1111}, "its root distance is too great"),
        ({"tally": " ", "flash": 0x400, "reach": 0b111}, ""),
        ({"tally": " ", "flash": 0x400, "reach": 0b10010011}, "its root distance is too great"),
        ({"tally": " ", "flash": 0x200}, "its stratum is not allowed"),
        ({"tally": " ", "flash": 0x10}, "its answers are not authenticated"),
        ({"tally": " ", "flash": 0x2000}, "its answers take too long"),
        ({"tally": " ", "stratum": 16}, "it is not synchronised itself"),
        ({"tally": " ", "stratum": 16, "reach": 0, "flash": 0x1600, "refid": "INIT"}, ""),
        ({"tally": " ", "stratum": 16, "refid": "RATE"}, "it is asked too often (kiss-o'-death RATE)"),
        ({"tally": " ", "stratum": 0, "refid": "DENY", "reach": 0}, "it denies this host the time"),
        ({"tally": " ", "stratum": 16, "refid": "RSTR", "reach": 0}, "it gives this host no more time"),
        ({"tally": " ", "stratum": 1, "refid": "RATE"}, ""),
        ({"tally": " ", "stratum": 16, "reach": 0, "event": "rate_exceeded"}, "it is asked too often"),
        ({"tally": "+", "reach": 0, "event": "rate_exceeded"}, "it is asked too often"),
        ({"tally": "+", "event": "rate_exceeded"}, ""),
        ({"tally": " ", "reach": 1, "event": "rate_exceeded"}, ""),
        ({"tally": " ", "flash": 0x1000}, ""),
        ({"tally": " ", "flash": 0x1400}, ""),
        ({"tally": " "}, ""),
        ({"tally": "-", "flash": 0x20}, ""),
        ({"tally": " ", "flash": 0x400, "address": "127.127.28.0"}, ""),
    ],
)
def test_why_a_source_cannot_be_followed(changes: dict[str, Any], why: str) -> None:
    one = peer(2, **changes)
    assert reason(one).startswith(why)
    assert bool(reason(one)) is bool(why)


@pytest.mark.parametrize("hmode", [1, 2])
@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"flash": 0x800}, []),
        ({"flash": 0x800, "refid": OWN4, "stratum": 4}, []),
        # It follows this host, and something else is wrong with it.
        ({"flash": 0xC00}, [("upstreams.rejected", "warn")]),
        ({"flash": 0xA00}, [("upstreams.rejected", "warn")]),
        ({"flash": 0x820}, [("upstreams.rejected", "warn")]),
        ({"flash": 0x1800, "reach": 0}, [("upstreams.silent", "warn")]),
    ],
)
def test_a_symmetric_peer_may_follow_this_host(
    hmode: int, changes: dict[str, Any], found: list[tuple[str, str]]
) -> None:
    """Two servers that back each other up: one of them follows the other as long as that has the better source."""
    one = replace(STRANGER, tally=" ", hmode=hmode, **changes)
    assert judged(beside(one, own="peer 192.0.2.30\n")) == [*found, OUTSIDE]
    assert not [check for check in told(beside(one), "upstreams.rejected") if "it follows this host" in check.text]


def test_that_it_does_is_told_where_nobody_is_followed_because_of_that() -> None:
    one = replace(STRANGER, tally=" ", hmode=1, flash=0x800)
    alone = converged(daemon__board=Billboard(replace(SYSTEM_VARS, peer_associd=0), (one,), 1))
    [check] = told(alone, "sync.peer", ())
    assert check.text.endswith("no system peer; 1 of 1 sources answer, 0 agree, 1 must; 1: it follows this host")


def test_it_is_one_warning_with_its_name() -> None:
    loop = (BOARD.peers[0], peer(2, tally=" ", flash=0x800), *BOARD.peers[2:])
    facts = converged(daemon__board=Billboard(SYSTEM_VARS, loop))
    assert judged(facts) == [("upstreams.rejected", "warn"), OUTSIDE]
    [check] = told(facts, "upstreams.rejected")
    assert check.text == f"{PINS[1].name} ({ADDRESSES[1]}) answers, and cannot be followed: it follows this host"
    assert check.remedy == "ntpjoin setup --survey"
    assert judged(converged(daemon__board=Billboard(SYSTEM_VARS, loop), daemon__age_s=299.0)) == [OUTSIDE]


def test_a_source_that_is_only_watched_is_no_fault() -> None:
    one = peer(2, tally=" ", flash=0x1000)
    assert one.watched
    assert not replace(one, reach=0).watched


def test_a_source_that_is_back_is_not_taken_for_one_that_is_only_watched() -> None:
    """The bit of a silent one is the same, and stays until the daemon looks again."""
    back = [replace(one, reach=0b111, flash=0x1000, tally=" ") for one in BOARD.peers[:2]]
    board = Billboard(SYSTEM_VARS, (*back, *BOARD.peers[2:4]), 1)
    facts = converged(daemon__board=replace(board, system=replace(SYSTEM_VARS, peer_associd=3)), journal__written={})
    [check] = told(facts, "upstreams.count", ())
    assert (check.state.value, check.text) == ("ok", "4 sources")
    # Which of them are by the lines is known at once.
    own = "".join(f"server {one.address} noselect\n" for one in back)
    [check] = told(changed(facts, **lines(own)), "upstreams.count", ())
    assert (check.state.value, check.measure) == ("fail", Measure(2, warn=4, fail=3, falls=True, most=7))


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        pytest.param({}, [("upstreams.falseticker", "warn")], id="ten seconds off"),
        pytest.param({"offset_ms": 128.5}, [("upstreams.falseticker", "warn")], id="further than a clock is slewed"),
        pytest.param({"offset_ms": 128.0}, [], id="not so far"),
        pytest.param({"offset_ms": -128.0}, [("upstreams.falseticker", "warn")], id="further to the other side"),
        pytest.param(
            {"offset_ms": 203.0, "root_distance_ms": 200.0},
            [("upstreams.falseticker", "warn")],
            id="further than both distances",
        ),
        pytest.param({"offset_ms": 202.0, "root_distance_ms": 200.0}, [], id="not as far as these"),
        pytest.param({"root_distance_ms": 16_000.0}, [], id="it may be right by its own account"),
        pytest.param({"root_distance_ms": None}, [], id="that is not known"),
        pytest.param({"offset_ms": None}, [], id="nor its offset"),
        pytest.param({"tally": "-"}, [("upstreams.falseticker", "warn")], id="it was right when the daemon looked"),
        pytest.param({"tally": "+"}, [("upstreams.falseticker", "warn")], id="and was followed"),
        pytest.param({"reach": 7}, [], id="three answers"),
        pytest.param({"flash": 0x1000}, [], id="only watched"),
        pytest.param({"address": "127.127.20.0", "tally": " "}, [], id="a reference clock"),
    ],
)
def test_a_source_that_cannot_be_right_is_told_before_the_daemon_marks_it(
    changes: dict[str, Any], found: list[tuple[str, str]]
) -> None:
    one = replace(STRANGER, **{"tally": " ", "offset_ms": 10_000.0, "root_distance_ms": 30.0, **changes})
    others = tuple(replace(peer, root_distance_ms=2.0) for peer in BOARD.peers)
    board = Billboard(SYSTEM_VARS, (*others, one))
    assert judged(converged(daemon__board=board)) == [*found, OUTSIDE]
    assert judged(converged(daemon__board=board, daemon__age_s=299.0)) == [OUTSIDE]
    # Of two that differ nobody can tell which is wrong.
    alone = Billboard(SYSTEM_VARS, (others[0], *(replace(other, tally=" ", flash=0x800) for other in others[1:]), one))
    assert "upstreams.falseticker" not in dict(judged(converged(daemon__board=alone)))


@pytest.mark.parametrize(
    ("changes", "own", "found"),
    [
        pytest.param({}, "", [], id="it was so far by its first answers"),
        pytest.param({"root_distance_ms": 1499.0}, "", [], id="it is just near enough"),
        pytest.param({"root_distance_ms": 1500.0}, "", [("upstreams.rejected", "warn")], id="it is not"),
        pytest.param({"root_distance_ms": None}, "", [("upstreams.rejected", "warn")], id="that is not known"),
        pytest.param({}, "tos maxdist 0.01\n", [("upstreams.rejected", "warn")], id="a line allows less"),
        pytest.param({"flash": 0x1600}, "", [], id="it had not answered at all"),
        pytest.param({"flash": 0x800}, "", [("upstreams.rejected", "warn")], id="a loop"),
        pytest.param({"offset_ms": 900.0}, "", [("upstreams.falseticker", "warn")], id="and it lies"),
    ],
)
def test_a_distance_of_the_first_answers_is_no_reason_when_the_latest_make_it_less(
    changes: dict[str, Any], own: str, found: list[tuple[str, str]]
) -> None:
    one = replace(STRANGER, **{"tally": " ", "flash": 0x400, "root_distance_ms": 30.0, **changes})
    others = [replace(peer, root_distance_ms=2.0) for peer in BOARD.peers]
    facts = changed(beside(one, own=own), daemon__board__peers=(*others, one))
    assert judged(facts) == [*found, OUTSIDE]


STRANGER = peer(1, associd=9, address="192.0.2.30", tally="+", source="")


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"tally": "x"}, "upstreams.falseticker"),
        ({"tally": "x", "refid": "254.1.2.3"}, "upstreams.smear"),
        ({"tally": " ", "reach": 0}, "upstreams.silent"),
        ({"tally": " ", "reach": 0, "refid": "254.1.2.3"}, "upstreams.silent"),
        ({"tally": " ", "flash": 0x800}, "upstreams.rejected"),
        ({"address": "127.127.1.0", "refid": "LOCL", "tally": "x", "reach": 0}, "upstreams.local"),
        ({"refid": "254.1.2.3"}, "upstreams.smear"),
    ],
)
def test_one_thing_is_told_of_a_source_and_the_line_that_brought_it_goes(changes: dict[str, Any], found: str) -> None:
    one = replace(STRANGER, **changes)
    facts = beside(one, own=f"# mine\nserver {one.address} iburst\n")
    assert judged(facts) == [(found, "warn"), OUTSIDE]
    [check] = told(facts, found)
    assert check.remedy == f"take line 2 out of {OWN}, then: {RESTART}"


# --- who smears


def test_a_service_that_smears_fails_among_others_and_warns_alone() -> None:
    google = replace(STRANGER, address="216.239.35.8", source="time3.google.com")
    assert judged(beside(google)) == [("upstreams.smear", "fail"), OUTSIDE]
    assert "and others do not" in told(beside(google), "upstreams.smear")[0].text
    by_name = replace(STRANGER, source="time.aws.com")
    assert judged(beside(by_name)) == [("upstreams.smear", "fail"), OUTSIDE]
    pinned = tuple(Pin(f"time{number}.google.com", one.address) for number, one in enumerate(BOARD.peers[:4], 1))
    alone = converged(daemon__board=Billboard(SYSTEM_VARS, BOARD.peers[:4]))
    found = told(alone, "upstreams.smear", pinned)
    assert [check.state.value for check in found] == ["warn"] * 4
    assert "others" not in found[0].text


@pytest.mark.parametrize(
    ("changes", "warns"),
    [
        ({"refid": "254.1.2.3"}, True),
        ({"refid": "254.1.2.3", "stratum": 1}, False),
        ({"refid": "253.1.2.3"}, False),
        ({"refid": "254.1.2.3", "reach": 0}, False),
    ],
)
def test_a_reference_like_that_of_a_daemon_that_smears_is_only_a_suspicion(
    changes: dict[str, Any], warns: bool
) -> None:
    found = told(beside(replace(STRANGER, **changes)), "upstreams.smear")
    assert [check.state.value for check in found] == ["warn"] * warns


def test_every_server_of_the_catalogue_that_smears_is_known_as_one() -> None:
    smearing = [server.host for server in catalogue.load(Host()) if server.smears == "yes"]
    assert len(smearing) > 5
    assert all(map(rules.smears, smearing))
    assert rules.smears("metadata.google.internal")
    assert rules.smears("Metadata.Google.Internal.")
    assert rules.smears("2001:4860:4806:8::")
    assert rules.smears("[2001:4860:4806:8:0::]")
    assert not rules.smears("2001:4860:4806:9::")
    assert not any(map(rules.smears, (*ADDRESSES, "time.cloudflare.com", "google.com", "")))


# --- names of the pool itself


@pytest.mark.parametrize(
    ("line", "fails"),
    [
        ("pool 2.debian.pool.ntp.org iburst", True),
        ("server -4 pool.ntp.org", True),
        ("server 0.de.POOL.ntp.org.", True),
        ("server notpool.ntp.org", False),
        ("pool ntp.example.net", False),
        ("restrict 0.pool.ntp.org noquery", False),
    ],
)
def test_a_member_does_not_follow_the_pool_itself(line: str, fails: bool) -> None:
    facts = beside(own=f"{line}\n")
    assert judged(facts) == [("upstreams.pool", "fail")] * fails + [OUTSIDE]
    if fails:
        [check] = told(facts, "upstreams.pool")
        assert f"{OWN}:1: {line}" in check.text
        assert check.remedy == f"take line 1 out of {OWN}, then: {RESTART}"


def test_the_packages_own_configuration_follows_it_and_setup_mends_that() -> None:
    facts = follows(5)
    text = "restrict default kod limited nomodify noquery\nrestrict 127.0.0.1\npool 0.debian.pool.ntp.org iburst\n"
    [check] = told(replace(facts, files={ROW.config: stock(text)}), "upstreams.pool", ())
    assert check.remedy == "ntpjoin setup"
    [check] = told(replace(facts, files={ROW.config: stock(text, stock=False)}), "upstreams.pool", ())
    named = "write 4 to 7 lines `server NAME iburst` (`ntpjoin upstreams survey` finds names)"
    assert check.remedy == f"{named} in place of line 3 of {ROW.config}, then: {RESTART}; {OR_OURS}"
    # Where enough are named beside it nobody has to be in its place.
    text += "".join(f"server {pin.name}\n" for pin in PINS[:4])
    [check] = told(replace(facts, files={ROW.config: stock(text, stock=False)}), "upstreams.pool", ())
    assert check.remedy == f"take line 3 out of {ROW.config}, then: {RESTART}; {OR_OURS}"


def test_a_file_that_the_package_manager_put_back_is_one_fault() -> None:
    text = "restrict default kod limited nomodify noquery\nrestrict 127.0.0.1\npool 0.debian.pool.ntp.org iburst\n"
    facts = converged(files={**converged().files, ROW.config: stock(text)})
    assert judged(facts) == [("service.file", "fail"), OUTSIDE]


# --- manners


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("server 192.0.2.30 burst", ["fail"]),
        ("server 192.0.2.30 iburst minpoll 6", []),
        ("server 192.0.2.30 minpoll 5", ["warn"]),
        ("server 192.0.2.30 minpoll 4 minpoll 6", []),
        ("server 192.0.2.30 iburst maxpoll 4", ["warn"]),
        ("server 192.0.2.30 minpoll 6 maxpoll 5", ["warn"]),
        ("server 192.0.2.30 maxpoll 10", []),
        ("pool ntp.example.net minpoll 4 burst", ["fail", "warn"]),
        ("server 10.1.2.3 minpoll 4 burst", []),
        ("server fd00::3 minpoll 4", []),
        ("server [fd00::3] minpoll 4", []),
        ("server 127.127.28.0 minpoll 4", []),
        ("refclock shm unit 0 minpoll 4", []),
        ("server 192.0.2.30 minpoll x", []),
        ("server 192.0.2.30 minpoll", []),
        ("server 192.0.2.30 minpoll ²", []),
    ],
)
def test_how_others_may_be_asked(line: str, found: list[str]) -> None:
    assert judged(beside(own=f"{line}\n")) == [("upstreams.manners", state) for state in found] + [OUTSIDE]


def test_what_a_line_asks_too_much_is_told_with_what_to_write() -> None:
    fast, burst = told(beside(own="server 192.0.2.30 minpoll 4 burst\n"), "upstreams.manners")[::-1]
    assert "may be asked every 16 s; 64 s is the least" in fast.text
    assert fast.remedy == f"write `minpoll 6` into line 1 of {OWN}, then: {RESTART}"
    assert burst.remedy == f"take `burst` out of line 1 of {OWN}, then: {RESTART}"


@pytest.mark.parametrize(
    ("options", "instead"),
    [
        ("maxpoll 5", "`maxpoll 5`"),
        ("iburst minpoll 4 maxpoll 5", "`minpoll 4` and `maxpoll 5`"),
        ("minpoll 6 maxpoll 4", "`maxpoll 4`"),
    ],
)
def test_a_maxpoll_that_would_count_in_place_of_what_is_written_goes(options: str, instead: str) -> None:
    line = f"server 192.0.2.30 {options}"
    [check] = told(beside(own=f"{line}\n"), "upstreams.manners")
    assert check.remedy == f"write `minpoll 6` in place of {instead} in line 1 of {OWN}, then: {RESTART}"
    mended = line.replace(instead.strip("`").replace("` and `", " "), "minpoll 6")
    assert mended != line
    assert told(beside(own=f"{mended}\n"), "upstreams.manners") == []


@pytest.mark.parametrize(
    ("options", "found"),
    [("minpoll 8", []), ("minpoll 7", ["128 s; 256 s"]), ("", ["64 s; 256 s"]), ("iburst minpoll 8", ["iburst"])],
)
def test_an_operator_who_asks_for_more_rest_gets_it(options: str, found: list[str]) -> None:
    pins = (Pin(PINS[0].name, PINS[0].address, minpoll=8, iburst=False), *PINS[1:])
    ours = ntp_conf(ROW, pins, leapfile=True).encode()
    edited = ours.replace(b"192.0.2.1 minpoll 8", f"192.0.2.1 {options}".encode())
    config = FileFact(edited, 0o644, "root:root", ours=edited == ours)
    facts = converged(files={**converged().files, ROW.config: config})
    checks = told(facts, "upstreams.manners", pins)
    assert len(checks) == len(found)
    assert all(words in check.text for words, check in zip(found, checks))
    assert all(f"line 11 of {ROW.config}, then: {RESTART}; {OR_OURS}" in check.remedy for check in checks)


def test_the_lines_that_we_write_ask_nothing_too_much() -> None:
    pins = tuple(Pin(pin.name, pin.address, minpoll, minpoll % 2 == 0) for minpoll, pin in enumerate(PINS, 6))
    config = FileFact(ntp_conf(ROW, pins, leapfile=True).encode(), 0o644, "root:root", ours=True)
    assert not told(converged(files={**converged().files, ROW.config: config}), "upstreams.manners", pins)


def test_a_source_without_a_line_is_left_to_the_operator() -> None:
    [check] = told(beside(replace(STRANGER, tally="x")), "upstreams.falseticker")
    assert check.remedy == "look at your own lines"


@pytest.mark.parametrize("written", ["2001:DB8:0:0::30", "[2001:db8::30]", "2001:db8::0030"])
def test_the_line_of_an_address_is_found_however_that_is_written(written: str) -> None:
    one, own = replace(STRANGER, tally="x", address="2001:db8::30", source=""), f"# mine\nserver {written}\n"
    [check] = told(beside(one, own=own), "upstreams.falseticker")
    assert check.remedy == f"take line 2 out of {OWN}, then: {RESTART}"
    # As one of eight it is told to go, too; those that were chosen are ours.
    more = (peer(1, associd=number, address=f"192.0.2.{number}", tally="+") for number in (50, 51))
    [check] = told(beside(replace(one, tally="+"), *more, own=own), "upstreams.count")
    assert check.remedy == f"take line 2 out of {OWN}, then: {RESTART}"


def test_a_line_that_writes_a_chosen_address_otherwise_brings_no_other_source() -> None:
    more = (peer(1, associd=number, address=f"192.0.2.{number}", tally="+") for number in (50, 51, 52))
    [check] = told(beside(*more, own="server 2001:DB8:0::2\n"), "upstreams.count")
    assert check.remedy == "ntpjoin setup --survey"


def test_the_line_of_a_source_with_a_port_is_found() -> None:
    one = replace(STRANGER, tally="x", source="ntp.example.net:4460")
    [check] = told(beside(one, own="# mine\nserver ntp.example.net:4460 nts\n"), "upstreams.falseticker")
    assert check.remedy == f"take line 2 out of {OWN}, then: {RESTART}"
