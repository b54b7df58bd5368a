"""Connected UDP sockets: the kernel drops what does not come from the address asked, and reports what ICMP refuses."""

from __future__ import annotations

import errno
import os
import socket

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


def words(problem: OSError, address: str, port: int) -> str:
    """Say in words why this address could not be asked."""
    family = "IPv6" if ":" in address else "IPv4"
    if problem.errno is None:
        return str(problem)
    said = _WORDS.get(problem.errno)
    return said.format(family=family, port=port) if said else os.strerror(problem.errno)
