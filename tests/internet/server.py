"""The stations of a test internet on real sockets. A program: `python3 -I server.py`, stations as JSON on stdin.

It needs nothing but the standard library, and addresses that are routed to this host; no interface must have them.
"""

from __future__ import annotations

import contextlib
import heapq
import ipaddress
import json
import select
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

if not __package__:  # as a program it finds nothing of ours by itself
    sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.internet.stations import Behaviour, Parcel, Station, neighbour, parcels

PORT = 123
_NS = 1_000_000_000

# Linux' own numbers, most of which Python does not name: arrival stamps, destinations, and sources that no interface has.
_SO_TIMESTAMPNS = 35
_IP_PKTINFO, _IP_FREEBIND = 8, 15
_IPV6_RECVPKTINFO, _IPV6_PKTINFO, _IPV6_FREEBIND = 49, 50, 78
_TIMESPEC, _PKTINFO = struct.Struct("ll"), struct.Struct("i4s4s")


class Door:
    """One socket for all stations of a family: it hears which of them was asked, and speaks for whom it likes."""

    def __init__(self, version: int, port: int) -> None:
        self._four = version == 4
        self._socket = socket.socket(socket.AF_INET if self._four else socket.AF_INET6, socket.SOCK_DGRAM)
        level, *options = (
            (socket.IPPROTO_IP, _IP_PKTINFO, _IP_FREEBIND)
            if self._four
            else (socket.IPPROTO_IPV6, _IPV6_RECVPKTINFO, _IPV6_FREEBIND, socket.IPV6_V6ONLY)
        )
        for option in options:
            self._socket.setsockopt(level, option, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self._socket.settimeout(0)
        self._socket.bind(("" if self._four else "::", port))
        self.port: int = self._socket.getsockname()[1]

    def fileno(self) -> int:
        """For epoll."""
        return self._socket.fileno()

    def close(self) -> None:
        """Be heard no more."""
        self._socket.close()

    def hear(self) -> tuple[bytes, str, tuple[object, ...], int]:
        """Give a question, the address it was sent to, who asks, and when it came. BlockingIOError when there is none."""
        question, notes, _, client = self._socket.recvmsg(2048, 256)
        asked, came_ns = "", time.time_ns()
        for level, kind, data in notes:
            if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS):
                seconds, rest = _TIMESPEC.unpack(data)
                came_ns = seconds * _NS + rest
            elif (level, kind) == (socket.IPPROTO_IP, _IP_PKTINFO):
                asked = socket.inet_ntop(socket.AF_INET, _PKTINFO.unpack(data)[2])
            elif (level, kind) == (socket.IPPROTO_IPV6, _IPV6_PKTINFO):
                asked = socket.inet_ntop(socket.AF_INET6, data[:16])
        return question, asked, client, came_ns

    def say(self, datagram: bytes, source: str, client: tuple[object, ...]) -> None:
        """Send a datagram from this address; where that fails, it is lost."""
        packed = ipaddress.ip_address(source).packed
        note = (
            (socket.IPPROTO_IP, _IP_PKTINFO, _PKTINFO.pack(0, packed, bytes(4)))
            if self._four
            else (socket.IPPROTO_IPV6, _IPV6_PKTINFO, packed + bytes(4))
        )
        with contextlib.suppress(OSError):
            self._socket.sendmsg([datagram], [note], 0, client)


class Server:
    """All stations in one loop: what is due is said, what comes is heard."""

    def __init__(self, stations: Iterable[Station], doors: Iterable[Door]) -> None:
        self._stations = {station.address: station for station in stations}
        self._counts = dict.fromkeys(self._stations, 0)
        self._doors = {door.fileno(): door for door in doors}
        self._due: list[tuple[int, int, Parcel, str, Door, tuple[object, ...]]] = []
        self._number = 0

    def serve(self, over: Callable[[], bool] = lambda: False) -> None:
        """Until it is over; that is asked every tenth of a second."""
        with select.epoll() as waiting:
            for fileno in self._doors:
                waiting.register(fileno, select.EPOLLIN)
            while not over():
                wait_ns = self._due[0][0] - time.time_ns() if self._due else _NS
                for fileno, _ in waiting.poll(min(max(0.0, wait_ns / _NS), 0.1)):
                    self._hear(self._doors[fileno])
                self._speak()

    def _hear(self, door: Door) -> None:
        for _ in range(64):  # then what is due has its turn
            try:
                question, asked, client, came_ns = door.hear()
            except BlockingIOError:
                return
            station = self._stations.get(asked)
            if not station:
                continue
            for parcel in parcels(station, question, self._counts[asked], came_ns):
                self._number += 1
                source = neighbour(asked) if parcel.stranger else asked
                heapq.heappush(self._due, (came_ns + parcel.after_ns, self._number, parcel, source, door, client))
            self._counts[asked] += 1

    def _speak(self) -> None:
        now_ns = time.time_ns()
        while self._due and self._due[0][0] <= now_ns:
            due_ns, _, parcel, source, door, client = heapq.heappop(self._due)
            datagram = parcel.datagram
            if parcel.timed:  # our own slowness is none of the path's
                late = (time.time_ns() - due_ns << 32) // _NS
                sent = (int.from_bytes(datagram[40:48], "big") + late) % (1 << 64)
                datagram = datagram[:40] + sent.to_bytes(8, "big")
            door.say(datagram, source, client)


def main() -> None:
    """Serve the stations on stdin until somebody kills us."""
    rows = json.load(sys.stdin)
    stations = [Station(**{**row, "behaviour": Behaviour(row["behaviour"])}) for row in rows]
    doors = [Door(version, PORT) for version in (4, 6)]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    Server(stations, doors).serve()


if __name__ == "__main__":
    main()
