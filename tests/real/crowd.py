"""Asks a time server once from each of many addresses, at a steady pace; prints how many of the questions were answered.

Arguments: the server, a network whose addresses all are this host's (a local route), how many, how many a second, from which port.
"""

from __future__ import annotations

import ipaddress
import os
import select
import socket
import struct
import sys
import time

#: Linux' own numbers (linux/in.h, linux/in6.h, asm-generic/socket.h).
IP_PKTINFO, IPV6_PKTINFO, SO_RCVBUFFORCE, IP_FREEBIND, IPV6_FREEBIND = 8, 50, 33, 15, 78
LAST_S = 5.0


def source_of(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> tuple[int, int, bytes]:
    """The control message that gives a packet its source."""
    if address.version == 4:
        return socket.IPPROTO_IP, IP_PKTINFO, struct.pack("=I4s4s", 0, address.packed, address.packed)
    return socket.IPPROTO_IPV6, IPV6_PKTINFO, struct.pack("=16sI", address.packed, 0)


def main(server: str, network: str, count: int, rate: float, port: int) -> int:
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    door = socket.socket(family, socket.SOCK_DGRAM)
    door.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
    # A packet may come from an address that no interface has.
    door.setsockopt(
        *((socket.IPPROTO_IPV6, IPV6_FREEBIND) if family == socket.AF_INET6 else (socket.IPPROTO_IP, IP_FREEBIND)), 1
    )
    door.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", port))
    first = ipaddress.ip_network(network)[1]
    waiting: set[bytes] = set()
    began = time.monotonic()

    def hear(until: float) -> None:
        while (left := until - time.monotonic()) > 0:
            if select.select([door], [], [], left)[0]:
                waiting.discard(door.recv(1024)[24:32])

    for number in range(count):
        nonce = os.urandom(8)
        waiting.add(nonce)
        door.sendmsg([b"\x23" + bytes(39) + nonce], [source_of(first + number)], 0, (server, 123))
        hear(began + (number + 1) / rate)
    hear(time.monotonic() + LAST_S)
    return count - len(waiting)


if __name__ == "__main__":
    print(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5])))
