"""Sees every packet to and from UDP 123 on the wire. A program: `python3 -I eavesdropper.py INTERFACE`, until its stdin ends; JSON.

A packet is when it passed (nanoseconds, by the kernel), whether it went out, the far address, and its datagram in hex.
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import struct
import sys

_ALL, _IPV4, _IPV6, _UDP, _PORT = 0x0003, 0x0800, 0x86DD, 17, 123
_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("ll")


def parsed(version: int, packet: bytes, out: bool) -> tuple[str, bytes]:
    """The far address and the datagram; empty where it is something else."""
    if version == _IPV4 and packet[9] == _UDP:
        near, far, rest = packet[12:16], packet[16:20], packet[4 * (packet[0] & 15) :]
    elif version == _IPV6 and packet[6] == _UDP:
        near, far, rest = packet[8:24], packet[24:40], packet[40:]
    else:
        return "", b""
    if not out:
        near, far = far, near
    if struct.unpack_from("!HH", rest)[out] != _PORT:
        return "", b""
    return socket.inet_ntop(socket.AF_INET if len(far) == 4 else socket.AF_INET6, far), rest[8:]


def main() -> None:
    door = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
    door.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    door.settimeout(0)
    door.bind((sys.argv[1], _ALL))
    seen: list[tuple[int, bool, str, str]] = []
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        readable, _, _ = select.select([door.fileno(), 0], [], [])
        with contextlib.suppress(BlockingIOError):
            while True:
                packet, notes, _, source = door.recvmsg(2048, 64)
                version, kind = source[1:3]
                [(_, _, stamp)] = [note for note in notes if note[:2] == (socket.SOL_SOCKET, _SO_TIMESTAMPNS)]
                seconds, rest = _TIMESPEC.unpack(stamp)
                out = kind == socket.PACKET_OUTGOING
                far, datagram = parsed(version, packet, out)
                if far:
                    seen.append((seconds * 1_000_000_000 + rest, out, far, datagram.hex()))
        if 0 in readable:
            json.dump(seen, sys.stdout)
            return


if __name__ == "__main__":
    main()
