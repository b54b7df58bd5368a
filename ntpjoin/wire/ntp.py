"""Asking time servers in client mode, side by side: a socket each, one loop, deadlines that no clock step moves."""

from __future__ import annotations

import secrets
import selectors
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Optional

from ntpjoin.model import Asked
from ntpjoin.wire import packet, sockets

PORT = 123
OnReply = Callable[[Asked], None]

#: Datagrams that are no answer, after which an address is given up: nobody may keep us busy for longer.
_NOISE_LIMIT = 1000
#: Steps of this host's clock below this are left in the offsets.
_STEP_NS = 1_000_000


def exchange(
    addresses: Iterable[str],
    *,
    port: int = PORT,
    timeout_s: float = 3.0,
    tries: int = 2,
    gap_s: float = 2.0,
    on_reply: Optional[OnReply] = None,
) -> tuple[Asked, ...]:
    """Ask each literal address for the time; give one result each, in the order asked, a repeated address once.

    A silent address is asked again after `gap_s`, `tries` times in all, and given up `timeout_s` after the last; who
    sends a kiss-o'-death or refuses is not asked again. `on_reply` hears each result as it comes. What cannot be asked
    or does not answer is a result with a problem: nothing is raised. Whether a server is synchronised is not judged.
    """
    ahead_ns = time.time_ns() - time.monotonic_ns()
    schedule = _Schedule(port, timeout_s, tries, gap_s, ahead_ns)
    talks = [_Talk(address, schedule) for address in dict.fromkeys(addresses)]
    told: list[_Talk] = []
    with selectors.DefaultSelector() as selector:
        try:
            for talk in talks:
                talk.open(selector)
            while not all(talk.result for talk in talks):
                _turn(talks, selector)
                _tell(talks, told, on_reply)
            _tell(talks, told, on_reply)
        finally:
            for talk in talks:
                talk.close()
    # All offsets were measured against one reading of the clock, so a step in between cannot set the servers at odds.
    stepped_ns = time.time_ns() - time.monotonic_ns() - ahead_ns
    results = (talk.result for talk in talks if talk.result)
    return tuple(_against_now(asked, stepped_ns) if abs(stepped_ns) > _STEP_NS else asked for asked in results)


class _Schedule:
    """When to ask and when to give up; the same for all addresses."""

    def __init__(self, port: int, timeout_s: float, tries: int, gap_s: float, ahead_ns: int) -> None:
        self.port = port
        self.timeout_s = timeout_s
        self.tries = tries
        self.gap_s = gap_s
        self.ahead_ns = ahead_ns  # of the monotonic clock

    @property
    def longest_s(self) -> float:
        return self.gap_s * (self.tries - 1) + self.timeout_s


class _Talk:
    """One address: what it was asked, what it has said so far."""

    def __init__(self, address: str, schedule: _Schedule) -> None:
        self.address = address
        self.schedule = schedule
        self.result: Optional[Asked] = None
        self.due_s = 0.0
        self.door: Optional[socket.socket] = None
        self.questions: dict[bytes, int] = {}
        self.noise = 0
        self.oddity = ""

    def open(self, selector: selectors.BaseSelector) -> None:
        try:
            self.door = sockets.connect(self.address, self.schedule.port)
        except OSError as problem:
            self.fail(sockets.words(problem, self.address, self.schedule.port))
            return
        selector.register(self.door, selectors.EVENT_READ, self)

    def close(self) -> None:
        if self.door:
            self.door.close()

    def ask_or_give_up(self) -> None:
        if len(self.questions) == self.schedule.tries:
            self.fail(self.silence())
            return
        nonce = secrets.token_bytes(8)
        assert self.door is not None
        self.questions[nonce] = time.monotonic_ns()
        try:
            self.door.send(packet.request(nonce))
        except OSError as problem:
            self.fail(sockets.words(problem, self.address, self.schedule.port))
            return
        last = len(self.questions) == self.schedule.tries
        self.due_s = time.monotonic() + (self.schedule.timeout_s if last else self.schedule.gap_s)

    def listen(self) -> None:
        assert self.door is not None
        while not self.result:
            try:
                datagram = self.door.recv(1024)
            except BlockingIOError:
                return
            except OSError as problem:
                self.fail(sockets.words(problem, self.address, self.schedule.port))
                return
            self.hear(datagram, time.monotonic_ns())

    def hear(self, datagram: bytes, received_ns: int) -> None:
        oddity = packet.fault(datagram, self.questions)
        if not oddity and packet.kiss(datagram):
            self.fail(f"kiss-o'-death {packet.kiss(datagram)}")
            return
        if not oddity:
            ahead_ns = self.schedule.ahead_ns
            sent_ns = self.questions[packet.origin(datagram)] + ahead_ns
            try:
                sample = packet.sample(self.address, datagram, sent_ns, received_ns + ahead_ns)
            except ValueError as problem:
                oddity = str(problem)
            else:
                self.result = Asked(self.address, sample)
                return
        self.noise += 1
        self.oddity = oddity
        if self.noise == _NOISE_LIMIT:
            self.fail(f"{self.noise} packets, and none of them an answer: {oddity}")

    def silence(self) -> str:
        within = f"within {self.schedule.longest_s:g} s"
        return f"no valid answer {within}: {self.oddity}" if self.oddity else f"no answer {within}"

    def fail(self, problem: str) -> None:
        self.result = Asked(self.address, problem=problem)


def _turn(talks: list[_Talk], selector: selectors.BaseSelector) -> None:
    """Ask or give up where it is time to, then wait until something comes or is due."""
    for talk in talks:
        if not talk.result and time.monotonic() >= talk.due_s:
            talk.ask_or_give_up()
    for talk in talks:
        if talk.result and talk.door and talk.door in selector.get_map():
            selector.unregister(talk.door)
    waiting = [talk.due_s for talk in talks if not talk.result]
    if not waiting:
        return
    for key, _ in selector.select(max(0.0, min(waiting) - time.monotonic())):
        key.data.listen()


def _tell(talks: list[_Talk], told: list[_Talk], on_reply: Optional[OnReply]) -> None:
    for talk in talks:
        if talk.result and talk not in told:
            told.append(talk)
            if on_reply:
                on_reply(talk.result)


def _against_now(asked: Asked, stepped_ns: int) -> Asked:
    if not asked.sample:
        return asked
    return replace(asked, sample=replace(asked.sample, offset_s=asked.sample.offset_s - stepped_ns / 1e9))
