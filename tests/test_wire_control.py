from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable, Iterator

import pytest

from ntpjoin.errors import WireError
from ntpjoin.wire.control import Association, ControlClient
from ntpjoin.wire.mode6 import ControlRefusedError, SystemStatus
from tests.wire_servers import UdpServer, control_reply, fragments, silence


def client_of(server: UdpServer, wait_s: float = 5) -> ControlClient:
    return ControlClient(server.address, server.port, timeout_s=wait_s, rest_s=wait_s)


TEXT = ", ".join(f"name{number}=value{number}" for number in range(80))
WHOLE = {f"name{number}": f"value{number}" for number in range(80)}


def parts(question: bytes, _number: int) -> list[bytes]:
    return fragments(question, TEXT.encode())


@pytest.mark.parametrize(
    "order",
    [
        lambda some: some,
        lambda some: some[::-1],
        lambda some: [part for part in some for _ in range(2)],
        lambda some: [some[-1], *some],
        lambda some: [b"", b"\x16", some[0][:11], some[0][:-4], *some],
    ],
    ids=["as sent", "backwards", "each twice", "the last one first", "after junk"],
)
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_fragments_are_put_together_however_they_come(
    address: str, order: Callable[[list[bytes]], list[bytes]]
) -> None:
    with UdpServer(lambda q, n: order(parts(q, n)), address=address) as server, client_of(server) as client:
        assert client.variables() == WHOLE
    assert len(server.questions) == 1


@pytest.mark.parametrize(
    "spoil",
    [
        {"sequence": 1},
        {"associd": 7},
        {"first": 0x26},
        {"first": 0x14},
        {"flags": 0x01},
    ],
)
def test_an_answer_to_something_else_is_passed_over(spoil: dict[str, int]) -> None:
    def answers(question: bytes, _number: int) -> list[bytes]:
        return [control_reply(question, b"is=wrong", **spoil), control_reply(question, b"is=right")]

    with UdpServer(answers) as server, client_of(server) as client:
        assert client.variables() == {"is": "right"}


def test_our_own_question_sent_back_is_no_answer() -> None:
    with UdpServer(lambda q, _: [q]) as server, client_of(server, 0.1) as client, pytest.raises(WireError):
        client.variables()


@pytest.mark.parametrize("lost", [0, 1, -1])
def test_a_missing_fragment_is_asked_for_again(lost: int) -> None:
    def answers(question: bytes, number: int) -> Iterator[bytes]:
        some = parts(question, number)
        return iter(some if number else [part for part in some if part is not some[lost]])

    with UdpServer(answers) as server, client_of(server, 0.15) as client:
        assert client.variables() == WHOLE
    assert len(server.questions) == 2
    assert server.questions[0][2:4] != server.questions[1][2:4]


def test_an_answer_that_never_comes_whole_is_told_as_such() -> None:
    server = UdpServer(lambda q, n: parts(q, n)[1:])
    with server, client_of(server, 0.1) as client, pytest.raises(WireError, match="did not come whole"):
        client.variables()
    assert len(server.questions) == 2


def test_more_than_32_fragments_are_too_many() -> None:
    def answers(question: bytes, _number: int) -> list[bytes]:
        return fragments(question, b"x" * 33, size=1)

    with UdpServer(answers) as server, client_of(server) as client, pytest.raises(WireError, match="32 pieces"):
        client.variables()


def test_32_fragments_are_not_too_many() -> None:
    with UdpServer(lambda q, _: fragments(q, b"x" * 32, size=1)) as server, client_of(server) as client:
        assert client.variables() == {"x" * 32: ""}


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "no reason"),
        (1, "does not allow"),
        (2, "malformed"),
        (3, "does not know"),
        (4, "no such association"),
        (5, "no such variable"),
        (6, "value"),
        (7, "restricts"),
        (8, "error 8"),
        (99, "error 99"),
    ],
)
def test_an_error_is_told_in_words_and_not_asked_again(code: int, words: str) -> None:
    server = UdpServer(lambda q, _: [control_reply(q, flags=0x40, status=code << 8)])
    with server, client_of(server) as client, pytest.raises(ControlRefusedError, match=words) as caught:
        client.variables()
    assert caught.value.code == code
    assert len(server.questions) == 1


def test_silence_is_told_after_two_questions() -> None:
    server = UdpServer(silence)
    with server, client_of(server, 0.1) as client, pytest.raises(WireError, match="answers no control messages"):
        client.variables()
    assert len(server.questions) == 2


def test_a_flood_of_junk_ends_long_before_the_wait_does() -> None:
    server = UdpServer(lambda _q, _: [b"junk"] * 20_000)
    began_s = time.monotonic()
    with server, client_of(server, 20) as client, pytest.raises(WireError):
        client.variables()
    assert time.monotonic() - began_s < 10


def test_a_closed_port_is_told_at_once() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    with ControlClient("127.0.0.1", port) as client, pytest.raises(WireError, match="nothing listens"):
        client.status()
    with pytest.raises(WireError, match="illegal"):
        ControlClient("localhost", port)


def test_requests_are_padded_to_a_multiple_of_four() -> None:
    with UdpServer(lambda q, _: [control_reply(q, b"leap=0")]) as server, client_of(server) as client:
        client.variables(0x1234, ["leap", "refid"])
        client.variables()
    named, unnamed = server.questions
    assert named[:2] == b"\x16\x02"
    assert named[4:] == struct.pack("!HHHH", 0, 0x1234, 0, 10) + b"leap,refid\0\0"
    assert len(unnamed) == 12


def test_the_list_of_associations_is_read_with_its_status_words() -> None:
    pairs = struct.pack("!HHHH", 40001, 0x961A, 40002, 0x8011)
    with UdpServer(lambda q, _: [control_reply(q, pairs)]) as server, client_of(server) as client:
        status, sources = client.status()
    assert sources == (Association(40001, 0x961A), Association(40002, 0x8011))
    assert status == SystemStatus(leap=0, source=6, events=1, event="clock_sync")
    server = UdpServer(lambda q, _: [control_reply(q, pairs[:6])])
    with server, client_of(server) as client, pytest.raises(WireError, match="cut off"):
        client.status()
