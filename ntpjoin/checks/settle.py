"""Waiting for the daemon to find its time: a second look at the host that comes again and again."""

from __future__ import annotations

from time import monotonic, sleep

from ntpjoin.look.billboard import Billboard, look_billboard
from ntpjoin.model import Event, Tell


def settle(limit_s: float, tell: Tell) -> Billboard:
    """Wait until the daemon has settled, at most `limit_s`."""
    began = monotonic()
    while True:
        seen = look_billboard()
        elapsed = monotonic() - began
        if seen.verdict == "settled" or elapsed >= limit_s:
            return seen
        tell(Event("wait", "verify", _words(seen), elapsed, limit_s))
        sleep(min(1.0, max(0.05, limit_s - elapsed)))


def _words(seen: Billboard) -> str:
    if seen.verdict == "unseen":
        return "waiting for the daemon to tell of itself"
    return f"waiting for a system peer: {seen.replying} of {len(seen.peers)} upstreams answer, {seen.survivors} agree"
