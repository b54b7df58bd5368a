"""What a picture of a server's score is made of, be it drawn in characters or in lines: axes, their marks, runs without a gap."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from statistics import median

from ntpjoin.checks.scoring import BEST, IN_POOL
from ntpjoin.look.pool import Checked, Record
from ntpjoin.records import dataclass

#: Between the scores of one run: so many times the usual time, and an hour at least.
_GAP, _GAP_S = 4, 3600
#: How far up and down an axis of scores goes, and the part of it that lies below 0.
_TOP = BEST + 0.5
_WORST, _BELOW = (-10.0, -20.0, -50.0, -100.0, -200.0), 0.4
#: The axes of offsets: up to one of these, milliseconds. Some outliers do not decide which, of all and of the newest.
_BOUNDS_MS = (5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 3000.0)
_MOST_SHOWN, _LATE = 0.97, 40
#: Between two marks of a time axis, minutes.
_STEPS_MIN = (10, 30, 60, 120, 180, 360, 720, 1440, 2880, 10_080, 20_160)


@dataclass(frozen=True)
class Axis:
    """From `low` to `high`, with marks at these values. With a `bend` what lies below 0 takes that part of it."""

    low: float
    high: float
    marks: tuple[float, ...] = ()
    bend: float = 0.0

    def place(self, value: float) -> float:
        """Where on the axis, 0 at its low end, 1 at its high one; beyond them it is less or more."""
        if not self.bend:
            return (value - self.low) / (self.high - self.low)
        if value < 0:
            return self.bend * (1 - value / self.low)
        return self.bend + (1 - self.bend) * value / self.high


def times(record: Record, now_s: float) -> Axis:
    """From the first check to now; marks are set by `time_marks`."""
    rows = (*record.scores[:1], *record.checks[:1], *record.scores[-1:], *record.checks[-1:])
    first: float = min((row.at_s for row in rows), default=int(now_s) - 3600)
    last = max(now_s, *(row.at_s for row in rows), first + 600.0)
    return Axis(first, last)


def time_marks(axis: Axis, most: int) -> list[tuple[float, str]]:
    """Round times, no more than so many, each with its label: the time of day, at midnight the date. UTC."""
    span_min = (axis.high - axis.low) / 60
    step = next((one for one in _STEPS_MIN if span_min / one <= most), _STEPS_MIN[-1])
    size = step * 60
    first = -(-int(axis.low) // size) * size
    marks = []
    for at_s in range(first, int(axis.high) + 1, size):
        at = moment(at_s)
        marks.append((float(at_s), f"{at.day} {at:%b}" if (at.hour, at.minute) == (0, 0) else f"{at:%H:%M}"))
    return marks


def moment(at_s: float) -> datetime:
    """A time of day, in UTC."""
    return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=at_s)


def scores(record: Record) -> Axis:
    """From the worst to the best; what lies between 0 and the best is decided by, and has the more room."""
    worst = min((row.score for row in record.scores or record.checks), default=0.0)
    if worst >= 0:
        return Axis(0.0, _TOP, (0.0, 5.0, IN_POOL, 15.0, BEST))
    low = next((one for one in _WORST if one <= worst), math.floor(worst))
    return Axis(low, _TOP, (low, low / 2, 0.0, IN_POOL, BEST), _BELOW)


def offsets(record: Record) -> Axis:
    """Milliseconds, as far up as down; some outliers lie outside, but not what came of late."""
    known = [abs(row.offset_s) * 1000 for row in record.checks if row.offset_s is not None]
    most = max(_but_outliers(known), _but_outliers(known[-_LATE:]))
    bound = next((one for one in _BOUNDS_MS if one >= most), _BOUNDS_MS[-1])
    return Axis(-bound, bound, (-bound, -bound / 2, 0.0, bound / 2, bound))


def _but_outliers(values: Sequence[float]) -> float:
    return sorted(values)[int((len(values) - 1) * _MOST_SHOWN)] if values else 0.0


def longest_s(rows: Sequence[Checked]) -> float:
    """Between two of these rows nothing is missing unless it took longer than that."""
    gaps = [after.at_s - before.at_s for before, after in zip(rows, rows[1:])]
    return max(_GAP_S, _GAP * median(gaps)) if gaps else _GAP_S


def runs(rows: Sequence[Checked]) -> list[list[Checked]]:
    """Rows in pieces, one after the other without a gap."""
    most_s = longest_s(rows)
    found: list[list[Checked]] = []
    for row in rows:
        if found and row.at_s - found[-1][-1].at_s <= most_s:
            found[-1].append(row)
        else:
            found.append([row])
    return found
