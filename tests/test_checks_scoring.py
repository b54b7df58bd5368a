"""The pool's score: the table of steps, caps and limits, row by row, and courses that are worked out here once more.

The numbers are those of the project ntppool/monitor (scorer/statusscore/statusscore.go, server/submitresults.go), read, not run.
"""

from __future__ import annotations

import random
from itertools import islice
from typing import Optional

import pytest

from ntpjoin.checks.scoring import BEST, IN_POOL, Outcome, Step, checks_until, course, step

SILENT = Outcome(no_response=True)


def off(milliseconds: float, stratum: int = 2) -> Outcome:
    return Outcome(stratum, milliseconds / 1000)


#: What a monitor tells, the step, the cap, and where the score goes: step / 0.05.
TABLE: list[tuple[Outcome, float, Optional[float], float]] = [
    (SILENT, -5, None, -100),
    (Outcome(2, 0.0, "network: i/o timeout", no_response=True), -5, None, -100),
    (Outcome(0, None, "RATE"), -3.5, None, -70),
    (Outcome(0, 0.0, "RSTR"), -10, -50, -200),
    (Outcome(0, 0.0, "DENY"), -10, -50, -200),
    (Outcome(0, 0.0, ""), -2, 5, -40),
    (Outcome(0, None, "untrusted zero offset"), -2, 5, -40),
    (Outcome(0, 0.0, "INIT"), -4, None, -80),
    (Outcome(0, 0.0, "bad stratum 0 (referenceID: 0x0, )"), -4, None, -80),
    (Outcome(16, 0.0, "bad stratum 16 (referenceID: 0x0, )"), -4, None, -80),
    (Outcome(11, 0.0, "bad stratum 11"), -4, None, -80),
    (Outcome(2, None), -4, None, -80),
    (off(3000.001), -4, -20, -80),
    (off(-86_400_000), -4, -20, -80),
    (off(4000, stratum=9), -4, -20, -80),
    (off(0, stratum=8), -4, None, -80),
    (off(3000, stratum=10), -4, None, -80),
    (off(0, stratum=7), 1, None, 20),
    (off(3000), -2, None, -40),
    (off(-750.001), -2, None, -40),
    (off(750), -1, None, -20),
    (off(400), -0.1922, None, -3.844),
    (off(317), -0.000636, None, -0.01272),
    (off(200), 0.2694, None, 5.388),
    (off(100.001), 0.500198, None, 10.00395),
    (off(100), 0.5003, None, 10.006),
    (off(-75), 0.666975, None, 13.3395),
    (off(50), 0.83365, None, 16.673),
    (off(25.001), 1, None, 20),
    (off(25.1), 0.999658, None, 19.99317),
    (off(25), 1, None, 20),
    (off(-25), 1, None, 20),
    (off(0, stratum=1), 1, None, 20),
]


@pytest.mark.parametrize(("outcome", "points", "cap", "limit"), TABLE)
def test_the_table(outcome: Outcome, points: float, cap: Optional[float], limit: float) -> None:
    taken = step(outcome)
    assert taken.points == pytest.approx(points, abs=1e-6)
    assert taken.cap == cap
    assert taken.limit == pytest.approx(limit, abs=1e-4)


def scored(score: float, points: float, cap: Optional[float]) -> float:
    score = score * 95 / 100 + points
    return score if cap is None or score < cap else cap


@pytest.mark.parametrize(("outcome", "points", "cap", "limit"), TABLE)
@pytest.mark.parametrize("begins", [-100, 0, 20])
def test_a_course_is_the_sum_of_its_steps_and_ends_at_its_limit(
    outcome: Outcome, points: float, cap: Optional[float], limit: float, begins: float
) -> None:
    told = list(islice(course(step(outcome), begins), 400))
    score = begins
    for after in told:
        score = scored(score, points, cap)
        assert after == pytest.approx(score, abs=1e-4)
    assert told[-1] == pytest.approx(limit, abs=1e-4)


GOOD, ERROR, RATE = step(off(0)), step(Outcome(2, None)), step(Outcome(0, None, "RATE"))


def test_from_nothing_to_20_and_to_minus_100_and_back() -> None:
    up = list(islice(course(GOOD), 200))
    assert up[12] < 10 <= up[13]  # 14 checks
    assert up[70] < 19.5 <= up[71]
    assert up == pytest.approx([20 * (1 - 0.95**checks) for checks in range(1, 201)])
    assert up[-1] < BEST

    down = list(islice(course(step(SILENT), up[-1]), 300))
    assert down[:2] == pytest.approx([14.0, 8.3], abs=0.01)  # the second timeout is one too many
    assert down[-1] == pytest.approx(-100, abs=0.001)

    back = list(islice(course(GOOD, down[-1]), 60))
    assert back[47] < IN_POOL <= back[48]  # 49 checks


@pytest.mark.parametrize(
    ("taken", "begins", "told"),
    [
        (ERROR, 20, [15.0, 10.25, 5.7375]),
        (RATE, 20, [15.5, 11.225, 7.16375]),
        (Step(-10, -50), 20, [-50, -57.5]),
        (Step(-2, 5), 20, [5, 2.75]),
        (Step(-4, -20), 20, [-20, -23]),
    ],
)
def test_how_fast_it_falls(taken: Step, begins: float, told: list[float]) -> None:
    assert list(islice(course(taken, begins), len(told))) == pytest.approx(told)


@pytest.mark.parametrize(
    ("taken", "begins", "checks"),
    [
        (GOOD, 0, 14),
        (GOOD, -50, 38),
        (GOOD, -100, 49),
        (step(off(75)), 0, 27),
        (step(off(100)), 0, 145),
        (step(off(101)), 0, None),
        (step(off(200)), 0, None),
        (step(SILENT), 0, None),
        (step(SILENT), 20, 2),
        (step(SILENT), -200, None),
        (ERROR, 20, 3),
        (RATE, 20, 3),
        (Step(-10, -50), 20, 1),
        (GOOD, 20, None),
        (GOOD, 15, None),
        (Step(0.5), 0, None),  # its limit is 10 itself
        (Step(0.5), 20, None),
    ],
)
def test_how_many_checks_until_it_is_in_the_pool_or_out_of_it(
    taken: Step, begins: float, checks: Optional[int]
) -> None:
    assert checks_until(taken, score=begins) == checks


def test_at_the_threshold_it_is_in() -> None:
    assert checks_until(Step(10), score=0) == 1
    assert checks_until(Step(-5), score=10) == 1


def expected(outcome: Outcome) -> tuple[float, Optional[float]]:
    """The table once more, as sentences."""
    if outcome.no_response:
        return -5, None
    if outcome.stratum == 0 and outcome.error == "RATE":
        return -3.5, None
    if outcome.stratum == 0 and outcome.error in ("RSTR", "DENY"):
        return -10, -50
    if outcome.stratum == 0 and not outcome.error:
        return -2, 5
    if outcome.error or outcome.offset_s is None:
        return -4, None
    x = abs(outcome.offset_s)
    if x > 3:
        return -4, -20
    if outcome.stratum >= 8:
        return -4, None
    if x > 0.75:
        return -2, None
    if x > 0.1:
        return -2.308 * x + 0.731, None
    return (min(1, -6.667 * x + 1.167) if x > 0.025 else 1), None


def test_whatever_is_measured_is_in_the_table_and_never_more_than_full_points() -> None:
    dice = random.Random(7)
    for _ in range(5000):
        outcome = Outcome(
            dice.choice([0, 1, 2, 7, 8, 10, 11, 16]),
            dice.choice([None, dice.uniform(-0.2, 0.2), dice.uniform(-4, 4)]),
            dice.choice(["", "", "", "RATE", "DENY", "RSTR", "INIT", "bad stratum"]),
            no_response=dice.random() < 0.1,
        )
        points, cap = expected(outcome)
        taken = step(outcome)
        assert taken.points == pytest.approx(points)
        assert taken.cap == cap
        assert taken.points <= 1
