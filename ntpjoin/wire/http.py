"""Asking a web server for one page: within one bounded time and size, and over TLS only from one that proves its name.

HTTP/1.1 (RFC 9110, RFC 9112) by the standard library, which is imported when the first page is asked for. The system's certificates
count, or those that OpenSSL is told to use: SSL_CERT_FILE, SSL_CERT_DIR (openssl-env(7)).
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import socket
import time
from collections.abc import Mapping
from typing import Any, Optional

from ntpjoin import __version__
from ntpjoin.errors import WireError, quoted
from ntpjoin.records import dataclass
from ntpjoin.wire.tcp import Fault, Limits, OtherFamily, connect, secured

#: Browsers follow 20; the pool's own site sends one on, once.
_MOST_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PORTS = {"https": 443, "http": 80}
#: What may stand in a URL (RFC 3986): no blank, no control character, nothing beyond ASCII.
_URL = re.compile(r"[!-~]{1,2000}")
_HOST = re.compile(r"[a-z0-9_.-]+|[0-9a-f:.]+")
_PIECE = 1 << 16


@dataclass(frozen=True)
class Page:
    """What lies at a URL, which is the last one where others led to it.

    `fresh_s`: so many seconds it may be used again without asking; None where the server does not say.
    """

    url: str
    body: bytes
    fresh_s: Optional[float] = None

    def data(self) -> Any:
        """What it says in JSON; WireError where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise WireError(f"{_told(self.url)}: what came is not JSON") from error


class Refused(WireError):
    """The server answered, but not with the page: `status` is its code (RFC 9110, section 15).

    `retry_after_s` is how long it wants to be left alone, `fresh_s` how long it will say the same; None where it does not say.
    """

    def __init__(self, message: str, status: int, retry_after_s: Optional[float], fresh_s: Optional[float]) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after_s = retry_after_s
        self.fresh_s = fresh_s


class NoAddress(WireError):
    """The server has no address of the family from which it was to be asked."""


def get(url: str, *, timeout_s: float = 20.0, most_bytes: int = 4 << 20, source: str = "") -> Page:
    """Ask for a page, follow where it has moved, and give it; from the address `source` of this host where one is named.

    Takes `timeout_s` and `most_bytes` at most, all steps together. Raises Refused where the server has another answer, and WireError
    where there is none that can be used, NoAddress where it could not be asked from there; each tells the URL. From https nobody is
    led to plain http.
    """
    limits = Limits(timeout_s, most_bytes)
    for _ in range(_MOST_REDIRECTS + 1):
        try:
            target = _target(url)
            answer = _ask(target, source, limits)
            if answer.status not in _REDIRECTS:
                break
            url = _moved(target, answer.headers.get("location", ""))
        except Fault as fault:
            kind = NoAddress if isinstance(fault, OtherFamily) else WireError
            raise kind(f"{_told(url)}: {fault.why}", fault.remedy) from fault
    else:
        raise WireError(f"{_told(url)}: it is led on more than {_MOST_REDIRECTS} times")
    fresh_s = _fresh_s(answer.headers)
    if answer.status != 200:
        why = f"{_told(url)}: {_phrase(answer.status)}"
        raise Refused(why, answer.status, _retry_after_s(answer.headers), fresh_s)
    return Page(url, answer.body, fresh_s)


def _told(url: str) -> str:
    return url if _URL.fullmatch(url) and len(url) <= 120 else quoted(url, 120)


# --- the question ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Target:
    """A URL, taken apart; without what stands behind #, which is not for the server."""

    url: str
    scheme: str
    host: str
    port: int
    path: str


def _target(url: str) -> _Target:
    from urllib.parse import urlsplit  # noqa: PLC0415

    try:
        parts = urlsplit(url if _URL.fullmatch(url) else "")
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError as error:
        raise Fault("it is no URL") from error
    host = parts.hostname or ""
    if parts.scheme not in _PORTS or not _HOST.fullmatch(host) or "@" in parts.netloc:
        raise Fault("it is no URL of a page")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return _Target(url, parts.scheme, host, port, path)


def _moved(target: _Target, location: str) -> str:
    """Where one is led from there."""
    from urllib.parse import urljoin  # noqa: PLC0415

    if not _URL.fullmatch(location):
        raise Fault("it leads on, but not to a URL")
    try:
        url = urljoin(target.url, location)
    except ValueError as error:
        raise Fault("it leads on, but not to a URL") from error
    if target.scheme == "https" and not url.startswith("https:"):
        raise Fault(f"it leads on to {_told(url)}, which is not https")
    return url


def _question(target: _Target) -> bytes:
    host = f"[{target.host}]" if ":" in target.host else target.host
    lines = (
        f"GET {target.path} HTTP/1.1",
        f"Host: {host}" if target.port == _PORTS[target.scheme] else f"Host: {host}:{target.port}",
        f"User-Agent: ntpjoin/{__version__}",
        "Accept: */*",
        "Accept-Encoding: identity",
        "Connection: close",
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("ascii")


# --- the answer --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Answer:
    """What came back; the names of headers are in lower case, and the body is empty unless all is well."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def _ask(target: _Target, source: str, limits: Limits) -> _Answer:
    import http.client  # noqa: PLC0415

    with contextlib.ExitStack() as open_doors:
        door = open_doors.enter_context(connect(target.host, target.port, source, limits))
        if target.scheme == "https":
            door = open_doors.enter_context(secured(door, target.host, limits))
        try:
            limits.doing = "no answer"
            door.settimeout(limits.left_s())
            door.sendall(_question(target))
            return _read(_Stream(door, limits), limits)
        except http.client.HTTPException as error:
            raise Fault("what came is not what a web server says, or only a part of it") from error
        except socket.timeout as error:
            raise limits.over() from error
        except OSError as error:
            raise Fault("the connection broke off") from error


class _Stream(io.RawIOBase):
    """A socket that is read within limits. `http.client` asks a socket for a file, and for nothing else."""

    def __init__(self, door: socket.socket, limits: Limits) -> None:
        self._door = door
        self._limits = limits

    def readable(self) -> bool:
        """It is there to be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """As the io module asks for; raises Fault at the end of time or room."""
        self._door.settimeout(self._limits.left_s())
        came = self._door.recv_into(buffer)
        self._limits.count(came)
        return came

    def makefile(self, _mode: str) -> io.BufferedReader:
        """As of a socket."""
        return io.BufferedReader(self)


def _read(stream: _Stream, limits: Limits) -> _Answer:
    from http.client import HTTPResponse  # noqa: PLC0415

    with contextlib.closing(HTTPResponse(stream, method="GET")) as answer:  # type: ignore[arg-type]
        answer.begin()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        if answer.status != 200:
            return _Answer(answer.status, headers, b"")
        limits.doing = "only a part of it came"
        # Piece by piece: asked for the whole of it, it would take as much room as the server says that it needs.
        body = b"".join(iter(lambda: answer.read(_PIECE), b""))
        if answer.length:
            raise Fault("the connection broke off")
        return _Answer(answer.status, headers, body)


def _phrase(status: int) -> str:
    from http import HTTPStatus  # noqa: PLC0415

    try:
        return f"the server says {status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"the server says {status}"


def _fresh_s(headers: Mapping[str, str]) -> Optional[float]:
    """By Cache-Control and Age (RFC 9111, 5.2.2 and 5.1)."""
    told = [word.strip().lower() for word in headers.get("cache-control", "").split(",")]
    if "no-store" in told or "no-cache" in told:
        return 0.0
    ages = [found for found in (re.fullmatch(r'max-age="?([0-9]{1,9})"?', word) for word in told) if found]
    if not ages:
        return None
    age = headers.get("age", "").strip()
    return max(0.0, float(ages[0][1]) - (float(age) if re.fullmatch("[0-9]{1,9}", age) else 0.0))


def _retry_after_s(headers: Mapping[str, str]) -> Optional[float]:
    """By Retry-After (RFC 9110, 10.2.3): seconds, or a date, which is by the server's clock; this host's may be off."""
    told = headers.get("retry-after", "").strip()
    if re.fullmatch("[0-9]{1,9}", told):
        return float(told)
    until_s, now_s = _date_s(told), _date_s(headers.get("date", ""))
    return None if until_s is None else max(0.0, until_s - (time.time() if now_s is None else now_s))


def _date_s(told: str) -> Optional[float]:
    """A date in seconds since 1970; None where it is none."""
    from email.utils import parsedate_to_datetime  # noqa: PLC0415

    try:
        return parsedate_to_datetime(told).timestamp()
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
