"""Asking time servers in client mode, side by side: a socket each, one loop, deadlines that no clock step moves."""

from __future__ import annotations

import heapq
import selectors
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Optional

from ntpjoin.model import Asked, Sample
from ntpjoin.wire import sockets
from ntpjoin.wire.talk import Manner, Talk

PORT = 123
#: Between two packets to an address, unless told otherwise.
GAP_S = 2.0
OnReply = Callable[[Asked], None]

#: Between two addresses' first questions: what comes back at once is measured worse. And all of that together at most.
_APART_NS, _ALL_APART_NS = 1_000_000, 250_000_000
#: Steps of this host's clock below this are left in the offsets.
_STEP_NS = 1_000_000
#: How often it is looked whether the user wants no more.
_LOOK_S = 0.1


def exchange(
    addresses: Iterable[str],
    *,
    port: int = PORT,
    timeout_s: float = 3.0,
    tries: int = 2,
    samples: int = 1,
    gap_s: float = GAP_S,
    gaps_s: Optional[Mapping[str, float]] = None,
    waits_s: Optional[Mapping[str, float]] = None,
    on_reply: Optional[OnReply] = None,
    stopped: Optional[Callable[[], bool]] = None,
) -> tuple[Asked, ...]:
    """Ask each literal address for the time; give one result each, in the order asked, a repeated address once.

    An address is asked until it has answered `samples` times, at most `tries` (or `samples`) times, each time `gap_s`, or
    what `gaps_s` has for it, after the last; the first time after what `waits_s` has for it. What is not answered within
    `timeout_s` is lost; who sends a kiss-o'-death or refuses is not asked again. `on_reply` hears each result as it comes;
    when `stopped`, what is known so far is the result. What cannot be asked or does not answer is a result with a problem:
    nothing is raised. Whether a server is synchronised is not judged.
    """
    ahead_ns = time.time_ns() - time.monotonic_ns()
    manner = Manner(samples, max(samples, tries), gap_s, timeout_s)
    gaps, begins_ns = gaps_s or {}, _begins(addresses, waits_s or {})
    sockets.make_room(len(begins_ns))
    talks = [
        Talk(one, replace(manner, gap_s=gaps.get(one, gap_s)), begin_ns, ahead_ns)
        for one, begin_ns in begins_ns.items()
    ]
    with _Round(talks, port, on_reply) as asking:
        asking.run(stopped or (lambda: False), _LOOK_S if stopped else None)
    # All offsets were measured against one reading of the clock, so a step in between cannot set the servers at odds.
    stepped_ns = time.time_ns() - time.monotonic_ns() - ahead_ns
    results = (talk.result for talk in talks if talk.result)
    return tuple(_against_now(asked, stepped_ns) if abs(stepped_ns) > _STEP_NS else asked for asked in results)


def _begins(addresses: Iterable[str], waits_s: Mapping[str, float]) -> dict[str, int]:
    """When each is asked first, by the monotonic clock."""
    wanted = tuple(dict.fromkeys(addresses))
    apart_ns = min(_APART_NS, _ALL_APART_NS // max(1, len(wanted)))
    now_ns = time.monotonic_ns()
    return {one: now_ns + number * apart_ns + round(waits_s.get(one, 0.0) * 1e9) for number, one in enumerate(wanted)}


class _Round:
    """Sockets for talks, and the loop that lets each ask and hear."""

    def __init__(self, talks: Iterable[Talk], port: int, on_reply: Optional[OnReply]) -> None:
        self._port = port
        self._on_reply = on_reply
        self._selector = selectors.DefaultSelector()
        self._doors: dict[Talk, socket.socket] = {}
        self._due: list[tuple[int, int, Talk]] = sorted(
            (talk.due_ns, number, talk) for number, talk in enumerate(talks)
        )

    def __enter__(self) -> _Round:  # noqa: PYI034 (Self came with Python 3.11)
        return self

    def __exit__(self, *_: object) -> None:
        for door in self._doors.values():
            door.close()
        self._selector.close()

    def run(self, stopped: Callable[[], bool], look_s: Optional[float]) -> None:
        """Until every talk has its result."""
        while self._due:
            if stopped():
                for _, _, talk in self._due:
                    self._stop(talk)
                return
            now_ns = time.monotonic_ns()
            while self._due and self._due[0][0] <= now_ns:
                _, number, talk = heapq.heappop(self._due)
                if not talk.result:
                    self._act(talk)
                if not talk.result:
                    heapq.heappush(self._due, (talk.due_ns, number, talk))
            while self._due and self._due[0][2].result:
                heapq.heappop(self._due)
            if not self._due:
                return
            wait_s = max(0.0, (self._due[0][0] - time.monotonic_ns()) / 1e9)
            for key, _ in self._selector.select(wait_s if look_s is None else min(wait_s, look_s)):
                self._listen(key.data)

    def _stop(self, talk: Talk) -> None:
        if talk.result:
            return
        if talk in self._doors:
            talk.overhear(sockets.dropped(self._doors[talk]))
        talk.end()

    def _act(self, talk: Talk) -> None:
        question = b""
        try:
            door = self._doors.get(talk) or self._open(talk)
            talk.overhear(sockets.dropped(door))
            now_ns = time.monotonic_ns()
            question = talk.act(now_ns)
            if question:
                door.send(question)
                talk.due_ns += time.monotonic_ns() - now_ns  # however late it left: the gap lies between packets
        except OSError as problem:
            if question:
                talk.unsend()
            self._fail(talk, problem)
        self._tell(talk)

    def _fail(self, talk: Talk, problem: OSError) -> None:
        """What comes before the first question has left is this host's own; later it is what others report."""
        words = sockets.refusal if talk.sent else sockets.words
        talk.fail(words(problem, talk.address, self._port))

    def _open(self, talk: Talk) -> socket.socket:
        door = self._doors[talk] = sockets.connect(talk.address, self._port)
        # From the start: a flood fills the buffer before anybody has looked into it.
        sockets.drop_all_but_echoes(door, talk.nonces)
        sockets.stamp_arrivals(door)
        self._selector.register(door, selectors.EVENT_READ, talk)
        return door

    def _listen(self, talk: Talk) -> None:
        door = self._doors[talk]
        try:
            talk.hear(*sockets.receive(door))  # one, then the others have their turn
        except BlockingIOError:
            return
        except OSError as problem:
            self._fail(talk, problem)
        self._tell(talk)

    def _tell(self, talk: Talk) -> None:
        """Close what has ended, and say so."""
        if not talk.result:
            return
        door = self._doors.pop(talk, None)
        if door:
            self._selector.unregister(door)
            door.close()
        if self._on_reply:
            self._on_reply(talk.result)


def _against_now(asked: Asked, stepped_ns: int) -> Asked:
    def moved(sample: Sample) -> Sample:
        return replace(sample, offset_s=sample.offset_s - stepped_ns / 1e9)

    if not asked.sample:
        return asked
    return replace(asked, sample=moved(asked.sample), samples=tuple(map(moved, asked.samples)))
