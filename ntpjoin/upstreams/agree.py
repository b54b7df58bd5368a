"""Which clocks tell the truth: the intersection algorithm of RFC 5905, section 11.2.1, as ntpd and NTPsec have it.

They leave out the RFC's further condition, that the middles lie within as well: two good clocks 6 ms apart that are sure of
themselves to 5 ms would count as disagreeing. What is judged here is to be judged alike by the daemon that follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from ntpjoin.records import dataclass


@dataclass(frozen=True)
class Interval:
    """Where the true offset lies if a clock is right: its offset, give or take its root distance; seconds."""

    middle_s: float
    half_s: float

    @property
    def low_s(self) -> float:
        """The lower end."""
        return self.middle_s - self.half_s

    @property
    def high_s(self) -> float:
        """The upper end."""
        return self.middle_s + self.half_s

    def overlaps(self, other: Interval) -> bool:
        """Tell whether both may be right."""
        return self.low_s <= other.high_s and other.low_s <= self.high_s


def intersection(intervals: Sequence[Interval]) -> Optional[Interval]:
    """Find the interval, from its first point to its last, in which a majority may all be right; None without one.

    As few as possible are taken to be wrong, always fewer than half; to touch is not to agree.
    """
    count = len(intervals)
    for wrong in range((count + 1) // 2):
        low = _bound(sorted(one.low_s for one in intervals), sorted(one.high_s for one in intervals), count - wrong)
        if low is None:
            continue
        mirrored_lows = sorted(-one.high_s for one in intervals)
        mirrored_highs = sorted(-one.low_s for one in intervals)
        high = _bound(mirrored_lows, mirrored_highs, count - wrong)
        assert high is not None
        if low < -high:
            return Interval((low - high) / 2, (-high - low) / 2)
    return None


def _bound(lows: Sequence[float], highs: Sequence[float], needed: int) -> Optional[float]:
    """Find the lowest point that lies in `needed` intervals; ends belong to them."""
    for low in lows:
        begun = sum(other <= low for other in lows)
        over = sum(high < low for high in highs)
        if begun - over >= needed:
            return low
    return None
