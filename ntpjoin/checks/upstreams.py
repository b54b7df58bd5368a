"""Whom the daemon follows: those that were chosen, enough of them, and are they still good? Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ntpjoin.board import NO_ADDRESS, Peer
from ntpjoin.checks import rejected
from ntpjoin.checks.following import Following
from ntpjoin.checks.lines import places, take_out
from ntpjoin.checks.smear import why_smeared
from ntpjoin.checks.sources import Source, sources
from ntpjoin.facts import Directive
from ntpjoin.model import Check, CheckState, Measure
from ntpjoin.systems import Row, to_type

OK, WARN, FAIL, UNKNOWN = CheckState.OK, CheckState.WARN, CheckState.FAIL, CheckState.UNKNOWN

#: How many the pool wants (its configuration recommendations), and with how few ntpd can tell right from wrong.
LEAST, MOST, LEAST_FEW = 4, 7, 3


def upstreams(following: Following) -> Iterator[Check]:
    """How many sources there are, and which of them are no good.

    Nothing without a system peer: what is wrong with the sources is why there is none, and `sync.peer` tells it.
    """
    board = following.board
    if board.system is None or board.system_peer is None or board.system_peer.is_local:
        return
    yield from _count(following)
    for peer in board.peers:
        if not peer.is_call:
            yield from _source(rejected.latest(peer, following.lines), following)


def _count(following: Following) -> Iterator[Check]:
    """Servers that were chosen and are missing count: that they are is told by itself. What is only watched does not."""
    board = following.board
    unresolved = {peer.title for peer in board.peers if peer.address in NO_ADDRESS and peer.refid != "POOL"}
    if following.young and any(peer.address in NO_ADDRESS for peer in board.peers):
        return  # names still have to be asked, and servers to be drawn
    quiet = {
        name for one in sources(following.lines) if "noselect" in one.directive.words for name in (one.name, one.key)
    }
    voices = {peer.address for peer in board.voices if not quiet & {peer.address, peer.source}}
    count = len(voices | unresolved | {pin.address for pin in following.pins})
    missing = len({pin.address for pin in following.pins} - {peer.address for peer in board.peers})
    yield counted(count, "" if LEAST <= count <= MOST else _count_remedy(following, count), missing)


def counted(count: int, remedy: str, missing: int = 0) -> Check:
    """Whether so many are enough, and not too many; so many of them were chosen, and are `missing`."""
    state = FAIL if count < LEAST_FEW else OK if LEAST <= count <= MOST else WARN
    text = f"{count} source{'s' if count != 1 else ''}"
    text += f", with {missing} that {'are' if missing > 1 else 'is'} missing" if missing else ""
    if state is not OK:
        text += f": the pool wants {LEAST} to {MOST}"
    if count < LEAST_FEW:
        text += f", and with fewer than {LEAST_FEW} ntpd cannot tell right from wrong"
    measure = Measure(count, warn=LEAST, fail=LEAST_FEW, falls=True, most=MOST)
    return Check("upstreams.count", state, text, remedy, measure)


def _count_remedy(following: Following, count: int) -> str:
    if count < LEAST:
        if not following.pins:
            return following.advice.written(named(count))
        typed = f"{following.advice.setup} --no-few --upstream NAME, {LEAST} to {MOST} times"
        return f"{typed}; or --upstream none: then they are chosen"
    own = [one for one in sources(following.lines) if _has_voice(one, following)]
    others = [one for kind in ("refclock", "server") for one in own if one.kind == kind]
    pools = [one for one in own if one.kind == "pool"]
    kept = len({pin.address for pin in following.pins}) + len(others)
    if pools and kept < MOST:
        return _in_place_of([one.directive for one in pools], kept, following.row)
    # What is drawn goes first; of the others those that were named last, and a reference clock last of all: it needs no network.
    most = max(0, len(others) - (kept if pools else count) + MOST)
    out = [*pools, *others[most:]]
    return take_out([one.directive for one in own if one in out], following.row) if out else following.advice.survey


def named(count: int, needed: int = LEAST) -> str:
    """The lines that make enough sources of so many, where so many are `needed`."""
    return f"{max(LEAST, needed) - count} to {MOST - count} lines `server NAME iburst` (`ntpjoin upstreams survey` finds names)"


def _has_voice(source: Source, following: Following) -> bool:
    """Whether a line of the operator's own brings one more source: none that is only watched, and none of those that were chosen."""
    chosen = {pin.address for pin in following.pins}
    known = {source.name, source.key}
    if source.kind == "local" or "noselect" in source.directive.words or known & chosen:
        return False
    led = {peer.address for peer in following.board.peers if known & {peer.address, peer.source}}
    return not led or not led <= chosen


def _in_place_of(pools: Sequence[Directive], kept: int, row: Row) -> str:
    """What to type where these lines draw too many beside as many others; where those are enough, nobody needs to be drawn."""
    one, most = len(pools) == 1, MOST - kept
    why = f"{'it draws' if one else 'they draw'} as many as `tos maxclock` lets {'it' if one else 'them'}"
    how = (
        f"take {places(pools, 'out of')}, or name at most {most} server{'s' * (most > 1)} in {'its' if one else 'their'} place"
        if kept >= LEAST
        else f"name {LEAST - kept} to {most} servers in place of {places(pools, 'of')}"
    )
    return f"{how}: {why}; then: {to_type('restart', row.unit)}"


def _source(peer: Peer, following: Following) -> Iterator[Check]:
    """One thing at most is told of a source: the first that is wrong with it."""
    name, remedy, why = following.name(peer), following.remedy(peer), rejected.fault(peer)
    if peer.is_local:
        text = f"{name} is this host's own clock under another name: the pool asks not to use it"
        yield Check("upstreams.local", WARN, text, remedy)
    elif why_smeared(peer, following.pins) or (following.young and not peer.reach):
        return
    elif peer.tally == "x" or (not following.young and rejected.strays(peer, following.board)):
        yield Check("upstreams.falseticker", WARN, f"{name} tells another time than the others", remedy)
    elif why and not following.young:
        yield Check("upstreams.rejected", WARN, f"{name} answers, and cannot be followed: {why}", remedy)
    elif peer.reach == 0 and peer.refid != "POOL":
        # NTPsec tells no difference between nothing and a server that says it is not synchronised.
        what = "gives no time" if peer.is_clock else "does not answer, or not with a time that counts"
        yield Check("upstreams.silent", WARN, f"{name} {what}", remedy)


def followed(following: Following) -> Iterator[Check]:
    """The daemon's own word on whom it follows; more than ours may come from the operator's own files."""
    pins, peers = following.pins, {peer.address for peer in following.board.peers}
    if following.board.system and pins and peers:
        lost = [pin.name for pin in pins if pin.address not in peers]
        text = (
            f"ntpd does not follow {', '.join(lost)}"
            if lost
            else f"ntpd follows the {len(pins)} upstreams that were chosen"
        )
        yield Check("upstreams.followed", FAIL if lost else OK, text, following.advice.setup if lost else "")


def pinned(leads: Mapping[str, tuple[str, ...]], following: Following) -> Iterator[Check]:
    """A name that leads elsewhere means that its operator moved the server, and the old address may be anybody's soon."""
    pins = following.pins
    moved = [pin for pin in pins if leads.get(pin.name) and pin.address not in leads[pin.name]]
    for pin in moved:
        yield Check("upstreams.pins", WARN, f"{pin.name} no longer leads to {pin.address}", following.advice.setup)
    untold = [pin.name for pin in pins if not leads.get(pin.name)]
    if untold:
        yield Check(
            "upstreams.pins", UNKNOWN, f"where {', '.join(untold)} leads could not be asked", "is DNS reachable?"
        )
    elif pins and not moved:
        yield Check("upstreams.pins", OK, "all names still lead to the addresses that are followed")
