"""Where a server's score goes if its monitors go on as in their last checks, by the pool's own rules. Pure.

The score is the median of those monitors that checked lately: of ntppool/monitor, `scorer/recentmedian/median.go`.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from statistics import fmean, median, median_low
from typing import Optional

from ntpjoin.checks.outage import WELL, is_over, well_again
from ntpjoin.checks.scoring import ACTIVE_S, IN_POOL, TESTING_S, Step
from ntpjoin.look.pool import Checked, Monitor, Record
from ntpjoin.records import dataclass

#: Whose scores count: the first of these that have checked within so many seconds.
_COUNTED = (({"active"}, 1200), ({"active", "testing"}, 2700), ({"candidate", "testing"}, 7200))
#: So many checks of a monitor tell how it goes on: an hour of an active one.
_RECENT = 6
#: Nobody checks a server more often than that; nobody foresees more than that.
_LEAST_S, FAR_S = 60.0, 7 * 86400.0


@dataclass(frozen=True)
class Course:
    """The score comes near `limit`; on its way there it is in the pool, or out of it, so many seconds after the newest check.

    None where that is never so, or later than anybody foresees.
    """

    limit: float
    crosses_s: Optional[float]


@dataclass(frozen=True)
class _Way:
    """One monitor: what it gave last and when, and what it goes on giving, how often."""

    score: float
    at_s: int
    step: Step
    every_s: float


def counted(record: Record) -> tuple[Monitor, ...]:
    """The monitors that make the score now."""
    last = {check.monitor: check.at_s for check in record.checks}
    newest = record.newest_s or 0
    for statuses, within_s in _COUNTED:
        found = tuple(
            one
            for one in record.monitors
            if one.status in statuses and one.id in last and last[one.id] >= newest - within_s
        )
        if found:
            return found
    return ()


def score_of(record: Record) -> Optional[float]:
    """The score now; where the pool has not put one together, as it would. None before the first check."""
    if record.scores:
        return record.scores[-1].score
    return median_low(scores_of(record)) if counted(record) else None


def scores_of(record: Record) -> tuple[float, ...]:
    """What the monitors that make the score now give, each its newest."""
    return tuple(way.score for way in _ways(record))


def course(record: Record) -> Optional[Course]:
    """From the score that is told, where its monitors take it. None where too little is known."""
    ways, now = _ways(record), score_of(record)
    if not ways or now is None:
        return None
    limit = median_low(way.step.limit for way in ways)
    ends_in = limit >= IN_POOL
    if (now >= IN_POOL) is ends_in:
        return Course(limit, None)
    # The score is put together after a check: it may be behind its monitors, and these there already.
    there = (median_low(way.score for way in ways) >= IN_POOL) is ends_in
    return Course(limit, 0.0 if there else _crosses_s(ways))


def _ways(record: Record) -> list[_Way]:
    makers = {one.id: one for one in counted(record)}
    own: dict[int, list[Checked]] = {number: [] for number in makers}
    for check in record.checks:
        if check.monitor in own:
            own[check.monitor].append(check)
    over = is_over(list(own.values()))
    return [_way(makers[number], _telling(checks, over=over)) for number, checks in own.items()]


def _telling(checks: Sequence[Checked], *, over: bool) -> Sequence[Checked]:
    """Those that tell how a monitor goes on; where an outage is over, only those since, if they are enough."""
    again = well_again(checks) if over else 0
    return checks[-min(again, _RECENT) :] if again >= WELL else checks[-_RECENT:]


def _way(monitor: Monitor, checks: Sequence[Checked]) -> _Way:
    gaps = [after.at_s - before.at_s for before, after in zip(checks, checks[1:])]
    usual_s = ACTIVE_S if monitor.status == "active" else TESTING_S
    every_s = max(_LEAST_S, median(gaps)) if gaps else usual_s
    return _Way(checks[-1].score, checks[-1].at_s, Step(fmean(check.step for check in checks)), every_s)


def _crosses_s(ways: Sequence[_Way]) -> Optional[float]:
    """Let every monitor check on in its turn until the median is on the other side."""
    scores = [way.score for way in ways]
    was_in = median_low(scores) >= IN_POOL
    now_s = max(way.at_s for way in ways)
    due = [(way.at_s + way.every_s, number) for number, way in enumerate(ways)]
    heapq.heapify(due)
    while due[0][0] - now_s < FAR_S:
        at_s, number = due[0]
        scores[number] = ways[number].step.after(scores[number])
        if (median_low(scores) >= IN_POOL) is not was_in:
            return max(0.0, at_s - now_s)
        heapq.heapreplace(due, (at_s + ways[number].every_s, number))
    return None
