"""How well the clock is synchronised: the edges of each threshold, what a young daemon is spared, and one alarm for one cause."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Optional

import pytest

from ntpjoin.board import Billboard, Peer
from ntpjoin.checks.verify import judge, settling
from ntpjoin.commands.setup import _SetUp
from ntpjoin.facts import Directive, Facts
from ntpjoin.model import Asked, Check, CheckState, Measure
from tests.judged import GOOD, OUTSIDE, judged
from tests.sample import BOARD, OWN4, OWN6, PINS, ROW, SYSTEM_VARS, WISH, changed, converged, peer, sample


def host(*peers: Peer, age_s: float = 4000.0, minsane: Optional[int] = None, **system: Any) -> Facts:
    """A converged host with these sources, or its own, and system variables."""
    board = Billboard(replace(SYSTEM_VARS, **system), peers or BOARD.peers, minsane)
    facts: Facts = converged(daemon__board=board, daemon__age_s=age_s)
    return facts


def told(facts: Facts, id: str) -> Optional[Check]:  # noqa: A002
    return next((check for check in judge(facts, WISH, PINS, GOOD) if check.id == id), None)


# --- offset


@pytest.mark.parametrize(
    ("offset_ms", "faults"),
    [
        (0.0, []),
        (9.999, []),
        (-9.999, []),
        (10.0, [("sync.offset", "warn")]),
        (-30.0, [("sync.offset", "warn")]),
        (49.999, [("sync.offset", "warn")]),
        (50.0, [("sync.offset", "fail")]),
        (-60.0, [("sync.offset", "fail")]),
        (400.0, [("sync.offset", "fail")]),
        (None, []),
    ],
)
def test_an_offset_warns_from_10_ms_and_fails_from_50_ms(
    offset_ms: Optional[float], faults: list[tuple[str, str]]
) -> None:
    assert judged(host(offset_ms=offset_ms)) == [*faults, OUTSIDE]


def test_an_offset_is_told_with_where_the_pool_begins_to_mind_and_what_mends_it() -> None:
    small, large = told(host(offset_ms=-60.0), "sync.offset"), told(host(offset_ms=128.0), "sync.offset")
    assert small is not None
    assert large is not None
    assert small.text == "the clock is 60.000 ms off: the pool takes points from 25 ms on"
    assert "slews" in small.remedy
    assert small.measure == Measure(0.06, "s", 0.01, 0.05)
    assert large.remedy == f"systemctl restart {ROW.unit}"


@pytest.mark.parametrize(
    ("offsets_ms", "off"),
    [
        ((400.0, 401.0, 399.0, 0.1, 0.2), True),
        ((-400.0, -401.0, -399.0, 0.1, 0.2), True),
        ((400.0, 401.0, 0.3, 0.1, 0.2), False),
        ((127.0, 127.0, 127.0, 127.0, 127.0), True),
        ((50.0, 50.0, 50.0, 0.1, 0.1), True),
        ((49.9, 127.0, 127.0, 127.0, 127.0), False),  # the others may have told so before it was slewed
        ((127.0, 127.0, 49.9, 0.1, 0.1), False),
        ((400.0, 400.0, 0.1, 0.1), False),
        ((-400.0, -400.0, 0.1, 0.1), False),
        ((-400.0, -400.0, -400.0, 0.1), True),
    ],
)
def test_what_most_sources_tell_counts_before_the_daemon_believes_it(offsets_ms: tuple[float, ...], off: bool) -> None:
    peers = (replace(one, tally=tally, offset_ms=ms) for one, tally, ms in zip(BOARD.peers, "+-+++", offsets_ms))
    check = told(host(*peers, offset_ms=0.1), "sync.offset")
    assert check
    assert (check.state is CheckState.FAIL) is off
    assert ("say its sources" in check.text) is off
    steps = abs(offsets_ms[0]) >= 128
    assert check.remedy.startswith(
        (f"systemctl restart {ROW.unit}" if steps else "ntpd slews the clock") if off else ""
    )


def test_a_young_daemon_still_slews_its_clock() -> None:
    """It fails, but verify and setup end with 5, not yet; a stratum that is too high beside it does not pass."""
    young = host(offset_ms=60.0, age_s=299.0)
    checks = judge(young, WISH, PINS, GOOD)
    assert settling(young, checks)
    assert _SetUp._code(young, BOARD, checks, left=False) == 5
    old = host(offset_ms=60.0, age_s=300.0)
    assert not settling(old, judge(old, WISH, PINS, GOOD))
    assert _SetUp._code(old, BOARD, judge(old, WISH, PINS, GOOD), left=False) == 4
    both = host(offset_ms=60.0, stratum=8, age_s=299.0)
    assert not settling(both, judge(both, WISH, PINS, GOOD))
    shut = changed(young, firewall__admits={"IPv4": False, "IPv6": False})
    assert _SetUp._code(shut, BOARD, judge(shut, WISH, PINS, GOOD), left=True) == 5


# --- nobody answers any more


def test_a_system_peer_that_is_named_on_when_nobody_answers_is_none() -> None:
    """As NTPsec 1.2.2 does, for a poll or two; of each source that is the same cause."""
    silent = [replace(one, reach=0) for one in BOARD.peers]
    assert BOARD.system_peer
    assert judged(host(*silent)) == [("sync.peer", "fail"), OUTSIDE]
    check = told(host(*silent), "sync.peer")
    assert check
    assert check.text == f"not synchronised: no system peer; 0 of {len(silent)} sources answer"
    one_left = [*silent[:-1], replace(silent[-1], reach=1)]
    assert told(host(*one_left), "sync.peer").state is CheckState.OK  # type: ignore[union-attr]


# --- root distance


@pytest.mark.parametrize(
    ("delay_ms", "dispersion_ms", "faults"),
    [
        (0.0, 500.0, []),
        (1000.0, 0.1, [("sync.distance", "warn")]),
        (0.0, 500.1, [("sync.distance", "warn")]),
        (0.0, 1500.0, [("sync.distance", "warn")]),
        (0.2, 1500.0, [("sync.distance", "fail")]),
        (2000.0, 1000.0, [("sync.distance", "fail")]),
        (None, 2000.0, []),
        (0.0, None, []),
    ],
)
def test_a_root_distance_warns_beyond_half_a_second_and_fails_beyond_one_and_a_half(
    delay_ms: Optional[float], dispersion_ms: Optional[float], faults: list[tuple[str, str]]
) -> None:
    assert judged(host(root_delay_ms=delay_ms, root_dispersion_ms=dispersion_ms)) == [*faults, OUTSIDE]


def test_a_root_distance_that_still_falls_is_no_alarm() -> None:
    """After its start, a step, or an outage of the system peer the dispersion is high, and halves with each answer."""
    far: dict[str, Any] = {"root_dispersion_ms": 7900.0}
    assert judged(host(age_s=299.0, **far)) == [OUTSIDE]
    assert judged(host(age_s=300.0, **far)) == [("sync.distance", "fail"), OUTSIDE]
    few = (peer(1, reach=0b111), *BOARD.peers[1:])
    assert judged(host(*few, **far)) == [OUTSIDE]
    enough = (peer(1, reach=0b1111), *BOARD.peers[1:])
    assert judged(host(*enough, **far)) == [("sync.distance", "fail"), OUTSIDE]
    check = told(host(age_s=20.0, **far), "sync.distance")
    assert check is not None
    assert check.text == "root distance 7.901 s: it falls with each answer of 192.0.2.1"
    assert check.measure == Measure(7.9005, "s", 0.5, 1.5)


@pytest.mark.parametrize(
    ("told_ms", "own_ms", "state"),
    [(943.0, 195.4, "ok"), (943.0, 500.1, "warn"), (943.0, None, "warn"), (1500.1, 195.4, "fail")],
)
def test_a_root_distance_of_the_start_that_the_daemon_tells_still_is_no_alarm_while_clients_follow_it(
    told_ms: float, own_ms: Optional[float], state: str
) -> None:
    """NTPsec 1.2.2 on a busy machine told 0.943 s more than 305 s after its start, from the fourth answer of the burst."""
    peers = (replace(BOARD.peers[0], root_distance_ms=own_ms), *BOARD.peers[1:])
    check = told(host(*peers, root_delay_ms=0.0, root_dispersion_ms=told_ms), "sync.distance")
    assert check is not None
    assert check.state.value == state
    if state == "ok":
        used = "by the latest answers of 192.0.2.1 it is 0.195 s, and ntpd will tell so when it uses the next"
        assert check.text == f"root distance 0.943 s: {used}"


# --- reach


def reaching(*registers: int, **changes: Any) -> tuple[Peer, ...]:
    return tuple(peer(number, reach=reach, **changes) for number, reach in enumerate(registers, 1))


@pytest.mark.parametrize(
    ("registers", "faults"),
    [
        ((0xFF, 0xFF, 0xFF, 0xFF, 0xFF), []),
        # 31 of 40 is 77.5 %, 30 is 75 %, 21 is 52.5 %, 20 is 50 %.
        ((0xFF, 0xFF, 0xFE, 0xF0, 0xF0), []),
        ((0xFF, 0xFF, 0xFC, 0xF0, 0xF0), [("sync.reach", "warn")]),
        ((0x8F, 0xF0, 0xF0, 0xF0, 0xF0), [("sync.reach", "warn")]),
        ((0x8E, 0xF0, 0xF0, 0xF0, 0xF0), [("sync.reach", "fail")]),
        # Some were silent, and are back.
        ((0xFF, 0xFF, 0x01, 0x01, 0x01), []),
        ((0xFF, 0xFF, 0x0F, 0x1F, 0x7F), []),
        ((0xFF, 0xFF, 0x0D, 0x1D, 0x7D), [("sync.reach", "warn")]),
        # Since somebody answered at all: after a step, or where the line was down before.
        ((0x1F, 0x0F, 0x0F, 0x0F, 0x0F), []),
        ((0x01, 0x01, 0x01, 0x01, 0x01), []),
        ((0x1F, 0x11, 0x11, 0x10, 0x10), [("sync.reach", "fail")]),
        ((0xC3, 0xF0, 0xAA, 0x55, 0x3C), [("sync.reach", "fail")]),
        ((0x01, 0x80, 0x08, 0x10, 0x20), [("sync.reach", "fail")]),
    ],
)
def test_the_share_of_answered_polls(registers: tuple[int, ...], faults: list[tuple[str, str]]) -> None:
    assert judged(host(*reaching(*registers))) == [*faults, OUTSIDE]


def test_the_share_is_told_in_percent() -> None:
    check = told(host(*reaching(0xFF, 0xFF, 0xFC, 0xF0, 0xF0)), "sync.reach")
    assert check is not None
    assert check.text == "75 % of the last polls were answered"
    assert check.measure == Measure(75.0, "%", 75, 50, falls=True)


@pytest.mark.parametrize("sources", [3, 4, 5])
def test_a_dead_source_is_told_by_name_and_lowers_no_share(sources: int) -> None:
    """One of four would be 75 %, of three 67 %."""
    registers = [0xFF] * (sources - 1) + [0]
    facts = host(*reaching(*registers), minsane=1)
    faults = [one for one in judged(facts) if one[0] not in ("upstreams.count", "upstreams.followed")]
    assert faults == [("upstreams.silent", "warn"), OUTSIDE]


def test_of_a_young_source_only_the_polls_since_its_first_answer_count() -> None:
    """After iburst the register holds one poll; after a step it is empty, however old the daemon."""
    for register in (0b1, 0b10, 0b11, 0b111):
        check = told(host(*reaching(*[register] * 5), age_s=70.0), "sync.reach")
        assert check is not None
        assert check.text == "too few polls were due to tell how many are answered"
    assert judged(host(*reaching(*[0b1111] * 5), age_s=300.0)) == [OUTSIDE]
    assert judged(host(*reaching(*[0b1011] * 5), age_s=300.0)) == [("sync.reach", "warn"), OUTSIDE]
    # Eight polls of 64 s and the time to settle: 812 s.
    one_is_older = (0xFF, *[0b111101] * 4)
    assert judged(host(*reaching(*one_is_older), age_s=811.0)) == [OUTSIDE]
    assert judged(host(*reaching(*one_is_older), age_s=812.0)) == [("sync.reach", "warn"), OUTSIDE]
    # Servers that are drawn from a pool come and go.
    assert judged(host(*reaching(*[0b1111] * 5, configured=False), age_s=90_000.0)) == [OUTSIDE]


def test_who_has_fallen_silent_agrees_with_nobody_whatever_its_mark() -> None:
    silent = [replace(one, reach=0) for one in BOARD.peers[2:]]
    check = told(host(*BOARD.peers[:2], *silent, minsane=3), "sync.survivors")
    assert check is not None
    assert (check.state.value, check.text) == ("fail", "2 of 5 sources agree, 3 must")
    assert told(host(*BOARD.peers[:3], *silent[1:], minsane=3), "sync.survivors").state is CheckState.OK  # type: ignore[union-attr]


# --- no system peer: one alarm, whatever is wrong with the sources


def unled(*peers: Peer, age_s: float = 4000.0, minsane: Optional[int] = None, leap: int = 3) -> Facts:
    return host(*peers, age_s=age_s, minsane=minsane, peer_associd=0, stratum=16, leap=leap, offset_ms=60.0)


ALARMED = replace(GOOD, answers={one: Asked(one, sample(one, stratum=0, leap=3)) for one in (OWN4, OWN6)})


@pytest.mark.parametrize(
    ("facts", "words", "remedy"),
    [
        (unled(*reaching(0, 0, 0, 0, 0, tally=" ")), "0 of 5 sources answer", "is UDP 123 let out"),
        (
            unled(*reaching(255, 255, 255, 255, 255, tally=" ", flash=0x400)),
            "5 of 5 sources answer, 0 agree, 3 must; 5: its root distance is too great",
            "ntpjoin setup --survey",
        ),
        (unled(*reaching(0, 0, 0, 0, 0, tally=" ", flash=0x1620)), "5: it is not synchronised itself", "--survey"),
        (unled(*reaching(255, 255, 255, 255, 255, tally="x")), "5 of 5 sources answer, 0 agree, 3 must", "--survey"),
        (unled(*reaching(255, 255, tally="+"), minsane=3), "2 of 2 sources answer, 2 agree, 3 must", "ntpjoin setup"),
        (unled(age_s=20.0), "5 of 5 sources answer, 5 agree", "wait a minute"),
    ],
)
def test_without_a_system_peer_one_alarm_tells_why(facts: Facts, words: str, remedy: str) -> None:
    """Clients are told so, too: that is no second fault."""
    check = told(facts, "sync.peer")
    assert check is not None
    assert words in check.text
    assert check.remedy.startswith(remedy) or remedy in check.remedy
    faults = [one for one in judged(facts, ALARMED) if one[0] != "upstreams.followed"]
    assert faults == [("sync.peer", "fail"), OUTSIDE]


def test_clients_that_are_told_of_no_synchronisation_are_an_alarm_where_the_daemon_tells_otherwise() -> None:
    assert judged(converged(), ALARMED) == [("answers.ipv4", "fail"), ("answers.ipv6", "fail"), OUTSIDE]
    assert judged(host(leap=3), ALARMED) == [("sync.peer", "fail"), OUTSIDE]
    assert judged(host(stratum=16), ALARMED) == [("sync.stratum", "fail"), OUTSIDE]


def test_a_clock_that_nobody_sets_is_one_alarm() -> None:
    local = peer(1, associd=7, tally="*", address="127.127.1.0", refid="LOCL", stratum=5, source="LOCAL(0)")
    facts = host(*reaching(0, 0, 0, 0, 0, tally=" "), local, peer_associd=7, stratum=6)
    assert judged(facts) == [("sync.peer", "fail"), OUTSIDE]


# --- lines by which the daemon cannot be synchronised


OUT = "take line 3 out of /x.conf, then: systemctl restart ntpsec.service"
WAIT = "wait a minute, then: ntpjoin verify"
DEAF = unled(*reaching(0, 0, 0, 0, 0, tally=" "), age_s=20.0)
SPLIT = host(minsane=6)


def lined(facts: Facts, *lines: str) -> Facts:
    """With these lines of the operator's own, the last of them the third."""
    first = 4 - len(lines)
    own = tuple(Directive("/x.conf", number, tuple(line.split())) for number, line in enumerate(lines, first))
    return replace(facts, directives=own)


@pytest.mark.parametrize(
    ("facts", "lines", "id", "remedy"),
    [
        (DEAF, ["restrict default noserve"], "sync.peer", OUT),
        (DEAF, ["restrict default ignore"], "sync.peer", WAIT),  # ours for `source` makes exceptions
        (DEAF, ["restrict source ignore"], "sync.peer", WAIT),  # and is not heard of where none are needed
        (DEAF, ["restrict 192.0.2.0/24 noserve"], "sync.peer", WAIT),
        (unled(minsane=6), ["tos minsane 5", "tos minsane 6"], "sync.peer", OUT),
        (SPLIT, ["tos minsane 6"], "sync.survivors", OUT),
        (host(peer(1, tally="x"), *BOARD.peers[1:], minsane=6), ["tos minsane 6"], "sync.survivors", OUT),
        (
            host(*reaching(255, 255, 255, 255, tally="x"), peer(5), minsane=3),
            [],
            "sync.survivors",
            "ntpjoin setup --survey",
        ),
        (host(leap=3), ["disable ntp"], "sync.peer", OUT),
        (host(leap=3), [], "sync.peer", WAIT),
        (host(), ["disable ntp"], "sync.offset", OUT),
        (host(offset_ms=None), ["enable ntp", "disable ntp monitor"], "sync.offset", OUT),
        (host(), ["disable ntp", "enable ntp"], "sync.offset", ""),
        (host(), ["disable monitor"], "sync.offset", ""),
        (host(offset_ms=400.0), ["tinker panic 0 step 0"], "sync.offset", OUT),
        (host(offset_ms=-400.0), ["tinker step 0.5"], "sync.offset", OUT),
        (
            host(offset_ms=400.0),
            ["tinker step 0", "tinker step 0.3"],
            "sync.offset",
            "systemctl restart ntpsec.service",
        ),
        (host(offset_ms=400.0), ["tinker step"], "sync.offset", "systemctl restart ntpsec.service"),
        (host(offset_ms=400.0), ["tinker step often"], "sync.offset", "systemctl restart ntpsec.service"),
    ],
)
def test_the_line_that_hinders_it_is_named_and_goes(facts: Facts, lines: list[str], id: str, remedy: str) -> None:  # noqa: A002
    check = told(lined(facts, *lines), id)
    assert check is not None
    assert check.remedy == remedy
    assert (check.state is CheckState.FAIL) == bool(remedy)
    assert (f"/x.conf:3: {lines[-1]}" in check.text) == (remedy == OUT) if lines else "/x.conf" not in check.text


def test_our_own_minsane_is_not_to_blame_where_sources_are_missing() -> None:
    check = told(unled(*reaching(255, 255, tally="+"), minsane=3), "sync.peer")
    assert check is not None
    assert (check.remedy, "tos" in check.text) == ("ntpjoin setup", False)


# --- a daemon that may not tell


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        (("restrict", "127.0.0.1", "noquery"), "take line 3 out of /x.conf, then: systemctl restart ntpsec.service"),
        (("unrestrict", "127.0.0.1"), "take line 3 out of /x.conf, then: systemctl restart ntpsec.service"),
    ],
)
def test_the_line_that_keeps_it_silent_is_what_goes(line: tuple[str, ...], remedy: str) -> None:
    facts = converged(daemon__board=Billboard(), directives=(Directive("/x.conf", 3, line),))
    check = told(facts, "sync.peer")
    assert check is not None
    assert (check.state, check.remedy) == (CheckState.UNKNOWN, remedy)
