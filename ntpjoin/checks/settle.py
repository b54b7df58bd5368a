"""Waiting for the daemon to find its time: a second look at the host that comes again and again."""

from __future__ import annotations

from time import monotonic, sleep

from ntpjoin.look.daemon import look_billboard
from ntpjoin.model import Billboard, Event, Tell


def settle(limit_s: float, tell: Tell) -> Billboard:
    """Wait until the daemon has settled, at most `limit_s`; returns the last billboard seen."""
    began = monotonic()
    while True:
        board = look_billboard()
        elapsed = monotonic() - began
        if board.settled or elapsed >= limit_s:
            return board
        tell(Event("wait", "verify", _words(board), elapsed, limit_s))
        sleep(min(1.0, max(0.05, limit_s - elapsed)))


def _words(board: Billboard) -> str:
    if board.system is None:
        return "waiting for the daemon to tell of itself"
    return (
        f"waiting for a system peer: {board.replying} of {len(board.peers)} upstreams answer, {board.survivors} agree"
    )
