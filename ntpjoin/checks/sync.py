"""Is the clock synchronised, whom does the daemon follow, and if it does not tell, why not? Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ntpjoin.board import Billboard, Peer
from ntpjoin.checks.access import DEAF_TO_QUERIES, LOOPBACK, Access
from ntpjoin.facts import Facts
from ntpjoin.host import ntpconf
from ntpjoin.model import Check, CheckState, Pin
from ntpjoin.systems import Row, to_type

OK, WARN, FAIL, UNKNOWN = CheckState.OK, CheckState.WARN, CheckState.FAIL, CheckState.UNKNOWN


def synchronisation(facts: Facts, row: Row) -> Iterator[Check]:
    """A system peer, and a stratum that the pool takes."""
    board = facts.daemon.board if facts.daemon else Billboard()
    if board.system is None:
        yield _untold(facts, row)
        return
    peer = board.system_peer
    if peer is None or board.system.leap == 3:
        text = f"not synchronised: no system peer; {board.replying} of {len(board.sources)} sources answer"
        yield Check("sync.peer", FAIL, text, "wait a minute, then: ntpjoin verify")
        return
    if peer.is_local:
        text = f"not synchronised: it follows this host's own clock ({peer.title}), which nobody sets"
        yield Check("sync.peer", FAIL, text, f"take it out of your own lines, then: {to_type('restart', row.unit)}")
        return
    offset = f", offset {board.system.offset_ms:+.3f} ms" if board.system.offset_ms is not None else ""
    yield Check("sync.peer", OK, f"synchronised to {peer.title}: stratum {board.system.stratum}{offset}")
    registrable = 1 <= board.system.stratum <= 5
    text = f"stratum {board.system.stratum}" + ("" if registrable else ": the pool takes 1 to 5")
    yield Check(
        "sync.stratum", OK if registrable else FAIL, text, "" if registrable else "choose upstreams of a lower stratum"
    )


def _untold(facts: Facts, row: Row) -> Check:
    """No word from the daemon: because there is none, because its own files forbid it, or for a reason that cannot be seen."""
    unit, daemon = facts.unit(row.unit), facts.daemon
    if daemon is None or (unit.running and daemon.pid != unit.pid):
        what = f"what {row.unit} runs is not {row.daemon}" if unit.running else "no ntpd runs"
        return Check("sync.peer", FAIL, f"nothing tells of a synchronised clock: {what}", to_type("status", row.unit))
    if daemon.config == row.config:
        config = facts.files.get(row.config)
        ours = ntpconf.directives(row.config, config.content.decode(errors="replace") if config else "")
        entry = Access(row.engine, (*ours, *facts.directives)).of(LOOPBACK[0])
        if entry.flags & DEAF_TO_QUERIES:
            lines = "; ".join(str(line) for line in entry.lines) or "nothing lets this host ask"
            text = f"ntpd may not tell this host of itself: {lines}"
            return Check(
                "sync.peer",
                UNKNOWN,
                text,
                f"let `restrict 127.0.0.1` stand alone, then: {to_type('restart', row.unit)}",
            )
    text = f"ntpd (process {daemon.pid}, it reads {daemon.config}) does not tell of itself on the loopback address"
    return Check("sync.peer", UNKNOWN, text, f"is there a packet filter on lo? look at: {to_type('log', row.unit)}")


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
