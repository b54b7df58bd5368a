"""A web server on loopback, plain or with a certificate of our own authority, that answers byte for byte as a test tells it to."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Optional

import trustme

from ntpjoin.records import dataclass


@dataclass(frozen=True)
class Request:
    """What a client asked for, and from where; headers' names are in lower case."""

    path: str
    headers: dict[str, str]
    client: str


#: The bytes that come back to a request, in as many pieces as there are.
Answers = Callable[[Request], Iterable[bytes]]


def page(body: bytes = b"", status: str = "200 OK", **headers: str) -> bytes:
    """A whole answer; a header's name has _ where it has a hyphen, and replaces the length where it is that."""
    told = {"content_length": str(len(body)), **headers}
    lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in told.items() if value)]
    return "\r\n".join([*lines, "", ""]).encode() + body


class WebServer:
    """Answers each connection's first request in a thread of its own; keeps what it was asked, and when.

    With a `certificate` it speaks TLS. A piece that is b"" waits until the test is over.
    """

    def __init__(
        self,
        answers: Answers,
        certificate: Optional[trustme.LeafCert] = None,
        *,
        address: str = "127.0.0.1",
        port: int = 0,
        host: str = "localhost",
    ) -> None:
        self.requests: list[Request] = []
        self.asked_at_s: list[float] = []
        self._answers = answers
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if certificate else None
        if certificate and self._context:
            certificate.configure_cert(self._context)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._door = socket.create_server((address, port), family=family)
        self._door.settimeout(0.005)
        self.port: int = self._door.getsockname()[1]
        scheme = "https" if certificate else "http"
        self.url = f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._serve)]

    def __enter__(self) -> WebServer:  # noqa: PYI034 (Self came with Python 3.11)
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
        self._door.close()

    def _serve(self) -> None:
        while not self._over.is_set():
            with contextlib.suppress(socket.timeout):
                line, client = self._door.accept()
                thread = threading.Thread(target=self._answer, args=(line, client[0]))
                self._threads.append(thread)
                thread.start()

    def _answer(self, line: socket.socket, client: str) -> None:
        line.settimeout(5)
        with contextlib.suppress(OSError), contextlib.ExitStack() as open_lines:  # the client has left
            door = open_lines.enter_context(line)
            if self._context:
                door = open_lines.enter_context(self._context.wrap_socket(line, server_side=True))
            request = _read(door, client)
            self.asked_at_s.append(time.monotonic())
            self.requests.append(request)
            for piece in self._answers(request):
                if not piece:
                    self._over.wait()
                    return
                door.sendall(piece)
            if isinstance(door, ssl.SSLSocket):
                door.unwrap()


def _read(door: socket.socket, client: str) -> Request:
    asked = b""
    while not asked.endswith(b"\r\n\r\n"):
        piece = door.recv(4096)
        if not piece:
            raise ConnectionError
        asked += piece
    first, *lines = asked.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines if line)
    assert first.startswith("GET ")
    assert first.endswith(" HTTP/1.1")
    return Request(first.split(" ")[1], headers, client)
