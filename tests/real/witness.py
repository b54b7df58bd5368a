"""Runs on a lab host where an ntpd runs: asks it in turns by its own ntpq and by ntpjoin, and keeps the packets.

    python -m tests.real.witness TREE ROUNDS GAP_S

A line of JSON a round: what `ntpq -pn` showed before and after, what ntpjoin shows in between, and the packets of that. `garbled`
are the sources of which ntpq was told what it cannot read: NTPsec 1.2.2 sends bytes of its stack in `filtdelay` to who asks for
everything, and where a quotation mark is among them, all that comes after it is lost to its ntpq.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import socket
import struct
import subprocess
import sys
import time
from typing import Any
from unittest import mock

from ntpjoin.errors import WireError
from ntpjoin.show import billboard as shown
from ntpjoin.wire import sockets
from ntpjoin.wire.board import billboard
from ntpjoin.wire.control import PORT, ControlClient
from ntpjoin.wire.mode6 import MODE, READVAR

ALL_PROTOCOLS = 3
IPV4 = 4


class Kept(socket.socket):
    """A socket that keeps what goes through it: each question, and what came back to it."""

    exchanges: list[tuple[bytes, list[bytes]]]

    def send(self, data: Any, *flags: int) -> int:
        self.exchanges.append((bytes(data), []))
        return super().send(data, *flags)

    def recv(self, *size: int) -> bytes:
        data = super().recv(*size)
        self.exchanges[-1][1].append(data)
        return data


def look() -> dict[str, Any]:
    """The rows as ntpjoin shows them, and what was said on the wire."""
    exchanges: list[tuple[bytes, list[bytes]]] = []
    connect = sockets.connect

    def connected(address: str, port: int) -> socket.socket:
        door = Kept(fileno=connect(address, port).detach())
        door.exchanges = exchanges
        return door

    with mock.patch.object(sockets, "connect", connected), ControlClient("127.0.0.1") as client:
        board = billboard(client)
    return {
        "rows": [dataclasses.astuple(row) for row in shown.rows(board, ())],
        "exchanges": [(question.hex(), [answer.hex() for answer in answers]) for question, answers in exchanges],
    }


class Ear:
    """Hears what the daemon answers to others on the loopback interface."""

    def __init__(self) -> None:
        self._door = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ALL_PROTOCOLS))
        self._door.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self._door.bind(("lo", 0))
        self._door.setblocking(False)  # noqa: FBT003

    def garbled(self) -> list[int]:
        """The sources of which, since it was asked last, something was told that no ntpq can read, by their numbers."""
        told: dict[tuple[int, int], bytes] = {}
        with contextlib.suppress(BlockingIOError):
            while True:
                packet, (_, _, kind, *_) = self._door.recvfrom(1 << 16)
                answer = answered(packet) if kind == socket.PACKET_OUTGOING else b""
                if answer:
                    sequence, _, associd, _, count = struct.unpack_from("!5H", answer, 2)
                    key = (associd, sequence)
                    told[key] = told.get(key, b"") + answer[12 : 12 + count]
        return sorted({associd for (associd, _), data in told.items() if associd and data.count(b'"') % 2})


def answered(packet: bytes) -> bytes:
    """The mode 6 answer in an IP packet, if there is one: without options and extension headers, as they are here."""
    datagram = packet[20:] if packet[0] >> 4 == IPV4 else packet[40:]
    protocol = packet[9] if packet[0] >> 4 == IPV4 else packet[6]
    answer = datagram[8:]
    from_ntpd = protocol == socket.IPPROTO_UDP and int.from_bytes(datagram[:2], "big") == PORT
    return answer if from_ntpd and answer[0] & 7 == MODE and answer[1] & 0x9F == 0x80 | READVAR else b""


def main() -> None:
    tree, rounds, gap_s = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    ntpq = ["chroot", tree, "ntpq", "-pn"]
    due_s, ear = time.monotonic(), Ear()
    for _ in range(rounds):
        before = subprocess.run(ntpq, capture_output=True, text=True, check=False).stdout
        garbled, looked = ear.garbled(), {}
        try:
            looked = look()
        except WireError as silent:  # it has not opened its sockets yet
            looked = {"problem": str(silent)}
        ear.garbled()
        after = subprocess.run(ntpq, capture_output=True, text=True, check=False).stdout
        garbled += ear.garbled()
        print(json.dumps({"before": before, "after": after, "garbled": garbled, **looked}), flush=True)
        due_s += gap_s
        time.sleep(max(0.0, due_s - time.monotonic()))


if __name__ == "__main__":
    main()
