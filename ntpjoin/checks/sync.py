"""Is the clock synchronised, how well, and if the daemon does not tell, why not? Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Optional

from ntpjoin.board import FEWEST_POLLS, MAXDISTANCE_S, STEP_S, Billboard, Peer
from ntpjoin.checks import hindering, rejected
from ntpjoin.checks.access import DEAF_TO_QUERIES, LOOPBACK, WORLD
from ntpjoin.checks.advice import OwnFile
from ntpjoin.checks.restrict import Rules
from ntpjoin.checks.unheard import told
from ntpjoin.checks.upstreams import MOST, named
from ntpjoin.facts import SETTLING_S, Daemon, Facts
from ntpjoin.model import Asked, Check, CheckState, Measure
from ntpjoin.systems import Row, to_type

OK, WARN, FAIL, UNKNOWN = CheckState.OK, CheckState.WARN, CheckState.FAIL, CheckState.UNKNOWN

#: The system's offset, in seconds: ntpmon's thresholds. The pool's monitors take points from 25 ms (monitor: statusscore.go).
OFFSET_WARN_S, OFFSET_FAIL_S, POOL_OFFSET_MS = 0.010, 0.050, 25
#: A client of ntpd follows nobody who is farther from the true time than MAXDISTANCE (ntp.h of both engines).
DISTANCE_WARN_S, DISTANCE_FAIL_S = 0.5, MAXDISTANCE_S
#: The share of answered polls, in percent: ntpmon's thresholds.
REACH_WARN, REACH_FAIL = 75, 50
#: The reach register holds so many polls.
POLLS = 8


def synchronisation(facts: Facts, row: Row, rules: Optional[Rules], unheard: Iterable[Asked]) -> Iterator[Check]:
    """A system peer, a stratum that the pool takes, and how far the clock may be off.

    `unheard`: what sources answer to others, where the daemon hears none of them.
    Nothing where the unit has no ntpd: that is told of the service.
    """
    daemon = facts.daemon
    if daemon is None:
        return
    board, advice = daemon.board, OwnFile(facts, row)
    if board.system is None:
        if daemon.pid == facts.unit(row.unit).pid:
            yield _untold(row, daemon, rules)
        return
    peer = board.system_peer
    young = daemon.age_s < SETTLING_S
    if peer is None:
        yield _no_peer(board, rules, advice, unheard, young=young)
    elif board.system.leap == 3:
        yield _unset(peer, rules)
    elif peer.is_local:
        text = f"not synchronised: it follows this host's own clock ({peer.title}), which nobody sets"
        yield Check("sync.peer", FAIL, text, f"take it out of your own lines, then: {to_type('restart', row.unit)}")
    else:
        offset = f", offset {board.system.offset_ms:+.3f} ms" if board.system.offset_ms is not None else ""
        yield Check("sync.peer", OK, f"synchronised to {peer.title}: stratum {board.system.stratum}{offset}")
        yield _stratum(board.system.stratum)
        yield _survivors(board, rules, advice)
        yield from _reach(daemon, advice)
        yield from _offset(board, row, rules, advice)
        yield from _distance(daemon, peer, advice)


def _unset(peer: Peer, rules: Optional[Rules]) -> Check:
    """It has a system peer, and has not set the clock yet; or may not, and never will."""
    text = f"it follows {peer.title}, and tells its clients that it is not synchronised (leap 3)"
    culprits = hindering.disabled(rules.lines if rules else ())
    if rules and culprits:
        text += f": it does not set the clock: {culprits[0]}"
        return Check("sync.peer", FAIL, text, rules.advice.without(culprits), lines=culprits)
    return Check("sync.peer", FAIL, text, "wait a minute, then: ntpjoin verify")


def _no_peer(
    board: Billboard, rules: Optional[Rules], advice: OwnFile, unheard: Iterable[Asked], *, young: bool
) -> Check:
    """It follows nobody. Whatever is wrong with the sources is told here, and nowhere else."""
    text, remedy = _why_no_peer(board, advice, unheard)
    culprits = hindering.unheard(board, rules) or hindering.too_many(board, rules) if board.peers else ()
    if rules and culprits:
        text, remedy = f"{text}: {'; '.join(map(str, culprits))}", rules.advice.without(culprits)
    elif young and board.peers:
        remedy = "wait a minute, then: ntpjoin verify"
    return Check("sync.peer", FAIL, f"not synchronised: {text}", remedy, lines=culprits)


def _why_no_peer(board: Billboard, advice: OwnFile, unheard: Iterable[Asked]) -> tuple[str, str]:
    """What its sources do, and what to type where no line is to blame."""
    sources = board.sources
    whys = Counter(why for why in map(rejected.reason, sources) if why)
    if not board.peers:
        return "the daemon follows nobody", advice.written(named(0))
    if not board.replying and not whys:
        words, remedy = told(unheard)
        text = f"no system peer; 0 of {len(sources)} sources answer{words and f'; {words}'}"
        return text, remedy or f"is UDP 123 let out, here and by the provider? If so: {advice.survey}"
    text = f"no system peer; {board.replying} of {len(sources)} sources answer, {board.survivors} agree"
    text += f", {board.needed} must" if board.survivors < board.needed else ""
    text += "".join(f"; {count}: {why}" for why, count in whys.most_common())
    count = len(board.voices)
    more = advice.written(named(count, board.needed)) if board.needed <= MOST else advice.setup
    return text, more if count < board.needed else advice.survey


def _stratum(stratum: int) -> Check:
    """The pool registers a server of 1 to 5; its monitors take points from one of 8 on."""
    measure = Measure(stratum, warn=5, fail=7)
    if 1 <= stratum <= 5:
        return Check("sync.stratum", OK, f"stratum {stratum}", measure=measure)
    state = WARN if stratum in (6, 7) else FAIL
    why = "the pool registers 1 to 5" if state is WARN else "its monitors give no points for it"
    return Check("sync.stratum", state, f"stratum {stratum}: {why}", "choose upstreams of a lower stratum", measure)


def _survivors(board: Billboard, rules: Optional[Rules], advice: OwnFile) -> Check:
    """Whether enough of the sources agree."""
    text = f"{board.survivors} of {len(board.voices)} sources agree"
    measure = Measure(board.survivors, fail=board.needed, falls=True)
    if board.survivors >= board.needed:
        return Check("sync.survivors", OK, text, measure=measure)
    text += f", {board.needed} must"
    culprits = hindering.too_many(board, rules)
    if rules and culprits:
        why = f"{text}: {culprits[0]}"
        return Check("sync.survivors", FAIL, why, rules.advice.without(culprits), measure, culprits)
    return Check("sync.survivors", FAIL, text, advice.survey, measure)


def _offset(board: Billboard, row: Row, rules: Optional[Rules], advice: OwnFile) -> Iterator[Check]:
    """By how much the clock is off, by the daemon's own account; or by that of its sources, where it does not believe them yet."""
    culprits = hindering.disabled(rules.lines if rules else ())
    if rules and culprits:
        text, remedy = f"ntpd does not set the clock: {culprits[0]}", rules.advice.without(culprits)
        yield Check("sync.offset", FAIL, text, remedy, lines=culprits)
        return
    if board.system is None or board.system.offset_ms is None:
        return
    off_s, told_s = abs(board.system.offset_ms) / 1000, _told_ms(board) / 1000
    # What others told before the clock was slewed may be old; not what the system peer tells.
    own_s = abs(board.system_peer.offset_ms or 0) / 1000 if board.system_peer else 0.0
    disbelieved = told_s >= STEP_S > off_s or min(told_s, own_s) >= OFFSET_FAIL_S > off_s
    off_s = told_s if disbelieved else off_s
    state = FAIL if off_s >= OFFSET_FAIL_S else WARN if off_s >= OFFSET_WARN_S else OK
    measure = Measure(off_s, "s", OFFSET_WARN_S, OFFSET_FAIL_S)
    text, remedy = f"the clock is {off_s * 1000:.3f} ms off", ""
    if state is not OK:
        text += ", say its sources, and ntpd waits some minutes until it believes that" if disbelieved else ""
        text += f": the pool takes points from {POOL_OFFSET_MS} ms on"
        slews = f"ntpd slews the clock, which takes a quarter of an hour; if it stays off: {advice.survey}"
        remedy = to_type("restart", row.unit) if off_s >= STEP_S else slews
        culprits = hindering.not_stepped(off_s, rules) if off_s >= STEP_S else ()
        if rules and culprits:
            text, remedy = f"{text}; it is not stepped: {culprits[0]}", rules.advice.without(culprits)
    yield Check("sync.offset", state, text, remedy, measure, culprits)


def _told_ms(board: Billboard) -> float:
    """What more than half of those that agree tell, or more; from the step threshold on the daemon waits (STEPOUT) before it follows.

    Outliers (`-`) agree, too.
    """
    offsets = sorted(abs(peer.offset_ms) for peer in board.sources if peer.agrees and peer.offset_ms is not None)
    return offsets[(len(offsets) - 1) // 2] if offsets else 0.0


def _distance(daemon: Daemon, peer: Peer, advice: OwnFile) -> Iterator[Check]:
    """How far from the true time it may be. It begins high and falls with each answer of the system peer, a step as well.

    With each that the daemon uses: one that took longer than another of the last eight it does not (clock_filter of both engines),
    so that for eight polls it may tell what was so long ago.
    """
    system = daemon.board.system
    if system is None or system.root_delay_ms is None or system.root_dispersion_ms is None:
        return
    distance_s = (system.root_delay_ms / 2 + system.root_dispersion_ms) / 1000
    measure = Measure(distance_s, "s", DISTANCE_WARN_S, DISTANCE_FAIL_S)
    text = f"root distance {distance_s:.3f} s"
    peer_s = distance_s if peer.root_distance_ms is None else peer.root_distance_ms / 1000
    falling = daemon.age_s < SETTLING_S or (not peer.is_clock and peer.answered < FEWEST_POLLS)
    if distance_s <= DISTANCE_WARN_S:
        yield Check("sync.distance", OK, text, measure=measure)
    elif falling:
        yield Check("sync.distance", OK, f"{text}: it falls with each answer of {peer.title}", measure=measure)
    elif distance_s <= DISTANCE_FAIL_S and peer_s <= DISTANCE_WARN_S:
        told = f"{text}: by the latest answers of {peer.title} it is {peer_s:.3f} s, and ntpd will tell so when it uses the next"
        yield Check("sync.distance", OK, told, measure=measure)
    else:
        state = FAIL if distance_s > DISTANCE_FAIL_S else WARN
        text += f": clients follow nobody beyond {DISTANCE_FAIL_S} s"
        yield Check("sync.distance", state, text, advice.survey, measure)


def _reach(daemon: Daemon, advice: OwnFile) -> Iterator[Check]:
    """How many polls are answered. Who answers none, or cannot be followed, is told by name, and does not count here."""
    sources = [peer for peer in daemon.board.sources if peer.reach and not rejected.reason(peer)]
    # A step clears all registers, and what nobody answered before is over: then none of them goes back eight polls.
    longest = max((_length(peer) for peer in sources), default=0)
    due = {peer: longest if _is_old(daemon, peer) and not _is_back(peer) else _length(peer) for peer in sources}
    shares = [peer.answered / polls for peer, polls in due.items() if polls >= FEWEST_POLLS]
    if not shares:
        yield Check("sync.reach", OK, "too few polls were due to tell how many are answered")
        return
    percent = 100 * sum(shares) / len(shares)
    state = FAIL if percent <= REACH_FAIL else WARN if percent <= REACH_WARN else OK
    remedy = "" if state is OK else f"is the line overloaded, or UDP 123 limited on its way? If not: {advice.survey}"
    text = f"{percent:.0f} % of the last polls were answered"
    yield Check("sync.reach", state, text, remedy, Measure(percent, "%", REACH_WARN, REACH_FAIL, falls=True))


def _length(peer: Peer) -> int:
    """How many polls were made since the first answer that the register knows of."""
    return (peer.reach & 0xFF).bit_length()


def _is_back(peer: Peer) -> bool:
    """Whether it has answered every poll since its first answer: what lies before that was a silence, and is over."""
    return not peer.reach & (peer.reach + 1)


def _is_old(daemon: Daemon, peer: Peer) -> bool:
    """Whether all polls of the register have been made, unless the clock was stepped."""
    return peer.configured and daemon.age_s >= SETTLING_S + POLLS * peer.poll_s


def _untold(row: Row, daemon: Daemon, rules: Optional[Rules]) -> Check:
    """No word from the daemon: because its own files forbid it, or for a reason that cannot be seen."""
    entries = [rules.access.of(one) for one in LOOPBACK] if rules else []
    closed = [entry for entry in entries if entry.flags & DEAF_TO_QUERIES]
    if rules and closed:
        lines = dict.fromkeys(line for entry in closed for line in entry.lines)
        giving = {line for entry in closed for line in entry.giving(DEAF_TO_QUERIES)}
        # What is about everybody is to stay: it keeps strangers out.
        public = {line for one in WORLD for line in rules.access.of(one).lines}
        culprits = [line for line in lines if line not in public and (line.words[0] != "restrict" or line in giving)]
        text = f"ntpd may not tell this host of itself: {'; '.join(map(str, lines)) or 'nothing lets this host ask'}"
        return Check("sync.peer", UNKNOWN, text, rules.advice.without(culprits))
    text = f"ntpd (process {daemon.pid}, it reads {daemon.config}) does not tell of itself on the loopback address"
    typed = f"{to_type('restart', row.unit)}; {to_type('log', row.unit)}"
    return Check("sync.peer", UNKNOWN, text, f"is there a packet filter on lo? If not: {typed}")
