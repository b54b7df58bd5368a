"""Whether a server's monitors had lost it and have it again: an outage that is over, not one of many. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ntpjoin.checks.scoring import IN_POOL, Step
from ntpjoin.look.pool import Checked
from ntpjoin.records import dataclass

#: So many good checks in a row, of each of most monitors, and it is well again.
WELL = 3
#: So many checks of each monitor tell of other outages, however many are known: some hours of an active one.
_KNOWN = 30
#: It has to have been well so many times as long as ever between two outages, or the next one is only waited for (ours).
_LONGER = 2


@dataclass(frozen=True)
class _Turn:
    """From then on most monitors found it well, or did not."""

    at_s: int
    well: bool


def well_again(checks: Sequence[Checked]) -> int:
    """How many of a monitor's newest checks are good in a row: each such that, were all like it, the server were in the pool."""
    bad = [number for number, check in enumerate(checks) if not _good(check)]
    return len(checks) - 1 - bad[-1] if bad else len(checks)


def is_over(own: Sequence[Sequence[Checked]]) -> bool:
    """By the checks of each monitor that counts, by time: most had lost it together, and have found it well throughout since then.

    Never of a server that only loses a check here and there, nor of one that is up and down in turn: that it is up says nothing
    then, unless it has been so for longer than it ever was.
    """
    turns = _turns([checks[-_KNOWN:] for checks in own])
    if len(turns) < 2 or not turns[-1].well:
        return False
    since_s = turns[-1].at_s
    if sum(_throughout(checks, since_s) for checks in own) * 2 <= len(own):
        return False
    # How long it had been well before the first outage that is known, nobody has seen.
    between = [after.at_s - one.at_s for one, after in zip(turns[1:], turns[2:]) if one.well]
    return max(checks[-1].at_s for checks in own) - since_s >= _LONGER * max(between, default=0)


def _throughout(checks: Sequence[Checked], since_s: int) -> bool:
    """Whether one monitor has found it well often enough, and never otherwise since then."""
    again = well_again(checks)
    return again >= WELL and again >= sum(check.at_s >= since_s for check in checks)


def _turns(own: Sequence[Sequence[Checked]]) -> list[_Turn]:
    """How it stood when most had checked it, and each time that this changed; two of four are no more than half, as in the score."""
    newest: dict[int, bool] = {}
    turns: list[_Turn] = []
    for check in sorted((check for checks in own for check in checks), key=lambda check: check.at_s):
        newest[check.monitor] = _good(check)
        well = sum(newest.values()) * 2 > len(newest)
        if len(newest) * 2 > len(own) and (not turns or turns[-1].well is not well):
            turns.append(_Turn(check.at_s, well))
    return turns


def _good(check: Checked) -> bool:
    return Step(check.step).limit >= IN_POOL
