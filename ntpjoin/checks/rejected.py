"""Why the daemon does not use a source that does answer. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ntpjoin.board import FEWEST_POLLS, LOOPED, MAXDISTANCE_S, STEP_S, WATCHED, Billboard, Peer
from ntpjoin.facts import Directive

#: The kiss codes by which a server sends its clients away (RFC 5905, section 7.4).
KISSES = {
    "RATE": "it is asked too often",
    "DENY": "it denies this host the time",
    "RSTR": "it gives this host no more time",
}
#: How a daemon tells that RATE was the last that it had of a source; it does not tell of the others.
_RATE_EVENT = "rate_exceeded"

UNSYNCHRONISED = "it is not synchronised itself"

#: Bits of `flash` for the last packet, which was thrown away (include/ntp.h of both engines, TEST5 to TEST7; 14 of NTPsec alone).
_PACKET = {
    0x0010: "its answers are not authenticated",
    0x0020: UNSYNCHRONISED,
    0x0040: "its root distance is 16 s or more",
    0x2000: "its answers take too long",
}
_DISTANT = 0x0400
#: And for what all its packets come to (TEST10 to TEST12); the next bit: not reached, or only to be watched (noselect).
_SOURCE = {
    LOOPED: "it follows this host",
    _DISTANT: "its root distance is too great (1.5 s, unless a `tos maxdist` says otherwise)",
    0x0200: "its stratum is not allowed",
}

#: Beside so many that agree, one that does not is the one that is wrong.
_SEVERAL = 2


def reason(peer: Peer) -> str:
    """In words, '' where it is used, silent, only to be watched, a reference clock, or has not answered often enough to tell."""
    if peer.is_clock:
        return ""
    kiss = peer.refid if peer.refid in KISSES and peer.stratum in (0, 16) else ""
    if kiss or (peer.event == _RATE_EVENT and not peer.reach):
        return f"{KISSES[kiss or 'RATE']} (kiss-o'-death {kiss or 'RATE'})"
    if peer.tally != " ":
        return ""
    for bit, words in _PACKET.items():
        if peer.flash & bit:
            return words
    if peer.answered < FEWEST_POLLS or peer.flash & WATCHED:  # the distance falls with each answer
        return ""
    if peer.stratum in (0, 16):
        return UNSYNCHRONISED
    return next((words for bit, words in _SOURCE.items() if peer.flash & bit), "")


def fault(peer: Peer) -> str:
    """The reason, where it is one to be mended: that a symmetric peer follows this host at the moment is what it is there for."""
    return reason(replace(peer, flash=peer.flash & ~LOOPED) if peer.is_symmetric else peer)


def latest(peer: Peer, lines: Iterable[Directive]) -> Peer:
    """The source without what `flash` still tells of it by its first answers.

    ntpd looks at the distance only when some source's answer is the best of its last eight (clock_filter of both engines): what it
    found then is not so any more where the latest answers make it less, whatever else it found along with it.
    """
    nearer = peer.root_distance_ms is not None and peer.root_distance_ms < 1000 * MAXDISTANCE_S
    if not (peer.flash & _DISTANT and nearer) or any(set(line.words) >= {"tos", "maxdist"} for line in lines):
        return peer
    return replace(peer, flash=peer.flash & ~sum(_SOURCE))


def strays(peer: Peer, board: Billboard) -> bool:
    """Whether it is a falseticker (RFC 5905, section 11.2.1) that the daemon has not marked as one yet.

    ntpd has new marks only when the system peer's own answer is the best of its last eight (clock_select of both engines, sys_epoch):
    one that was too new before, or was right, may be without one for eight polls. It cannot be right along with those that agree
    where its offset is further from theirs than both root distances, and than the clock may have been slewed from its answers to
    theirs; when that is stepped they are forgotten.
    """
    if peer.tally not in " +-#" or peer.is_clock or peer.flash or peer.stratum in (0, 16):
        return False
    if peer.answered < FEWEST_POLLS:
        return False
    agreeing = [one for one in board.sources if one.agrees and one.associd != peer.associd]
    return len(agreeing) >= _SEVERAL and all(_apart(peer, one) for one in agreeing)


def _apart(one: Peer, other: Peer) -> bool:
    if (
        one.offset_ms is None
        or other.offset_ms is None
        or one.root_distance_ms is None
        or other.root_distance_ms is None
    ):
        return False
    return abs(one.offset_ms - other.offset_ms) > max(1000 * STEP_S, one.root_distance_ms + other.root_distance_ms)
