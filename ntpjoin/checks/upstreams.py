"""Whom the daemon follows: those that were chosen, and are they still good? Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ntpjoin.board import Billboard, Peer
from ntpjoin.model import Check, CheckState, Pin

OK, WARN, FAIL, UNKNOWN = CheckState.OK, CheckState.WARN, CheckState.FAIL, CheckState.UNKNOWN


def upstreams(board: Billboard, pins: tuple[Pin, ...], *, young: bool) -> Iterator[Check]:
    """Whether enough of the sources agree, and which of them do not or, of a daemon that is not young, do not answer."""
    if board.system is None:
        return
    if not board.peers:
        yield Check("sync.survivors", FAIL, "the daemon follows nobody", "ntpjoin setup")
        return
    enough = board.survivors >= board.needed
    text = f"{board.survivors} of {len(board.sources)} sources agree" + ("" if enough else f", {board.needed} must")
    yield Check("sync.survivors", OK if enough else FAIL, text, "" if enough else "ntpjoin setup --survey")
    names = {pin.address: pin.name for pin in pins}
    for peer in board.peers:
        if peer.reach or not young:
            yield from _source(peer, names.get(peer.address, ""))


def _source(peer: Peer, pinned: str) -> Iterator[Check]:
    name = pinned or peer.source
    name = f"{name} ({peer.address})" if name else peer.address
    remedy = "ntpjoin setup --survey" if pinned else "look at your own lines"
    if peer.is_local:
        text = f"{name} is this host's own clock under another name: the pool asks not to use it"
        yield Check("upstreams.local", WARN, text, "take it out of your own lines")
    elif peer.tally == "x":
        yield Check("upstreams.falseticker", WARN, f"{name} tells another time than the others", remedy)
    elif peer.reach == 0 and peer.refid != "POOL":
        what = "gives no time" if peer.is_clock else "does not answer"
        yield Check("upstreams.silent", WARN, f"{name} {what}", remedy)


def followed(board: Billboard, pins: tuple[Pin, ...]) -> Iterator[Check]:
    """The daemon's own word on whom it follows; more than ours may come from the operator's own files."""
    peers = {peer.address for peer in board.peers}
    if board.system and pins:
        lost = [pin.name for pin in pins if pin.address not in peers]
        text = (
            f"ntpd does not follow {', '.join(lost)}"
            if lost
            else f"ntpd follows the {len(pins)} upstreams that were chosen"
        )
        yield Check("upstreams.followed", FAIL if lost else OK, text, "ntpjoin setup" if lost else "")


def pinned(leads: Mapping[str, tuple[str, ...]], pins: tuple[Pin, ...]) -> Iterator[Check]:
    """A name that leads elsewhere means that its operator moved the server, and the old address may be anybody's soon."""
    moved = [pin for pin in pins if leads.get(pin.name) and pin.address not in leads[pin.name]]
    for pin in moved:
        yield Check("upstreams.pins", WARN, f"{pin.name} no longer leads to {pin.address}", "ntpjoin setup")
    untold = [pin.name for pin in pins if not leads.get(pin.name)]
    if untold:
        yield Check(
            "upstreams.pins", UNKNOWN, f"where {', '.join(untold)} leads could not be asked", "is DNS reachable?"
        )
    elif pins and not moved:
        yield Check("upstreams.pins", OK, "all names still lead to the addresses that are followed")
