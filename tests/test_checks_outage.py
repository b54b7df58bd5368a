"""Whether an outage is over, by what monitors saw: one of them, one of many, and none but a check lost here and there."""

from __future__ import annotations

import random

import pytest

from ntpjoin.checks.outage import is_over, well_again
from ntpjoin.look.pool import Checked

EVERY_S = 540
STEPS = {"+": 1.0, "~": 0.6, "-": -5.0, "/": 0.4}


def seen(pattern: str, monitor: int = 0) -> list[Checked]:
    """A check a character, of which `+` and `~` are good enough to be in the pool; the newest last, each monitor in its turn."""
    begin_s = 1_796_000_000 - len(pattern) * EVERY_S + monitor * EVERY_S // 7
    return [Checked(begin_s + n * EVERY_S, monitor, 0.0, STEPS[sign]) for n, sign in enumerate(pattern)]


def seven(pattern: str, *others: str) -> list[list[Checked]]:
    """What seven monitors saw: all the same, but for the last ones."""
    patterns = [pattern] * (7 - len(others)) + list(others)
    return [seen(one, monitor) for monitor, one in enumerate(patterns)]


@pytest.mark.parametrize(("pattern", "count"), [("", 0), ("-", 0), ("+", 1), ("--+++", 3), ("+-+~+", 3), ("+++/", 0)])
def test_what_is_good_in_a_row(pattern: str, count: int) -> None:
    assert well_again(seen(pattern)) == count


@pytest.mark.parametrize(
    ("pattern", "others", "over"),
    [
        ("++++++---+++", (), True),
        ("++++++---~~~", (), True),
        ("------------+++", (), True),
        ("++++++---++", (), False),
        ("++++++------", (), False),
        ("++++++++++++", (), False),  # there was none
        ("+++", (), False),
        ("++++++---+++", ("------------",) * 3, True),
        ("++++++---+++", ("------------",) * 4, False),
        ("++++++---+++", ("++++++---+-+",) * 3, True),
        ("++++++---++++++", ("++++++---++-+++",) * 4, False),  # since then, too
        ("+++++++++++-++++", ("++++++++++++++++",) * 4, False),  # three of seven are not the server's
    ],
)
def test_an_outage_is_over_where_most_have_found_it_well_since(
    pattern: str, others: tuple[str, ...], over: bool
) -> None:
    assert is_over(seven(pattern, *others)) is over


@pytest.mark.parametrize(
    ("pattern", "over"),
    [
        ("+++---+++---+++", False),
        ("+++---+++---++++++", False),
        ("+++---+++---++++++++", True),
        ("+++---+---+++", True),  # it was tried
        ("---+++---+++", False),
        ("++++++---+++---+++", False),
        ("---+++" + "-" * 40 + "+++", True),  # so long ago that it tells nothing
    ],
)
def test_one_that_is_up_and_down_in_turn_is_not_believed(pattern: str, over: bool) -> None:
    assert is_over(seven(pattern)) is over


def test_nobody_and_a_single_one() -> None:
    assert not is_over([])
    assert is_over([seen("++--+++")])


@pytest.mark.parametrize("count", [2, 4])
def test_half_of_them_is_not_most(count: int) -> None:
    """The score is the lower one of the two in the middle."""
    half = [seen("++++++---+++", one) for one in range(count // 2)]
    assert not is_over(half + [seen("++++++------", one) for one in range(count // 2, count)])
    assert is_over([seen("++++++---+++", one) for one in range(count)])


def test_checks_that_are_lost_at_random_are_no_outage() -> None:
    chance = random.Random(7)
    told = 0
    for _ in range(200):
        lossy = ["".join("-" if chance.random() < 0.15 else "+" for _ in range(30)) for _ in range(7)]
        told += is_over(seven(*lossy))
    assert told <= 10
