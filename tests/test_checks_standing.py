"""How servers stand that were scored by the pool's rules over simulated weeks: what is said of them, and whether it comes true."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from functools import cache
from typing import Optional

import pytest

from ntpjoin.checks.course import counted, course, score_of
from ntpjoin.checks.scoring import Outcome
from ntpjoin.checks.standing import Standing, judge, span, tenths, unknown, verdict
from ntpjoin.look import pool
from ntpjoin.look.pool import Checked, Monitor, Record
from ntpjoin.look.sites import BETA
from ntpjoin.model import CheckState
from tests import pool_site
from tests.pool_site import NOBODY, SILENT, Life, always, good, lossy, server, then

NOW = 1_796_000_000.0
H, DAY = 3600.0, 86400.0
#: So long it is known; after two days a score has forgotten how it began.
AGE, WEEKS = 2 * DAY, 21 * DAY
FOUR = "203.0.113.7"


def record(life: Life, *, age_s: float = AGE, statuses: Optional[dict[int, str]] = None, rows: int = 500) -> Record:
    """What the site would tell at this time of a server that was added so long ago, asked for so many rows."""
    found = server(FOUR, life, NOW - age_s, NOW, statuses)
    told = sorted(found.rows, key=lambda row: -row.at_s)[:rows]
    return pool.record(FOUR, pool_site.told(found, told))


def stands(life: Life, *, age_s: float = AGE, later_s: float = 60) -> Standing:
    return judge(FOUR, record(life, age_s=age_s), NOW + later_s)


DEAD = then((NOW - DAY, good()), (NOW, always(SILENT)))
BACK = then((NOW - DAY, good()), (NOW - 2.5 * H, always(SILENT)), (NOW, good()))
LIMITED = then((NOW - 0.3 * H, good()), (NOW, always(Outcome(error="RATE"))))
REFUSED = always(Outcome(error="DENY"))
OFF = then((NOW - 1.5 * H, good()), (NOW, always(Outcome(2, 0.12))))
FAR = always(Outcome(2, -4.0))
HIGH = always(Outcome(9, 0.0))


IN, OUT, NEVER = "in the pool; ", "not in the pool, which takes 10; ", "at this course it never comes to 10, but near "
COMES, LEAVES = "at this course it comes to 10 in about ", "at this course it leaves it "
GONE = "checked 3 h ago, not since"


@pytest.mark.parametrize(
    ("life", "age_s", "state", "score", "words"),
    [
        (good(), WEEKS, "ok", 20.0, f"{IN}steady; checked "),
        (good(20), AGE, "ok", 20.0, f"{IN}steady; checked "),
        (good(), 1.1 * H, "warn", 6.0, rf"{OUT}rising, \+5.0 in 6\d min; {COMES}5\d min"),
        (good(), 0.1 * H, "warn", 1.0, rf"{OUT}{COMES}1\d\d min; checked "),
        (DEAD, WEEKS, "fail", -100.0, f"{OUT}steady; {NEVER}-100; checked "),
        (BACK, AGE, "warn", -30.0, rf"{OUT}rising, \+2\d.\d in 6\d min; {COMES}\d h; checked "),
        (LIMITED, AGE, "warn", 11.2, rf"{IN}falling, -8.8 in 6\d min; {LEAVES}"),
        (REFUSED, AGE, "fail", -200.0, f"{OUT}steady; {NEVER}-200; "),
        (OFF, AGE, "warn", 16.0, f"{IN}falling, .*{LEAVES}"),
        (FAR, AGE, "fail", -80.0, f"{NEVER}-80; "),
        (HIGH, AGE, "fail", -80.0, f"{NEVER}-80; "),
        (lossy(0.02), WEEKS, "ok", None, IN),
        (lossy(0.5), AGE, "fail", None, NEVER),
        (then((NOW - 3 * H, good()), (NOW, always(NOBODY))), DAY, "warn", 20.0, f"{IN}steady; {GONE}"),
        (then((NOW - 3 * H, always(SILENT)), (NOW, always(NOBODY))), DAY, "fail", None, f"{OUT}steady; {GONE}"),
    ],
)
def test_what_is_said_after_weeks(life: Life, age_s: float, state: str, score: Optional[float], words: str) -> None:
    found = stands(life, age_s=age_s)
    assert re.search(words, found.text), found.text
    assert found.state.value == state
    if score is not None:
        assert found.score == pytest.approx(score, abs=1.5)
    assert found.score is not None
    assert found.in_pool is (found.score >= 10)
    assert found.text.count("; ") <= 4


def test_who_comes_needs_no_remedy_who_falls_does() -> None:
    assert stands(good(), age_s=1.1 * H).remedy == ""
    assert stands(BACK).remedy == ""
    for life in (DEAD, LIMITED, OFF, lossy(0.5)):
        assert stands(life).remedy == f"ntpjoin score --why {FOUR}"
    assert stands(lossy(0.02)).remedy == ""


def test_who_is_no_longer_checked_may_have_been_deleted() -> None:
    """Its monitors stop on that day, and its last scores are told for four more."""
    for before in (good(), always(SILENT)):
        found = stands(then((NOW - 3 * H, before), (NOW, always(NOBODY))))
        assert found.remedy == f"see whether it was deleted: https://www.ntppool.org/scores/{FOUR}"


def test_who_is_in_hears_of_those_that_would_not_have_him() -> None:
    well = good()

    def life(at_s: float, monitor: int) -> Outcome:
        return SILENT if monitor in (101, 102) else well(at_s, monitor)

    found = stands(life)
    assert found.text.endswith("by 7 monitors, 2 of which give less than 10")
    assert (found.state, found.remedy) == (CheckState.OK, f"ntpjoin score --why {FOUR}")


# --- whether it comes true


def crosses(life: Life, age_s: float) -> tuple[Optional[float], Optional[float]]:
    """When the course says that the score crosses 10, and when it does, if everything goes on; seconds from now."""
    ahead = course(record(life, age_s=age_s))
    assert ahead is not None
    rows = [row for row in server(FOUR, life, NOW - age_s, NOW + 2 * DAY).rows if row.monitor == pool_site.SCORER]
    now_in = [row.score >= 10 for row in rows if row.at_s <= NOW][-1]
    newest_s = max(row.at_s for row in rows if row.at_s <= NOW)
    came = next((row.at_s - newest_s for row in rows if row.at_s > NOW and (row.score >= 10) is not now_in), None)
    return ahead.crosses_s, came


@pytest.mark.parametrize("age_min", [15, 30, 45, 60, 90, 115])
def test_a_new_server_comes_when_it_was_said(age_min: int) -> None:
    said, came = crosses(good(), age_min * 60)
    assert said == pytest.approx(came, abs=8 * 60)


@pytest.mark.parametrize("back_min", [36, 45, 60])
@pytest.mark.parametrize("minutes", [30, 60, 240])
def test_a_server_that_was_away_is_back_when_it_was_said(minutes: int, back_min: int) -> None:
    """From the third good check of most of its monitors on: those before say nothing of how it goes on."""
    back_s = NOW - back_min * 60
    life = then((back_s - minutes * 60, good()), (back_s, always(SILENT)), (NOW, good()))
    said, came = crosses(life, AGE)
    assert said == pytest.approx(came, rel=0.25, abs=12 * 60)


@pytest.mark.parametrize("minutes", [10, 27, 60, 600])
def test_a_mended_server_is_never_said_not_to_come(minutes: int) -> None:
    """At each of its monitors' checks, from the third good one of each on."""
    back_s = NOW - 3 * H
    found = record(then((back_s - minutes * 60, good()), (back_s, always(SILENT)), (NOW, good())))
    for row in found.scores:
        if row.at_s > back_s + 29 * 60:
            then_stood = until(found, row.at_s)
            assert then_stood.in_pool or then_stood.coming, then_stood.text


def turning(up_min: int, down_min: int) -> Life:
    """Up and down in turn."""
    well = good()
    return lambda at_s, monitor: SILENT if at_s % ((up_min + down_min) * 60) >= up_min * 60 else well(at_s, monitor)


@pytest.mark.parametrize(("up_min", "down_min"), [(30, 30), (40, 20), (45, 15), (27, 60), (30, 120), (20, 20)])
def test_a_server_that_is_up_and_down_in_turn_is_not_coming_while_it_is_up(up_min: int, down_min: int) -> None:
    """Three good checks of each monitor end each time that it is up, and the score never comes to 10."""
    found = record(turning(up_min, down_min), rows=2000)
    for row in found.scores:
        if row.at_s > NOW - 3 * H:
            then_stood = until(found, row.at_s)
            assert (then_stood.in_pool, then_stood.coming) == (False, False), then_stood.text
            assert "at this course it never comes to 10" in then_stood.text


@pytest.mark.parametrize("outcome", [Outcome(2, 0.2), Outcome(2, 0.12), Outcome(2, 0.4)])
def test_a_server_that_goes_wrong_leaves_when_it_was_said(outcome: Outcome) -> None:
    life = then((NOW - 1.05 * H, good()), (NOW, always(outcome)))
    said, came = crosses(life, AGE)
    assert said == pytest.approx(came, rel=0.25, abs=12 * 60)


@pytest.mark.parametrize("life", [good(), DEAD, REFUSED, FAR, good(20)])
def test_who_stays_is_not_said_to_cross(life: Life) -> None:
    assert crosses(life, AGE) == (None, None)


def until(found: Record, at_s: int, behind: int = 0) -> Standing:
    """How it stood then; its score without so many of its newest rows: it had not been put together since."""
    scores = tuple(row for row in found.scores if row.at_s <= at_s)
    checks = tuple(check for check in found.checks if check.at_s <= at_s)
    return judge(FOUR, replace(found, scores=scores[: len(scores) - behind], checks=checks), at_s + 20)


@pytest.mark.parametrize("rows", range(1, 6))
def test_a_new_server_whose_score_is_behind_its_monitors_is_coming(rows: int) -> None:
    found = record(good(), age_s=3 * H)
    for row in found.scores[40:]:
        then_stood = until(found, row.at_s, rows)
        assert (then_stood.state, "never" in then_stood.text) == (CheckState.WARN, False), then_stood.text
        assert then_stood.in_pool or (then_stood.coming and verdict([then_stood]) == 5)


def test_what_has_come_but_is_not_told_yet_may_be_told_at_any_moment() -> None:
    """Nobody has to wait for it: all that is missing is that the score is put together."""
    found = record(good(), age_s=3 * H)
    came = next(row for row in found.scores if row.score >= 10)
    then_stood = until(found, came.at_s, 1)
    assert not then_stood.in_pool
    assert "; at this course it comes to 10 at any moment; " in then_stood.text
    assert (then_stood.crosses_s, then_stood.remedy) == (0.0, "")


def test_what_has_gone_but_is_not_told_yet_is_told_alike() -> None:
    found = record(then((NOW - 0.5 * H, good()), (NOW, always(SILENT))))
    gone = next(row for row in found.scores if row.at_s > NOW - 0.5 * H and row.score < 10)
    then_stood = until(found, gone.at_s, 1)
    assert then_stood.text.startswith("in the pool; falling, ")
    assert "; at this course it leaves it at any moment; " in then_stood.text
    assert (then_stood.state, then_stood.crosses_s) == (CheckState.WARN, 0.0)


def test_who_comes_later_than_anybody_foresees_is_not_said_never_to_come() -> None:
    rows = tuple(Checked(int(NOW) - 2700 * n, 1, 9.0, 0.5000001) for n in range(9, -1, -1))
    found = judge(FOUR, Record(FOUR, (Monitor(1, "x", "testing", 9.0),), (), rows), NOW)
    assert found.course is not None
    assert found.course.limit >= 10
    assert "at this course it does not come to 10 within 7 days" in found.text
    assert (found.state, found.coming) == (CheckState.FAIL, False)


def test_the_limit_is_what_comes_of_it() -> None:
    for loss in (0.3, 0.6):
        ahead = course(record(lossy(loss)))
        assert ahead is not None
        assert ahead.limit == pytest.approx(20 * (1 - loss) - 100 * loss, abs=25)
    steady = course(record(always(Outcome(2, 0.05))))
    assert steady is not None
    assert steady.limit == pytest.approx(16.7, abs=0.1)


# --- what an answer was worth


@pytest.mark.parametrize(
    ("outcome", "counts"),
    [
        (Outcome(16, 0.0003, error="bad stratum 16 (referenceID: 0x494e4954, INIT)"), False),
        (Outcome(0, -0.004, error="DENY"), False),
        (Outcome(0, 0.0, error="untrusted zero offset"), False),
        (Outcome(9, 0.001), False),
        (SILENT, False),
        *(
            (Outcome(2, off_s), True)
            for off_s in (0.0, 0.0249, -0.026, 0.0999, 0.1001, -0.3, 0.749, -0.751, 2.9, 3.1, -7200.0)
        ),
    ],
)
def test_an_offset_that_did_not_count_is_not_told(outcome: Outcome, counts: bool) -> None:
    """Of stratum 16 and of a kiss the site's rows have one, too: no picture shall show it as full points."""
    found = stands(always(outcome)).record
    assert found is not None
    assert {check.offset_s for check in found.checks} == {outcome.offset_s if counts else None}
    assert all((check.rtt_ms is None) is not counts for check in found.checks)


# --- which monitors count


def monitors(*statuses: str) -> dict[int, str]:
    return {101 + number: status for number, status in enumerate(statuses)}


@pytest.mark.parametrize(
    ("statuses", "counting"),
    [
        (("active", "active", "testing"), {101, 102}),
        (("testing", "testing", "candidate"), {101, 102}),
        (("candidate", "candidate"), {101, 102}),
    ],
)
def test_the_active_ones_make_the_score_else_those_that_may_be_later(
    statuses: tuple[str, ...], counting: set[int]
) -> None:
    found = record(good(), age_s=DAY, statuses=monitors(*statuses))
    assert {one.id for one in counted(found)} == counting


def test_one_that_has_not_checked_for_long_does_not_count() -> None:
    well = good()

    def life(at_s: float, monitor: int) -> Outcome:
        return NOBODY if monitor == 101 and at_s > NOW - 0.5 * H else well(at_s, monitor)

    found = record(life, age_s=DAY)
    assert {one.id for one in counted(found)} == {102, 103, 104, 105, 106, 107}


def test_one_that_has_never_checked_does_not_count_however_early_it_is() -> None:
    """The site tells of a monitor without a row, and has the time wrong by half a century."""
    two = (Monitor(1, "x", "active", 1.0), Monitor(2, "y", "active", 1.0))
    found = Record(FOUR, two, (), (Checked(100, 1, 1.0, 1.0),))
    assert counted(found) == two[:1]
    assert judge(FOUR, found, 200).score == 1.0


@pytest.mark.parametrize("count", range(1, 8))
def test_the_score_is_the_lower_middle_of_those_that_count(count: int) -> None:
    """The pool's own rows and what is made of the checks where there are none agree."""
    well = good()

    def life(at_s: float, monitor: int) -> Outcome:
        return SILENT if (monitor + int(at_s) // 600) % 5 == 0 else well(at_s, monitor)

    found = record(life, age_s=DAY, statuses=monitors(*["active"] * count))
    assert score_of(found) == score_of(replace(found, scores=()))


def test_who_has_only_a_score_and_no_checks_has_no_course() -> None:
    only = Record(FOUR, (), (Checked(int(NOW), 24, 12.0, 1.0),), ())
    found = judge(FOUR, only, NOW)
    assert (found.score, found.course, found.state) == (12.0, None, CheckState.WARN)
    assert found.text == "in the pool; checked 0 s ago"


def test_a_monitor_that_checks_all_the_time_does_not_keep_us() -> None:
    rows = tuple(Checked(int(NOW) - 50 + n, 1, 9.99, 0.5000001) for n in range(50))
    found = course(Record(FOUR, (Monitor(1, "x", "active", 9.99),), (), rows))
    assert found is not None
    assert found.limit == pytest.approx(10, abs=0.01)


# --- others


def test_who_is_not_registered_fails_and_why_where_that_is_known() -> None:
    found = judge("8.8.8.8", None, NOW)
    assert (found.state, found.text) == (CheckState.FAIL, "not registered in the pool")
    assert "https://manage.ntppool.org/" in found.remedy
    private = judge("10.0.0.1", None, NOW)
    assert (private.text, private.remedy) == ("not registered: it is a private address (RFC 1918)", "")


def test_what_to_type_is_for_the_system_that_was_asked() -> None:
    assert judge("8.8.8.8", None, NOW, site=BETA).remedy == "register it: https://manage.beta.grundclock.com/manage"
    assert judge("8.8.8.8", None, NOW, site="https://pool.example").remedy == ""
    assert judge(FOUR, record(DEAD), NOW, site=BETA).remedy == f"ntpjoin score --site {BETA} --why {FOUR}"


def test_who_was_not_checked_for_days_may_be_new_or_gone() -> None:
    """What the site has for programs is the same for all three; its page for people tells."""
    found = judge(FOUR, Record(FOUR, (), (), ()), NOW)
    words = "not checked in the last four days: it is new, was deleted, or is no longer monitored"
    assert (found.state, found.text, found.coming) == (CheckState.UNKNOWN, words, False)
    assert (found.remedy, found.score) == (f"see which: https://www.ntppool.org/scores/{FOUR}", None)
    elsewhere = judge(FOUR, Record(FOUR, (), (), ()), NOW, site="https://pool.example")
    assert elsewhere.remedy == f"see which: https://pool.example/scores/{FOUR}"
    assert verdict([found]) == 3
    assert verdict([found, standing("coming")]) == 3


@pytest.mark.parametrize(("ago_s", "words"), [(200, "3 min"), (-30, "0 s"), (3 * DAY, "3 days")])
def test_who_has_just_been_registered_is_said_to_be_new(ago_s: float, words: str) -> None:
    found = judge(FOUR, Record(FOUR, (), (), (), int(NOW - ago_s)), NOW)
    assert (found.state, found.text) == (CheckState.UNKNOWN, f"registered {words} ago, and not checked since")
    assert found.remedy.endswith(f"see whether it was deleted: https://www.ntppool.org/scores/{FOUR}")
    assert verdict([found]) == 3


def test_who_was_checked_by_others_only_is_not_said_not_to_have_been_checked() -> None:
    checks = (Checked(int(NOW) - 60, 1, 1.0, 1.0),)
    found = judge(FOUR, Record(FOUR, (Monitor(1, "x", "pending", 1.0),), (), checks), NOW)
    assert (found.state, found.text) == (CheckState.UNKNOWN, "checked, but by no monitor of which a score is made")


def test_what_is_said_counts_from_now() -> None:
    now, later = (stands(good(), age_s=H, later_s=later_s).crosses_s for later_s in (60, 31 * 60))
    assert now is not None
    assert later is not None
    assert now - later == pytest.approx(30 * 60)
    assert "at this course it comes to 10 at any moment" in stands(good(), age_s=H, later_s=110 * 60).text


def test_a_clock_that_is_behind_is_told() -> None:
    found = judge(FOUR, record(good()), NOW - 2 * H)
    assert found.text == "in the pool; steady; checked by 7 monitors, in the future by this clock"


#: How it stands in a word, and what a single one that stands so makes of the exit code.
CODES = {"in": 0, "coming": 5, "out": 1, "unknown": 3}


@cache
def standing(word: str) -> Standing:
    lives = {"in": (good(), AGE), "coming": (good(), H), "out": (DEAD, AGE)}
    return stands(lives[word][0], age_s=lives[word][1]) if word in lives else unknown(FOUR, "no answer")


@pytest.mark.parametrize("names", [pair for n in (1, 2, 3, 4) for pair in itertools.combinations(CODES, n)])
def test_the_exit_code_is_of_the_worst(names: tuple[str, ...]) -> None:
    worst = [1, 3, 5, 0]
    codes = [CODES[name] for name in names]
    assert verdict([standing(name) for name in names]) == min(codes, key=worst.index)


def test_a_stale_score_that_is_high_is_a_warning() -> None:
    found = stands(good(), later_s=3 * H)
    assert (found.state, verdict([found]), found.course) == (CheckState.WARN, 0, None)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (119, "2 min"), (7199, "120 min"), (7200, "2 h"), (259_200, "3 days")],
)
def test_how_long_in_words(seconds: float, words: str) -> None:
    assert span(seconds) == words


@pytest.mark.parametrize(
    ("score", "words"),
    [
        (20.0, "20.0"),
        (19.97, "20.0"),
        (15.0, "15.0"),
        (14.9999999, "14.9"),
        (10.0, "10.0"),
        (9.97, "9.9"),
        (9.94, "9.9"),
        (0.3, "0.3"),
        (-0.0, "0.0"),
        (-0.04, "0.0"),
        (-0.06, "-0.1"),
        (-100.0, "-100.0"),
    ],
)
def test_a_score_does_not_look_as_if_it_were_where_it_is_not_yet(score: float, words: str) -> None:
    assert tenths(score) == words
