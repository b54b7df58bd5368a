"""Connections to a server by its name, over TCP and TLS, all steps together within one bounded time."""

from __future__ import annotations

import errno
import queue
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

from ntpjoin.wire import sockets

if TYPE_CHECKING:
    import ssl

#: So many addresses of a name are tried.
_MOST_ADDRESSES = 6

#: What getaddrinfo(3) says, in the words of `wire.dns`.
_LOOKUP = {
    socket.EAI_NONAME: "no such name",
    socket.EAI_NODATA: "the name has no address",
    socket.EAI_AGAIN: "no DNS server answered",
}

#: What is to be looked at where a certificate is refused, by OpenSSL's number of the reason (x509_vfy.h).
_CLOCK = "look at this host's clock: timedatectl"
_AUTHORITY = (
    "if the server is the right one: install ca-certificates, or name the file of its authority in SSL_CERT_FILE"
)
_CERTIFICATE = {9: _CLOCK, 10: _CLOCK, 18: _AUTHORITY, 19: _AUTHORITY, 20: _AUTHORITY, 21: _AUTHORITY}


class Fault(Exception):
    """Why nothing can be had from a server, in words; `remedy` is what could be done, '' where nobody knows."""

    def __init__(self, why: str, remedy: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.remedy = remedy


class OtherFamily(Fault):
    """It has no address of the family of the one from which it is to be asked."""


class Limits:
    """What is left of the seconds and the bytes that all may take; `doing` tells what has not come about where it takes too long."""

    def __init__(self, timeout_s: float, most_bytes: int) -> None:
        self.doing = ""
        self._timeout_s = timeout_s
        self._ends_s = time.monotonic() + timeout_s
        self._most = self._left = most_bytes

    def left_s(self) -> float:
        """How long it may still take; raises Fault where the time is over."""
        left_s = self._ends_s - time.monotonic()
        if left_s <= 0:
            raise self.over()
        return left_s

    def over(self) -> Fault:
        """What to raise where the time is over."""
        return Fault(f"{self.doing} within {self._timeout_s:g} s", "try again later")

    def count(self, came: int) -> None:
        """So many bytes came; raises Fault where they are too many."""
        self._left -= came
        if self._left < 0:
            raise Fault(f"more than {self._most} bytes came")


def connect(host: str, port: int, source: str, limits: Limits) -> socket.socket:
    """Connect to the first of its addresses that takes it, from the address `source` of this host unless that is ''. Raises Fault."""
    limits.doing = "DNS has not told where it is"
    found = _addresses(host, port, source, limits)[:_MOST_ADDRESSES]
    limits.doing = "no connection"
    why: list[str] = []
    for number, (family, place) in enumerate(found):
        door = socket.socket(family, socket.SOCK_STREAM)
        try:
            door.settimeout(limits.left_s() / (len(found) - number))
            if source:
                _bind(door, source)
            door.connect(place)
        except socket.timeout:
            door.close()
            why.append(f"no answer from {place[0]}")
        except OSError as error:
            door.close()
            why.append(f"{place[0]}: {_words(error, *place[:2])}")
        except BaseException:
            door.close()
            raise
        else:
            return door
    raise Fault("; ".join(why))


def _bind(door: socket.socket, source: str) -> None:
    try:
        door.bind((source, 0))
    except OSError as error:
        raise Fault(
            f"this host cannot ask from {source}: {error.strerror}", "look at its addresses: ip address"
        ) from error


def _words(error: OSError, address: str, port: int) -> str:
    if error.errno == errno.ECONNREFUSED:
        return f"refused: nothing listens on TCP {port}"
    return sockets.words(error, address, port)


def _addresses(host: str, port: int, source: str, limits: Limits) -> list[tuple[int, Any]]:
    """Family and address of each, as the system finds them: by its hosts file, too. Nothing can end that, so it is left behind."""
    family = socket.AF_UNSPEC if not source else socket.AF_INET6 if ":" in source else socket.AF_INET
    told: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def look() -> None:
        try:
            told.put(socket.getaddrinfo(host, port, family, socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            told.put(error)

    threading.Thread(target=look, name="ntpjoin-web", daemon=True).start()
    try:
        found = told.get(timeout=limits.left_s())
    except queue.Empty:
        raise limits.over() from None
    if isinstance(found, Exception):
        raise _no_address(found, source)
    return [(one[0], one[4]) for one in found]


def _no_address(error: Exception, source: str) -> Fault:
    number = error.errno if isinstance(error, OSError) else socket.EAI_NONAME
    if source and number in (socket.EAI_NONAME, socket.EAI_NODATA, socket.EAI_ADDRFAMILY):
        return OtherFamily(f"it has no {'IPv6' if ':' in source else 'IPv4'} address")
    return Fault(_LOOKUP.get(number or 0, f"its address cannot be found: {error}"))


def secured(door: socket.socket, host: str, limits: Limits) -> ssl.SSLSocket:
    """The same connection over TLS; the certificate is valid, and is this host's. Raises Fault."""
    import ssl  # noqa: PLC0415

    limits.doing = "no secure connection"
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Who breaks off without a word may have been cut off by somebody else; Python 3.9 has OpenSSL 3 overlook that.
    context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    try:
        door.settimeout(limits.left_s())
        return context.wrap_socket(door, server_hostname=host, suppress_ragged_eofs=False)
    except ssl.SSLCertVerificationError as error:
        reason = error.verify_message.rstrip(".")
        raise Fault(f"its certificate is refused: {reason}", _CERTIFICATE.get(error.verify_code, "")) from error
    except socket.timeout as error:
        raise limits.over() from error
    except OSError as error:
        raise Fault("it does not speak TLS as it should") from error
