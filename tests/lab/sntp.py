"""Asks time servers, and prints what they said as JSON. Run as a program on a lab host.

`sntp.py LIMIT_S ADDRESS…`: of an address that is named several times the quickest answer counts.
`sntp.py --behind SECONDS LIMIT_S ADDRESS…`: sets this host's clock so far behind theirs first.
"""

from __future__ import annotations

import json
import select
import socket
import struct
import sys
import time
from contextlib import suppress

ERA = 2208988800
#: From asm-generic/socket.h; Python has no name for it.
SO_TIMESTAMPNS = 35
#: How exactly the clock is set, and how often that is tried.
CLOSE_S, TRIES = 0.0005, 30


def opened(address: str) -> socket.socket:
    """A socket whose packets the kernel stamps: an emulated processor comes to reading them milliseconds later."""
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    sock.connect((address, 123))
    return sock


def send(sock: socket.socket) -> float:
    now = time.time()
    sock.send(bytes([0x23]) + bytes(39) + struct.pack("!II", int(now) + ERA, int(now % 1 * 2**32)))
    return now


def receive(sock: socket.socket, sent: float) -> dict[str, float]:
    reply, stamps, _, _ = sock.recvmsg(1024, socket.CMSG_SPACE(16))
    [stamp] = [data for level, kind, data in stamps if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS)]
    seconds, nanoseconds = struct.unpack("@qq", stamp)
    now = seconds + nanoseconds / 1e9
    words = struct.unpack("!BBbb11I", reply[:48])
    offset = words[13] - ERA + words[14] / 2**32 - (sent + now) / 2
    return {"leap": words[0] >> 6, "stratum": words[1], "offset": round(offset, 6), "delay": round(now - sent, 6)}


def ask(limit_s: float, addresses: list[str]) -> dict[str, dict[str, float]]:
    """What each said that answers in time."""
    asked = {}
    for address in addresses:
        with suppress(OSError):
            sock = opened(address)
            asked[sock] = (address, send(sock))
    told: dict[str, dict[str, float]] = {}
    deadline = time.monotonic() + limit_s
    while asked:
        readable, _, _ = select.select(list(asked), [], [], max(0.0, deadline - time.monotonic()))
        if not readable:
            break
        for sock in readable:
            address, sent = asked.pop(sock)
            with suppress(OSError):
                answer = receive(sock, sent)
                told[address] = min(answer, told.get(address, answer), key=lambda one: one["delay"])
    return told


def set_behind(behind_s: float, limit_s: float, addresses: list[str]) -> None:
    """Set the clock, look how far off it is now, and set it again until it is right."""
    for _ in range(TRIES):
        quickest = min(ask(limit_s, addresses).values(), key=lambda one: one["delay"])
        error_s = quickest["offset"] - behind_s
        if abs(error_s) < CLOSE_S:
            return
        time.clock_settime(time.CLOCK_REALTIME, time.time() + error_s)
    sys.exit(f"the clock is {error_s} s from where it should be, and was set {TRIES} times")


def main() -> None:
    words = sys.argv[1:]
    if words[0] == "--behind":
        set_behind(float(words[1]), float(words[2]), words[3:])
        words = words[2:]
    print(json.dumps(ask(float(words[0]), words[1:])))


if __name__ == "__main__":
    main()
