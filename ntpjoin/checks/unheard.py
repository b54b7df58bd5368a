"""What sources that the daemon does not hear answer to another program of this host. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ntpjoin.checks.rejected import KISSES, UNSYNCHRONISED
from ntpjoin.facts import Facts
from ntpjoin.model import Asked

#: A daemon that has just started has asked each of its sources by then, eight times (`iburst`).
_ASKED_S = 20.0
_WELL = "it answers"
_FILTERED = (
    "what comes from UDP 123 is kept back, and nothing else: is there a filter for that, here or at the provider?"
)


def silent(facts: Facts) -> tuple[str, ...]:
    """The addresses of all sources, where the daemon hears none of them though it has had the time."""
    daemon = facts.daemon
    if daemon is None or daemon.age_s < _ASKED_S or daemon.board.system is None or daemon.board.replying:
        return ()
    return tuple(peer.address for peer in daemon.board.sources if not peer.is_clock)


def told(asked: Iterable[Asked]) -> tuple[str, str]:
    """In words, and what to type; both '' where they are silent to everybody, and nothing more is known by it."""
    found = Counter(filter(None, map(_answer, asked)))
    if not found:
        return "", ""
    text = "; ".join(f"{count}: {what}" for what, count in found.most_common())
    return f"asked by another program: {text}", _FILTERED if _WELL in found else "ntpjoin setup --survey"


def _answer(asked: Asked) -> str:
    if asked.kiss:
        return f"{KISSES.get(asked.kiss, 'it sends this host away')} (kiss-o'-death {asked.kiss})"
    if asked.sample is None:
        return ""
    return _WELL if asked.sample.leap != 3 and 0 < asked.sample.stratum < 16 else UNSYNCHRONISED
