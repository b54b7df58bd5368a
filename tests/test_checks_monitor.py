"""Whether somebody looks every day, where that was wished for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ntpjoin.checks.monitor import judge_monitor
from ntpjoin.facts import Unit
from ntpjoin.host.monitor import TIMER
from tests.sample import WISH, converged

WATCHED = replace(WISH, monitor=True)
RUNS = Unit(TIMER, "loaded", "enabled", "active", "waiting")


@pytest.mark.parametrize(
    ("timer", "state", "words"),
    [
        (RUNS, "ok", "checks daily"),
        (Unit(TIMER), "warn", "is not there"),
        (replace(RUNS, active="inactive"), "warn", "does not run"),
        (replace(RUNS, enabled="disabled"), "warn", "is disabled"),
    ],
)
def test_the_timer_runs_and_will_after_a_reboot(timer: Unit, state: str, words: str) -> None:
    [check] = judge_monitor(converged(units={TIMER: timer}), WATCHED)
    assert (check.id, check.state.value) == ("monitor", state)
    assert words in check.text
    assert bool(check.remedy) is (state != "ok")


def test_nobody_asks_where_it_was_not_wished_for() -> None:
    assert not list(judge_monitor(converged(units={TIMER: RUNS}), WISH))
