"""The pool's score, as its monitors count it: a step for each check, a cap on some, and where that leads. Pure.

Sources, of the project ntppool/monitor: the steps and caps are those of `scorer/statusscore/statusscore.go`, the score is put
together in `server/submitresults.go`, a check is made in `client/monitor/monitor.go`, how often in `server/functions.go`. The
threshold is `score_raw >= 10` in `lib/NP/Model/Zone.pm` of abh/ntppool.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Optional

from ntpjoin.records import dataclass

#: What is left of a score at the next check, before the step is added; and the score from which on a server is in the pool.
KEPT, IN_POOL = 0.95, 10.0
#: What a server that loses no points comes to; a new one begins at 0.
BEST, NEW = 20.0, 0.0

#: A check: so many packets, so far apart, each waited for so long.
SAMPLES, GAP_S, TIMEOUT_S = 3, 2.0, 3.0
#: Between two checks of a server by a monitor that is active there, and by one that is being tested.
ACTIVE_S, TESTING_S = 540.0, 2700.0

#: Offsets, in seconds: full points up to the first one; from the third on none that depend on it, from the last one a cap.
OFFSET_FULL_S, OFFSET_STEEP_S, OFFSET_FAR_S, OFFSET_LOST_S = 0.025, 0.100, 0.750, 3.0
#: From the first stratum on no points; above the second one a monitor takes it for an error, as 0 and 16.
STRATUM_BAD, STRATUM_MOST = 8, 10


@dataclass(frozen=True)
class Outcome:
    """What a monitor tells of one check: no response at all, or of its best sample stratum and offset, or the text of an error.

    The text of a kiss-o'-death is its code, at stratum 0. With an error, and without a response, the offset means nothing.
    """

    stratum: int = 0
    offset_s: Optional[float] = None
    error: str = ""
    no_response: bool = False


@dataclass(frozen=True)
class Step:
    """What is added to a score at a check, and the `cap` that it may not exceed then, where there is one."""

    points: float
    cap: Optional[float] = None

    def after(self, score: float) -> float:
        """The score after one check more."""
        return self._capped(score * KEPT + self.points)

    @property
    def limit(self) -> float:
        """What the score comes near to where every check ends so."""
        return self._capped(self.points / (1 - KEPT))

    def _capped(self, score: float) -> float:
        return score if self.cap is None else min(score, self.cap)


_SILENT = Step(-5.0)
_ERROR = Step(-4.0)
#: By the code of a kiss-o'-death; and for a stratum of 0 that no text explains.
_KISSES = {"RATE": Step(-3.5), "DENY": Step(-10.0, -50.0), "RSTR": Step(-10.0, -50.0)}
_UNEXPLAINED = Step(-2.0, 5.0)
_UNEXPLAINED_TEXTS = ("", "untrusted zero offset")


def step(outcome: Outcome) -> Step:
    """The step for what a check has come to."""
    if outcome.no_response:
        return _SILENT
    if outcome.stratum == 0:
        return _UNEXPLAINED if outcome.error in _UNEXPLAINED_TEXTS else _KISSES.get(outcome.error, _ERROR)
    if outcome.error or outcome.offset_s is None:
        return _ERROR
    off_s = abs(outcome.offset_s)
    if off_s > OFFSET_LOST_S:
        return Step(-4.0, -20.0)
    return _ERROR if outcome.stratum >= STRATUM_BAD else Step(_points(off_s))


def _points(off_s: float) -> float:
    """For a clock that is off by so much, up to 3 s."""
    if off_s > OFFSET_FAR_S:
        return -2.0
    if off_s > OFFSET_STEEP_S:
        return -2.308 * off_s + 0.731
    if off_s > OFFSET_FULL_S:
        return min(1.0, -6.667 * off_s + 1.167)  # at its beginning the line lies a little above 1
    return 1.0


def course(taken: Step, score: float = NEW) -> Iterator[float]:
    """The score after one check, two, and so on without end, where every one ends so."""
    while True:
        score = taken.after(score)
        yield score


def checks_until(taken: Step, threshold: float = IN_POOL, score: float = NEW) -> Optional[int]:
    """How many checks that end so it takes to come up to the threshold, or to fall below it; None where that never happens."""
    rises = score < threshold
    for number, after in enumerate(course(taken, score), 1):
        if (after >= threshold) is rises:
            return number
        if after == score or (after > score) is not rises:
            break  # it is at its limit, or goes the other way
        score = after
    return None
