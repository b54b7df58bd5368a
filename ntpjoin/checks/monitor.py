"""Is this server looked at every day? Asked where that was wished for."""

from __future__ import annotations

from collections.abc import Iterator

from ntpjoin.facts import Facts
from ntpjoin.host.monitor import TIMER
from ntpjoin.model import Check, CheckState, Wish


def judge_monitor(facts: Facts, wish: Wish) -> Iterator[Check]:
    """Told only where it was wished for."""
    if not wish.monitor:
        return
    timer = facts.unit(TIMER)
    if timer.running and timer.enabled == "enabled":
        yield Check("monitor", CheckState.OK, f"{TIMER} checks daily")
        return
    wrong = "is not there" if not timer.exists else "does not run" if not timer.running else f"is {timer.enabled}"
    yield Check("monitor", CheckState.WARN, f"{TIMER} {wrong}: nobody checks daily", "ntpjoin setup")
