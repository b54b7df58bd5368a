"""Asking a web server for a page: what it answers, be it nothing, nonsense, or without an end."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from ntpjoin.wire.visit import visit


@contextmanager
def web_server(
    answer: Callable[[socket.socket], None], address: str = "127.0.0.1"
) -> Iterator[tuple[int, list[bytes]]]:
    """Answers the first who comes, after it has read the question; its port, and what it was asked."""
    asked: list[bytes] = []
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as door:
        door.bind((address, 0))
        door.listen(1)
        door.settimeout(5)

        def serve() -> None:
            client, _ = door.accept()
            with client:
                asked.append(client.recv(4096))
                answer(client)

        thread = threading.Thread(target=serve)
        thread.start()
        yield door.getsockname()[1], asked
        thread.join()


def says(*pieces: bytes) -> Callable[[socket.socket], None]:
    def answer(client: socket.socket) -> None:
        for piece in pieces:
            client.sendall(piece)
            time.sleep(0.01)

    return answer


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_status_and_where_it_leads(address: str) -> None:
    said = says(b"HTTP/1.1 301 Moved Permanently\r\nServer: x\r\nloc", b"ation: https://www.ntppool.org/\r\n\r\nbody")
    with web_server(said, address) as (port, asked):
        found = visit(address, "203.0.113.7", "/a", port=port)
    assert (found.status, found.location, found.problem, found.to_pool) == (301, "https://www.ntppool.org/", "", True)
    assert asked[0].startswith(b"GET /a HTTP/1.1\r\nHost: 203.0.113.7\r\n")
    assert asked[0].endswith(b"Connection: close\r\n\r\n")


@pytest.mark.parametrize(
    ("said", "status", "to_pool"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nLocation: https://www.ntppool.org/\r\n", 200, False),
        (b"HTTP/1.1 302 Found\r\nLocation: https://www.ntppool.org/\r\n\r\n", 302, False),
        (b"HTTP/1.1 301 Moved\r\nLocation: https://www.ntppool.org.example/\r\n\r\n", 301, False),
        (b"HTTP/1.1 301 Moved\r\nX-Location: https://www.ntppool.org/\r\n\r\n", 301, False),
        (b"HTTP/1.0 404\r\n", 404, False),
        (b"HTTP/1.1 301 Moved\r\nLocation: https://www.ntppool.org/?a=b\r\n\r\n", 301, True),
    ],
)
def test_only_what_leads_to_the_pool_for_good_does(said: bytes, status: int, to_pool: bool) -> None:
    with web_server(says(said)) as (port, _):
        found = visit("127.0.0.1", "x", port=port)
    assert (found.status, found.to_pool) == (status, to_pool)


@pytest.mark.parametrize("said", [b"", b"SSH-2.0-x\r\n", b"HTTP/2 200\r\n\r\n", b"\0" * 70_000])
def test_what_is_no_web_server_is_said(said: bytes) -> None:
    with web_server(says(said)) as (port, _):
        found = visit("127.0.0.1", "x", port=port)
    assert (found.status, found.problem) == (0, "what came is not what a web server says")


def test_who_does_not_answer_is_not_waited_for() -> None:
    def silent(client: socket.socket) -> None:
        for _ in range(100):
            try:
                client.sendall(b"H")
            except OSError:
                return
            time.sleep(0.02)

    with web_server(silent) as (port, _):
        found = visit("127.0.0.1", "x", port=port, timeout_s=0.2)
    assert (found.status, found.problem) == (0, "no answer within 0.2 s")


def test_where_nobody_listens_is_said() -> None:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    found = visit("127.0.0.1", "x", port=port)
    assert (found.status, found.problem) == (0, f"nothing listens on TCP {port}")
    assert str(found) == f"127.0.0.1, asked for http://x/: nothing listens on TCP {port}"
