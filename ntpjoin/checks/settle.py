"""Waiting for the daemon to find its time: a second look at the host that comes again and again."""

from __future__ import annotations

from time import monotonic, sleep
from typing import Optional

from ntpjoin.board import Billboard
from ntpjoin.checks.sync import OFFSET_FAIL_S
from ntpjoin.look.daemon import look_billboard
from ntpjoin.model import Event, Tell


def settle(limit_s: float, tell: Tell, minsane: Optional[int]) -> Billboard:
    """Wait until the daemon has settled and slewed its clock, at most `limit_s`; returns the last billboard seen.

    `minsane` as the billboard has it.
    """
    began = monotonic()
    while True:
        board = look_billboard(minsane)
        elapsed = monotonic() - began
        if steady(board) or elapsed >= limit_s:
            return board
        tell(Event("wait", "verify", _words(board), elapsed, limit_s))
        sleep(min(1.0, max(0.05, limit_s - elapsed)))


def steady(board: Billboard) -> bool:
    """Whether it has settled, and its clock is right: what was less than a step away it slews, which takes minutes."""
    offset_ms = board.system.offset_ms if board.system else None
    return board.settled and abs(offset_ms or 0.0) < OFFSET_FAIL_S * 1000


def _words(board: Billboard) -> str:
    if board.system is None:
        return "waiting for the daemon to tell of itself"
    if board.settled:
        return f"waiting for the daemon to slew its clock: {board.system.offset_ms:+.1f} ms off"
    return (
        f"waiting for a system peer: {board.replying} of {len(board.sources)} sources answer, {board.survivors} agree"
    )
