"""Asks time servers once each, and prints what they said as JSON. Run as a program on a lab host."""

from __future__ import annotations

import json
import select
import socket
import struct
import sys
import time

ERA = 2208988800


def main() -> None:
    limit, *addresses = sys.argv[1:]
    asked = {}
    for address in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_DGRAM)
        now = time.time()
        packet = bytes([0x23]) + bytes(39) + struct.pack("!II", int(now) + ERA, int(now % 1 * 2**32))
        try:
            sock.connect((address, 123))
            sock.send(packet)
        except OSError:
            continue
        asked[sock] = (address, now)
    told = {}
    deadline = time.monotonic() + float(limit)
    while asked:
        readable, _, _ = select.select(list(asked), [], [], max(0.0, deadline - time.monotonic()))
        if not readable:
            break
        for sock in readable:
            address, sent = asked.pop(sock)
            try:
                reply = sock.recv(1024)
            except OSError:
                continue
            words = struct.unpack("!BBbb11I", reply[:48])
            seconds, fraction = words[13:15]
            now = time.time()
            offset = seconds - ERA + fraction / 2**32 - (sent + now) / 2
            told[address] = {
                "leap": words[0] >> 6,
                "stratum": words[1],
                "offset": round(offset, 6),
                "delay": round(now - sent, 6),
            }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
