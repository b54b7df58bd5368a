"""Talking with one time server: when to ask it, which datagram counts, what its answers come to. No socket and no clock in here.

Whoever drives a talk asks it to `act` when it is due, and lets it `hear` what came back; both with readings of one monotonic clock.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Optional

from ntpjoin.model import KISS, Asked, Sample
from ntpjoin.records import dataclass
from ntpjoin.wire import packet

_NS = 1_000_000_000


@dataclass(frozen=True)
class Manner:
    """How an address is asked: until `samples` answers are there, `questions` times at most, each `gap_s` after the last.

    A question that is not answered within `timeout_s` is lost.
    """

    samples: int
    questions: int
    gap_s: float
    timeout_s: float

    @property
    def longest_s(self) -> float:
        """How long it takes with an address that is silent."""
        return self.gap_s * (self.questions - 1) + self.timeout_s


class Talk:
    """One address: what it was asked, what it has said so far, and `result` once that is known.

    It begins at `begin_ns` of the monotonic clock; `ahead_ns` is by how much this host's own clock is ahead of that.
    """

    def __init__(self, address: str, manner: Manner, begin_ns: int, ahead_ns: int) -> None:
        self.address = address
        self.result: Optional[Asked] = None
        self.due_ns = begin_ns
        #: What an answer echoes, a question after the other: known from the start, so that the kernel need be told but once.
        self.nonces = tuple(os.urandom(8) for _ in range(manner.questions))
        self._manner = manner
        self._ahead_ns = ahead_ns
        self._open: dict[bytes, int] = {}
        self._samples: list[Sample] = []
        self._sent = 0
        self._oddity = ""

    def act(self, now_ns: int) -> bytes:
        """What to send now, when `due_ns` has come; empty when the talk ends instead."""
        timeout_ns = round(self._manner.timeout_s * _NS)
        for nonce in [nonce for nonce, sent_ns in self._open.items() if now_ns - sent_ns >= timeout_ns]:
            del self._open[nonce]
        if self._sent == self._manner.questions:
            if self._open:  # the last ones had less time than that
                self.due_ns = max(self._open.values()) + timeout_ns
            else:
                self.end()
            return b""
        nonce = self.nonces[self._sent]
        self._open[nonce] = now_ns
        self._sent += 1
        last = self._sent == self._manner.questions
        self.due_ns = now_ns + (timeout_ns if last else round(self._manner.gap_s * _NS))
        return packet.request(nonce)

    def hear(self, datagram: bytes, received_ns: int) -> None:
        """Take a datagram that came from this address, and when."""
        oddity = packet.fault(datagram, self._open)
        if not oddity and packet.kiss(datagram):
            self.fail(f"{KISS}{packet.kiss(datagram)}")
            return
        if not oddity:
            oddity = self._count(datagram, received_ns)
        if oddity:
            self._oddity = oddity

    def overhear(self, dropped: int) -> None:
        """Note how many datagrams the kernel has dropped, as they echoed none of the nonces."""
        if dropped and not self._oddity:
            self._oddity = packet.NO_ECHO

    def _count(self, datagram: bytes, received_ns: int) -> str:
        nonce = packet.origin(datagram)
        sent_ns = self._open[nonce]
        try:
            sample = packet.sample(self.address, datagram, sent_ns + self._ahead_ns, received_ns + self._ahead_ns)
        except ValueError as problem:
            return str(problem)
        if received_ns - sent_ns >= self._manner.timeout_s * _NS:
            return "it came too late"
        del self._open[nonce]
        self._samples.append(sample)
        all_asked = self._sent == self._manner.questions and not self._open
        if len(self._samples) == self._manner.samples or all_asked:
            self.end()
        return ""

    def unsend(self) -> None:
        """Take back the question that `act` gave last: it did not leave this host."""
        self._sent -= 1

    @property
    def sent(self) -> int:
        """How many questions have left."""
        return self._sent

    def fail(self, problem: str) -> None:
        """End it: the address cannot be asked, or wants no more questions. What it said before does not count."""
        self.result = Asked(self.address, problem=problem, sent=self._sent, heard=len(self._samples))

    def end(self) -> None:
        """End it with what is known: the answer that was on its way for the shortest time, or none."""
        heard = len(self._samples)
        best = min(self._samples, key=lambda sample: sample.delay_s, default=None)
        problem = "" if best else self._silence()
        self.result = Asked(self.address, best, problem, self._sent, heard, jitter(self._samples), tuple(self._samples))

    def _silence(self) -> str:
        if not self._sent:
            return "not asked yet"
        within = f"within {self._manner.longest_s:g} s"
        return f"no valid answer {within}: {self._oddity}" if self._oddity else f"no answer {within}"


def jitter(samples: Sequence[Sample]) -> float:
    """The root mean square of the differences to the offset of the sample with the least delay, in seconds (RFC 5905, 10)."""
    if len(samples) < 2:
        return 0.0
    first, *others = sorted(samples, key=lambda sample: sample.delay_s)
    return math.sqrt(sum((other.offset_s - first.offset_s) ** 2 for other in others) / len(others))
