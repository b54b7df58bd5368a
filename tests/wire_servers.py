"""Small servers on loopback, in threads, that answer, or misbehave, as a test tells them to."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Optional

#: What comes back to a question, given the question and how many came before it.
Answers = Callable[[bytes, int], Iterable[bytes]]

NTP_EPOCH_S = 2_208_988_800


class UdpServer:
    """Answers each datagram with those that `answers` gives, after `late_s`; keeps what it was asked."""

    def __init__(
        self,
        answers: Answers,
        *,
        address: str = "127.0.0.1",
        port: int = 0,
        late_s: float = 0,
        strange_port: bool = False,
    ) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.questions: list[bytes] = []
        self.asked_at_s: list[float] = []
        self._answers = answers
        self._late_s = late_s
        self._door = socket.socket(family, socket.SOCK_DGRAM)
        self._door.bind((address, port))
        self._door.settimeout(0.005)
        self._mouth = socket.socket(family, socket.SOCK_DGRAM) if strange_port else self._door
        self.address = address
        self.port: int = self._door.getsockname()[1]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> UdpServer:  # noqa: PYI034 (Self came with Python 3.11)
        self._thread.start()
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self._over.set()
        self._thread.join()
        self._door.close()
        self._mouth.close()

    def _serve(self) -> None:
        while not self._over.is_set():
            try:
                question, client = self._door.recvfrom(4096)
            except socket.timeout:
                continue
            self.asked_at_s.append(time.monotonic())
            self.questions.append(question)
            for answer in self._answers(question, len(self.questions) - 1):
                if self._over.wait(self._late_s):
                    return
                try:
                    self._mouth.sendto(answer, client)
                except OSError:  # the client has left
                    break


def silence(_question: bytes, _number: int) -> list[bytes]:
    return []


def ntp_stamp(seconds: float) -> int:
    """Give a Unix time as 64 bits of NTP time."""
    return int((seconds + NTP_EPOCH_S) * (1 << 32)) % (1 << 64)


def ntp_reply(
    question: bytes,
    *,
    ahead_s: float = 0,
    first: int = 0x24,
    stratum: int = 2,
    refid: bytes = bytes((192, 0, 2, 9)),
    root_delay_s: float = 0.01,
    root_dispersion_s: float = 0.002,
    origin: Optional[bytes] = None,
    received: Optional[int] = None,
    sent: Optional[int] = None,
) -> bytes:
    """Answer as a server would whose clock is so far ahead of ours."""
    now = ntp_stamp(time.time() + ahead_s)
    root = (round(root_delay_s * 65536), round(root_dispersion_s * 65536))
    head = struct.pack("!BBBbII4sQ", first, stratum, 6, -23, *root, refid, now)
    stamps = struct.pack("!QQ", now if received is None else received, now if sent is None else sent)
    return head + (question[40:48] if origin is None else origin) + stamps


def control_reply(
    question: bytes,
    data: bytes = b"",
    *,
    flags: int = 0,
    status: int = 0x0615,
    offset: int = 0,
    sequence: int = 0,
    associd: int = 0,
    first: int = 0x16,
) -> bytes:
    """Answer a control message; sequence and associd are added to those of the question."""
    _, opcode, asked_sequence, _, asked_associd, _, _ = struct.unpack("!BBHHHHH", question[:12])
    ids = (asked_sequence + sequence & 0xFFFF, status, asked_associd + associd)
    head = struct.pack("!BBHHHHH", first, 0x80 | flags | opcode, *ids, offset, len(data))
    return head + data + bytes(-len(data) % 4)


def fragments(question: bytes, data: bytes, size: int = 100, status: int = 0x0615) -> list[bytes]:
    """Answer a control message in pieces."""
    cuts = range(0, len(data) or 1, size)
    return [
        control_reply(
            question, data[at : at + size], flags=0x20 if at + size < len(data) else 0, offset=at, status=status
        )
        for at in cuts
    ]
