"""Asking a time daemon about itself: its associations and their variables."""

from __future__ import annotations

import os
import selectors
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Optional

from ntpjoin.errors import WireError
from ntpjoin.records import dataclass
from ntpjoin.wire import mode6, sockets
from ntpjoin.wire.mode6 import Answer, Assembly, PeerStatus, Question, SystemStatus

PORT = 123

_TRIES = 2
#: Datagrams read for one question before it is given up, ours or not.
_MOST_DATAGRAMS = 1000


@dataclass(frozen=True)
class Association:
    """A daemon's number for one of its sources, and that source's status word."""

    associd: int
    status: int

    @property
    def decoded(self) -> PeerStatus:
        """The status word taken apart."""
        return PeerStatus.decode(self.status)


class ControlClient:
    """Speaks mode 6 with one daemon; a context manager.

    Waits `timeout_s` for an answer's first fragment and `rest_s` for all others, and asks twice. Every method raises
    WireError: silence, refusal, or an answer that cannot be read.
    """

    def __init__(self, address: str, port: int = PORT, timeout_s: float = 5.0, rest_s: float = 3.0) -> None:
        self._address = address
        self._port = port
        self._timeout_s = timeout_s
        self._rest_s = rest_s
        self._sequence = int.from_bytes(os.urandom(2), "big") >> 1
        try:
            self._door = sockets.connect(address, port)
        except OSError as problem:
            raise self._unreachable(problem) from None

    def __enter__(self) -> ControlClient:  # noqa: PYI034 (Self came with Python 3.11)
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self._door.close()

    def status(self) -> tuple[SystemStatus, tuple[Association, ...]]:
        """The system's status word, taken apart, and the daemon's sources, in its order."""
        answer = self.ask(mode6.READSTAT)
        sources = tuple(Association(*pair) for pair in mode6.associations(answer.data))
        return SystemStatus.decode(answer.status), sources

    def variables(self, associd: int = 0, names: Iterable[str] = ()) -> dict[str, str]:
        """Read these variables of an association (0: the system), or those that the daemon gives unasked."""
        return mode6.variables(self.ask(mode6.READVAR, associd, ",".join(names).encode("ascii")).data)

    def ask(self, opcode: int, associd: int = 0, data: bytes = b"") -> Answer:
        """Put one request and wait for the whole answer."""
        partly = False
        for _ in range(_TRIES):
            self._sequence = self._sequence % 0xFFFF + 1
            question = Question(opcode, self._sequence, associd, data)
            assembly = Assembly(question)
            try:
                self._door.send(question.coded())
                answer = self._gather(assembly)
            except OSError as problem:
                raise self._unreachable(problem) from None
            if answer:
                return answer
            partly = partly or assembly.started
        if partly:
            raise WireError(f"the answer of the daemon at {self._address} did not come whole")
        raise WireError(
            f"the daemon at {self._address} answers no control messages (within {self._timeout_s:g} s, twice)"
        )

    def _gather(self, assembly: Assembly) -> Optional[Answer]:
        ends_s = time.monotonic() + self._timeout_s
        started = False
        with selectors.DefaultSelector() as selector:
            selector.register(self._door, selectors.EVENT_READ)
            for _ in range(_MOST_DATAGRAMS):
                left_s = ends_s - time.monotonic()
                if left_s <= 0 or not selector.select(left_s):
                    return None
                try:
                    answer = assembly.add(self._door.recv(2048))
                except BlockingIOError:  # a datagram with a bad checksum wakes the selector, and is gone
                    continue
                if answer:
                    return answer
                if assembly.started and not started:
                    started, ends_s = True, time.monotonic() + self._rest_s
        return None

    def _unreachable(self, problem: OSError) -> WireError:
        why = sockets.words(problem, self._address, self._port)
        return WireError(f"the daemon at {self._address} could not be asked about itself: {why}")
