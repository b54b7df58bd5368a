"""Asking a web server of this host for a page, as a browser does that has come by some name: its status, and where it leads.

What is at the page is not read. HTTP/1.1 (RFC 9112), without TLS.
"""

from __future__ import annotations

import contextlib
import errno
import re
import socket
import time

from ntpjoin.web import Visit
from ntpjoin.wire import sockets

PORT = 80
#: All of the headers; servers send less than one.
_MOST_BYTES = 1 << 16
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})[ \r]")
_LOCATION = re.compile(rb"\r\nlocation:[ \t]*([!-~]{1,2000})[ \t]*\r\n", re.IGNORECASE)


def visit(address: str, name: str, path: str = "/", *, timeout_s: float = 10.0, port: int = PORT) -> Visit:
    """Ask at this literal address for a page of the host `name`. Takes `timeout_s` at most; nothing is raised."""
    ends_s = time.monotonic() + timeout_s
    question = f"GET {path} HTTP/1.1\r\nHost: {name}\r\nUser-Agent: ntpjoin\r\nConnection: close\r\n\r\n".encode(
        "ascii"
    )
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with contextlib.closing(socket.socket(family, socket.SOCK_STREAM)) as door:
            door.settimeout(timeout_s)
            door.connect((address, port))
            door.sendall(question)
            headers = _headers(door, ends_s)
    except socket.timeout:
        return Visit(address, name, path, problem=f"no answer within {timeout_s:g} s")
    except OSError as error:
        return Visit(address, name, path, problem=_words(error, address, port))
    status, location = _STATUS.match(headers), _LOCATION.search(headers)
    if status is None:
        return Visit(address, name, path, problem="what came is not what a web server says")
    return Visit(address, name, path, int(status[1]), location[1].decode("ascii") if location else "")


def _headers(door: socket.socket, ends_s: float) -> bytes:
    """What comes until the headers end, the server has no more to say, or it is too much. socket.timeout at the end of time."""
    came = b""
    while b"\r\n\r\n" not in came and len(came) < _MOST_BYTES:
        left_s = ends_s - time.monotonic()
        if left_s <= 0:
            raise socket.timeout
        door.settimeout(left_s)
        more = door.recv(4096)
        if not more:
            break
        came += more
    return came.partition(b"\r\n\r\n")[0] + b"\r\n"


def _words(error: OSError, address: str, port: int) -> str:
    if error.errno == errno.ECONNREFUSED:
        return f"nothing listens on TCP {port}"
    return sockets.words(error, address, port)
