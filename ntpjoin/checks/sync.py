"""Is the clock synchronised, whom does the daemon follow, and if it does not tell, why not? Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ntpjoin.board import Billboard
from ntpjoin.checks.access import DEAF_TO_QUERIES, LOOPBACK, Access
from ntpjoin.facts import Facts
from ntpjoin.host import ntpconf
from ntpjoin.model import Check, CheckState, Measure
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
    yield _stratum(board.system.stratum)


def _stratum(stratum: int) -> Check:
    """The pool registers a server of 1 to 5; its monitors take points from one of 8 on."""
    measure = Measure(stratum, warn=6, fail=8)
    if 1 <= stratum <= 5:
        return Check("sync.stratum", OK, f"stratum {stratum}", measure=measure)
    state = WARN if stratum in (6, 7) else FAIL
    why = "the pool registers 1 to 5" if state is WARN else "its monitors give no points for it"
    return Check("sync.stratum", state, f"stratum {stratum}: {why}", "choose upstreams of a lower stratum", measure)


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
