"""Connected UDP sockets: the kernel drops what does not come from the address asked, and reports what ICMP refuses."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import struct
import time
from array import array
from collections.abc import Iterable

#: What the kernel's error numbers mean to somebody who wants an answer from an address.
_WORDS = {
    errno.EAFNOSUPPORT: "this host does not speak {family}",
    errno.EADDRNOTAVAIL: "this host has no {family} address to ask from",
    errno.ENETUNREACH: "this host has no {family} route to it",
    errno.EHOSTUNREACH: "no route to it",
    errno.EPERM: "this host's own firewall forbids asking it",
    errno.EACCES: "this host's own firewall or routes forbid asking it",
    errno.ECONNREFUSED: "refused: nothing listens on UDP {port}",
}

#: What ICMP reports of a question that has left: the kernel tells it by the same numbers.
_REFUSALS = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EACCES})

# Linux' own numbers (asm-generic/socket.h), which Python does not name.
_SO_ATTACH_FILTER = 26
_SO_TIMESTAMPNS = 35
_SO_MEMINFO = 55
_MEMINFO = struct.Struct("9I")
_TIMESPEC = struct.Struct("ll")
#: Files that are open beside all sockets, at most.
_OTHER_FILES = 100
#: A stamp that is older than this, or of the future, was taken before somebody set the clock.
_BELIEVED_NS = 1_000_000_000
#: Between two readings of clocks, no longer than this.
_TORN_NS = 50_000

# The four instructions of the kernel's packet filter that are needed here (linux/filter.h), and where an answer's echo lies in
# what the filter sees, which begins with the UDP header.
_LOAD_WORD, _IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_INSTRUCTION = struct.Struct("HBBI")
_ECHO = 8 + 24


def connect(address: str, port: int) -> socket.socket:
    """Open a non-blocking UDP socket, from a port above 1023, that hears this literal address and port alone.

    OSError when the host cannot (see `words`), or when the text is not an address: nothing is ever looked up here.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    socket.inet_pton(family, address)
    door = socket.socket(family, socket.SOCK_DGRAM)
    try:
        door.settimeout(0)
        door.connect((address, port))
    except OSError:
        door.close()
        raise
    return door


def own_among(addresses: Iterable[str], port: int) -> frozenset[str]:
    """Which of these are this host's own: what it would ask them from is the address itself. No packet is sent."""
    found = set()
    for address in addresses:
        with contextlib.suppress(OSError), connect(address, port) as door:
            if door.getsockname()[0] == address:
                found.add(address)
    return frozenset(found)


def make_room(count: int) -> None:
    """Let this process open so many sockets, as far as it may: many shells allow 1024 files, and much more to who asks."""
    import resource  # noqa: PLC0415

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + _OTHER_FILES
    if soft == resource.RLIM_INFINITY or wanted <= soft:
        return
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def stamp_arrivals(door: socket.socket) -> None:
    """Have the kernel note when each datagram comes; for then many servers' answers may lie there when the first is read."""
    with contextlib.suppress(OSError):
        door.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)


def receive(door: socket.socket) -> tuple[bytes, int]:
    """Give a datagram, and when it came: nanoseconds of the monotonic clock. BlockingIOError when there is none."""
    datagram, notes, _, _ = door.recvmsg(1024, socket.CMSG_SPACE(_TIMESPEC.size))
    now_ns, clock_ns = _both_clocks()
    for level, kind, data in notes:
        if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS) and len(data) == _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack(data)
            age_ns = clock_ns - (seconds * 1_000_000_000 + nanoseconds)
            return datagram, now_ns - (age_ns if 0 <= age_ns < _BELIEVED_NS else 0)
    return datagram, now_ns


def _both_clocks() -> tuple[int, int]:
    """Read the monotonic clock and that of the day with nothing in between, as another thread or program would be."""
    for _ in range(5):
        now_ns, clock_ns = time.monotonic_ns(), time.time_ns()
        if time.monotonic_ns() - now_ns < _TORN_NS:
            break
    return now_ns, clock_ns


def drop_all_but_echoes(door: socket.socket, nonces: Iterable[bytes]) -> None:
    """Have the kernel drop what does not echo one of these 8 bytes: a flood then neither costs time nor fills the buffer.

    What lies in the buffer already is not dropped. Without such a filter, all else works the same.
    """
    code = b""
    for nonce in nonces:
        high, low = struct.unpack("!II", nonce)
        code += _INSTRUCTION.pack(_LOAD_WORD, 0, 0, _ECHO) + _INSTRUCTION.pack(_IF_EQUAL, 0, 3, high)
        code += _INSTRUCTION.pack(_LOAD_WORD, 0, 0, _ECHO + 4) + _INSTRUCTION.pack(_IF_EQUAL, 0, 1, low)
        code += _INSTRUCTION.pack(_RETURN, 0, 0, 0xFFFFFFFF)
    code += _INSTRUCTION.pack(_RETURN, 0, 0, 0)
    memory = array("B", code)
    where, _ = memory.buffer_info()
    program = struct.pack("HP", len(code) // _INSTRUCTION.size, where)
    with contextlib.suppress(OSError):
        door.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


def dropped(door: socket.socket) -> int:
    """Give how many datagrams the kernel has dropped that came to this socket; 0 where it does not tell (before Linux 4.12)."""
    with contextlib.suppress(OSError):
        info = door.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
        if len(info) == _MEMINFO.size:
            return int(_MEMINFO.unpack(info)[-1])
    return 0


def refusal(problem: OSError, address: str, port: int) -> str:
    """Say in words what the network reports of a question that this host has sent."""
    return "a packet filter refuses it" if problem.errno in _REFUSALS else words(problem, address, port)


def words(problem: OSError, address: str, port: int) -> str:
    """Say in words why this address could not be asked."""
    family = "IPv6" if ":" in address else "IPv4"
    if problem.errno is None:
        return str(problem)
    said = _WORDS.get(problem.errno)
    return said.format(family=family, port=port) if said else os.strerror(problem.errno)
