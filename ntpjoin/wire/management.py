"""Whether time daemons answer management queries, and with how much: control messages, mode 6, and private ones, mode 7.

Both are what amplifiers are made of; mode 7 is classic ntpd's alone, and off there unless `enable mode7` (CVE-2013-5211).
"""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Iterable

from ntpjoin.errors import WireError
from ntpjoin.records import dataclass
from ntpjoin.wire import mode6, sockets
from ntpjoin.wire.mode6 import Question

PORT = 123
PRIVATE = 7

#: What ntpq asks, padded to nothing: READVAR for the system, sequence 1.
_CONTROL = Question(mode6.READVAR, 1).coded()
#: What was asked for the list of the last 600 clients (MON_GETLIST_1 of implementation 3, ntp_request.h), in version 2.
_PRIVATE = bytes((2 << 3 | PRIVATE, 0, 3, 42, 0, 0, 0, 0))
_QUESTIONS = {mode6.MODE: _CONTROL, PRIVATE: _PRIVATE}
#: In the first byte of mode 7 and in the second one of mode 6: this is an answer.
_RESPONSE = 0x80
#: Datagrams read from one address before it is given up, ours or not: 600 clients come in a hundred.
_MOST_DATAGRAMS = 1000
_LONGEST = 1 << 16
#: An address that has answered in both modes, and is quiet for so long, has said all.
_QUIET_S = 0.25
#: Between two addresses' questions.
_APART_S = 0.001


@dataclass(frozen=True)
class Exposure:
    """What came back to one management question, in bytes of UDP payload: `received` for `sent`."""

    mode: int
    sent: int
    received: int

    @property
    def factor(self) -> float:
        """How many times as much comes back as was sent: what an amplifier is measured by."""
        return self.received / self.sent


@dataclass(frozen=True)
class Managed:
    """What became of asking one address: the modes, like 6 and 7, in which anything came back, be it an error.

    `problem` is why this host could not ask at all. A silence, or a refused port, is believable only beside a server that is known to
    answer something else.
    """

    address: str
    answers: tuple[Exposure, ...] = ()
    problem: str = ""


def managed(address: str, timeout_s: float = 2.0, port: int = PORT) -> tuple[int, ...]:
    """Ask one address the smallest question of each mode, both at once; give the modes in which anything comes back.

    WireError when this host cannot ask at all.
    """
    [found] = expose([address], gap_s=0.0, timeout_s=timeout_s, port=port)
    if found.problem:
        raise WireError(f"{address} could not be asked: {found.problem}")
    return tuple(one.mode for one in found.answers)


def expose(
    addresses: Iterable[str], *, wait_s: float = 0.0, gap_s: float, timeout_s: float = 2.0, port: int = PORT
) -> tuple[Managed, ...]:
    """Ask each literal address the smallest question of each mode, once; one result each, in the order asked.

    It begins after `wait_s`, and lets `gap_s` lie between the two questions to an address. Nothing is raised.
    """
    wanted = tuple(dict.fromkeys(addresses))
    sockets.make_room(len(wanted))
    with _Round(wanted, port) as asking:
        due_s = time.monotonic() + wait_s
        for place, mode in enumerate(_QUESTIONS):
            for number, address in enumerate(wanted):
                asking.listen(due_s + place * gap_s + number * _APART_S)
                asking.ask(address, mode)
        asking.listen(time.monotonic() + timeout_s, until_all_have_answered=True)
        return tuple(asking.result(address) for address in wanted)


class _Round:
    """A socket for each address, and what has come back to it."""

    def __init__(self, addresses: Iterable[str], port: int) -> None:
        self._port = port
        self._selector = selectors.DefaultSelector()
        self._doors: dict[str, socket.socket] = {}
        self._problems: dict[str, str] = {}
        self._received: dict[str, dict[int, int]] = {address: {} for address in addresses}
        self._read = dict.fromkeys(self._received, 0)
        self._asked: set[str] = set()

    def __enter__(self) -> _Round:  # noqa: PYI034 (Self came with Python 3.11)
        return self

    def __exit__(self, *_: object) -> None:
        for address in [*self._doors]:
            self._close(address)
        self._selector.close()

    def ask(self, address: str, mode: int) -> None:
        """Send one question, unless the address has refused one, or could not be asked."""
        if address in self._asked and address not in self._doors:
            return
        try:
            if address not in self._doors:
                self._doors[address] = sockets.connect(address, self._port)
                self._selector.register(self._doors[address], selectors.EVENT_READ, address)
            self._doors[address].send(_QUESTIONS[mode])
        except OSError as problem:
            # After a first question this is what became of that one: the port is closed.
            if address not in self._asked:
                self._problems[address] = sockets.words(problem, address, self._port)
            self._close(address)
        self._asked.add(address)

    def listen(self, until_s: float, *, until_all_have_answered: bool = False) -> None:
        """Hear what comes until then."""
        while True:
            left_s = until_s - time.monotonic()
            quiet = until_all_have_answered and all(map(self._has_answered, self._doors))
            ready = self._selector.select(max(0.0, min(left_s, _QUIET_S) if quiet else left_s))
            for key, _ in ready:
                self._hear(key.data)
            if left_s <= 0 or (quiet and not ready):
                return

    def _has_answered(self, address: str) -> bool:
        return self._received[address].keys() == _QUESTIONS.keys()

    def _hear(self, address: str) -> None:
        try:
            reply = self._doors[address].recv(_LONGEST)
        except BlockingIOError:  # a datagram with a bad checksum wakes the selector, and is gone
            return
        except OSError:
            self._close(address)
            return
        self._read[address] += 1
        received = self._received[address]
        mode = _mode(reply)
        if mode:
            received[mode] = received.get(mode, 0) + len(reply)
        if self._read[address] == _MOST_DATAGRAMS:
            self._close(address)

    def _close(self, address: str) -> None:
        door = self._doors.pop(address, None)
        if door:
            self._selector.unregister(door)
            door.close()

    def result(self, address: str) -> Managed:
        """What became of it."""
        received = self._received[address]
        answers = (Exposure(mode, len(_QUESTIONS[mode]), received[mode]) for mode in sorted(received))
        return Managed(address, tuple(answers), self._problems.get(address, ""))


def _mode(reply: bytes) -> int:
    """The mode of a datagram, if it is an answer to management; else 0."""
    if len(reply) < 2:
        return 0
    mode = reply[0] & 7
    flags = {mode6.MODE: reply[1], PRIVATE: reply[0]}
    return mode if flags.get(mode, 0) & _RESPONSE else 0
