"""Leap seconds that are smeared, by this daemon or by one that it follows: no time for the public (RFC 8633, 3.7.1). Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Optional

from ntpjoin.board import Peer
from ntpjoin.checks.advice import OwnFile
from ntpjoin.checks.following import Following
from ntpjoin.facts import Directive, Facts
from ntpjoin.model import Check, CheckState, Pin
from ntpjoin.systems import Row, to_type
from ntpjoin.upstreams import rules

OK, WARN, FAIL = CheckState.OK, CheckState.WARN, CheckState.FAIL

#: What an ntpd that smears gives as its reference while it does (convertLFPToRefID in ntp_proto.c of both engines).
_SMEARED_REFID = "254."


#: What is said of an upstream that is known to.
SERVICE = "is a service that smears leap seconds"


def smears(facts: Facts, row: Row, lines: Optional[tuple[Directive, ...]]) -> Iterator[Check]:
    """Whether this daemon does, or would from its next leap second on."""
    daemon = facts.daemon
    does = bool(daemon and daemon.board.system and daemon.board.system.smear_interval_s)
    setting = last_setting(lines or ())
    if does or (setting and interval_s(setting) > 0):
        what = f": {setting}" if setting else ", as it says itself"
        remedy = OwnFile(facts, row).without([setting]) if setting else to_type("restart", row.unit)
        yield smearing(what, remedy)
    elif lines is not None:
        yield Check("config.smear", OK, "leap seconds are not smeared")


def last_setting(lines: tuple[Directive, ...]) -> Optional[Directive]:
    """The line that counts."""
    return next((line for line in reversed(lines) if line.words[0] == "leapsmearinterval"), None)


def smearing(what: str, remedy: str) -> Check:
    """That it smears; `what` says by what one knows."""
    return Check("config.smear", FAIL, f"leap seconds are smeared: clients would be up to a second off{what}", remedy)


def is_about(complaint: str) -> bool:
    """Whether the daemon complains of the line, or tells of it: most are built without the means to smear."""
    return any(mark in complaint for mark in ("LEAP_SMEAR", "leap smear", "config_vars(): unexpected token"))


def smeared(following: Following) -> Iterator[Check]:
    """One line for each upstream that smears. Two sorts of time at once are worse than one that is wrong."""
    whys = {peer: why_smeared(peer, following.pins) for peer in following.board.sources}
    known = [peer for peer, why in whys.items() if why and _known(peer, following.pins)]
    for peer, why in whys.items():
        if why:
            mixed = peer in known and len(known) < len(whys)
            text = f"{following.name(peer)} {why}" + (", and others do not" if mixed else "")
            yield Check("upstreams.smear", FAIL if mixed else WARN, text, following.remedy(peer))


def why_smeared(peer: Peer, pins: tuple[Pin, ...]) -> str:
    """What speaks for it that a source smears, '' where nothing does."""
    if _known(peer, pins):
        return SERVICE
    if peer.reach and peer.stratum > 1 and not peer.is_clock and peer.refid.startswith(_SMEARED_REFID):
        # Of a server that follows another over IPv6 this is a hash, which begins like that once in 256 times.
        return f"may smear leap seconds: its reference is {peer.refid}"
    return ""


def _known(peer: Peer, pins: tuple[Pin, ...]) -> bool:
    names = [pin.name for pin in pins if pin.address == peer.address]
    return any(map(rules.smears, (*names, peer.source, peer.address)))


def interval_s(line: Directive) -> float:
    """Over so long a leap second is smeared."""
    try:
        return float(line.words[1])
    except (IndexError, ValueError):
        return 0.0
