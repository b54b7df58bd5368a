"""Forges packets from time servers that were asked, to who asked them. A program: `python3 -I flooder.py COUNT ADDRESS…`; JSON.

It hears the questions, as no forger from afar would, and so knows the port to send to: the worst that can come. For each of the
first questions to an address it sends a part of so many packets, as fast as it can, and none of them echoes the question. It ends
with its standard input, and tells how many it sent from each address.
"""

from __future__ import annotations

import json
import random
import select
import socket
import struct
import sys

PORT, QUESTIONS = 123, 4
_IP_FREEBIND, _IPV6_FREEBIND, _IPV6_CHECKSUM = 15, 78, 7
#: Sent from one address before it is the next one's turn.
_SLICE = 32


class Forger:
    """One address. Every shape that could do harm if it were believed: other times, kisses, strata, stumps."""

    def __init__(self, address: str, count: int) -> None:
        four = ":" not in address
        self.address, self.sent, self.owed = address, 0, 0
        self._part, self._left, self._header_at = count // QUESTIONS, count, 20 if four else 0
        self.socket = socket.socket(socket.AF_INET if four else socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_UDP)
        if four:
            self.socket.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
        else:
            self.socket.setsockopt(socket.IPPROTO_IPV6, _IPV6_FREEBIND, 1)
            self.socket.setsockopt(socket.IPPROTO_IPV6, _IPV6_CHECKSUM, 6)
        self.socket.settimeout(0)
        self.socket.bind((address, 0))
        self._packets: list[bytes] = []
        self._client: tuple[str, int] = ("", 0)

    def hear(self) -> None:
        """Take a question, and owe the client a part of the flood."""
        question, client = self.socket.recvfrom(2048)
        near, far = struct.unpack_from("!HH", question, self._header_at)
        if far != PORT:
            return
        self._client = (client[0], 0)
        self._packets = [_forged(near, number) for number in range(256)]
        part = min(self._part, self._left)
        self.owed += part
        self._left -= part

    def speak(self) -> None:
        """Send some of what is owed."""
        for _ in range(min(_SLICE, self.owed)):
            try:
                self.socket.sendto(self._packets[self.sent % 256], self._client)
            except OSError:  # a full queue
                return
            self.sent += 1
            self.owed -= 1


def _forged(port: int, number: int) -> bytes:
    dice = random.Random(number)
    stratum, refid = ((1, b"GPS\0"), (0, b"DENY"), (0, b"RATE"), (2, b"\x05\x01\x01\x01"))[number % 4]
    head = struct.pack("!BBBbII4s", 0x24, stratum, 6, -23, 0, 0, refid)
    datagram = head + dice.randbytes(8) + dice.randbytes(8) + dice.randbytes(4) * 4
    if number % 8 == 7:
        datagram = datagram[:40]
    return struct.pack("!HHHH", PORT, port, 8 + len(datagram), 0) + datagram


def main() -> None:
    count, addresses = int(sys.argv[1]), sys.argv[2:]
    forgers = [Forger(address, count) for address in addresses]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    doors = {forger.socket.fileno(): forger for forger in forgers}
    while True:
        busy = any(forger.owed for forger in forgers)
        readable, _, _ = select.select([0, *doors], [], [], 0 if busy else None)
        for fileno in readable:
            if fileno:
                doors[fileno].hear()
        for forger in forgers:
            forger.speak()
        if 0 in readable:
            json.dump({forger.address: forger.sent for forger in forgers}, sys.stdout)
            return


if __name__ == "__main__":
    main()
