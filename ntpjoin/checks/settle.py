"""Waiting for the daemon to find its time: a second look at the host that comes again and again."""

from __future__ import annotations

from time import monotonic, sleep
from typing import Optional

from ntpjoin.board import Billboard
from ntpjoin.look.daemon import look_billboard
from ntpjoin.model import Event, Tell


def settle(limit_s: float, tell: Tell, minsane: Optional[int]) -> Billboard:
    """Wait until the daemon has settled, at most `limit_s`; returns the last billboard seen. `minsane` as the billboard has it."""
    began = monotonic()
    while True:
        board = look_billboard(minsane)
        elapsed = monotonic() - began
        if board.settled or elapsed >= limit_s:
            return board
        tell(Event("wait", "verify", _words(board), elapsed, limit_s))
        sleep(min(1.0, max(0.05, limit_s - elapsed)))


def _words(board: Billboard) -> str:
    if board.system is None:
        return "waiting for the daemon to tell of itself"
    return (
        f"waiting for a system peer: {board.replying} of {len(board.sources)} sources answer, {board.survivors} agree"
    )
