"""Whether a time daemon answers management queries: control messages, mode 6, and private ones, mode 7.

Both are what amplifiers are made of; mode 7 is classic ntpd's alone, and off there unless `enable mode7` (CVE-2013-5211).
"""

from __future__ import annotations

import selectors
import socket
import time

from ntpjoin.errors import WireError
from ntpjoin.wire import mode6, sockets
from ntpjoin.wire.mode6 import Question

PORT = 123
PRIVATE = 7

#: What ntpq asks, padded to nothing: READVAR for the system, sequence 1.
_CONTROL = Question(mode6.READVAR, 1).coded()
#: What was asked for the list of the last 600 clients (MON_GETLIST_1 of implementation 3, ntp_request.h), in version 2.
_PRIVATE = bytes((2 << 3 | PRIVATE, 0, 3, 42, 0, 0, 0, 0))
#: In the first byte of mode 7 and in the second one of mode 6: this is an answer.
_RESPONSE = 0x80
#: Datagrams read before it is given up, ours or not.
_MOST_DATAGRAMS = 1000


def managed(address: str, timeout_s: float = 2.0, port: int = PORT) -> tuple[int, ...]:
    """Ask the smallest question of each mode, once; give those, like (6, 7), in which anything comes back, be it an error.

    A silence, or a refused port, is believable only beside a server that is known to answer something else.
    WireError when this host cannot ask at all.
    """
    found: set[int] = set()
    try:
        with sockets.connect(address, port) as door, selectors.DefaultSelector() as selector:
            selector.register(door, selectors.EVENT_READ)
            ends_s = time.monotonic() + timeout_s
            for question in (_CONTROL, _PRIVATE):
                door.send(question)
            for _ in range(_MOST_DATAGRAMS):
                if len(found) == 2 or not selector.select(max(0.0, ends_s - time.monotonic())):
                    break
                found |= _mode(door)
    except ConnectionRefusedError:
        pass
    except OSError as problem:
        raise WireError(f"{address} could not be asked: {sockets.words(problem, address, port)}") from None
    return tuple(sorted(found))


def _mode(door: socket.socket) -> set[int]:
    """The mode of the datagram that is there, if it is an answer."""
    try:
        reply = door.recv(2048)
    except BlockingIOError:  # a datagram with a bad checksum wakes the selector, and is gone
        return set()
    if len(reply) < 2:
        return set()
    mode = reply[0] & 7
    answers = {mode6.MODE: reply[1], PRIVATE: reply[0]}
    return {mode} if answers.get(mode, 0) & _RESPONSE else set()
