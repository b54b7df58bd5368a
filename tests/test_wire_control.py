from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable, Iterator

import pytest

from ntpjoin.errors import WireError
from ntpjoin.wire import mode6
from ntpjoin.wire.control import Association, ControlClient
from ntpjoin.wire.mode6 import ControlRefusedError
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


def test_an_overlap_does_not_make_up_for_a_hole() -> None:
    def answers(question: bytes, _number: int) -> list[bytes]:
        return [
            control_reply(question, b"ab=", flags=0x20),
            control_reply(question, b"=cd", flags=0x20, offset=2),
            control_reply(question, b"ef", offset=6),
        ]

    with UdpServer(answers) as server, client_of(server, 0.1) as client, pytest.raises(WireError, match="whole"):
        client.variables()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (1, "does not allow"),
        (2, "malformed"),
        (3, "does not know"),
        (4, "no such association"),
        (5, "no such variable"),
        (6, "value"),
        (7, "restricts"),
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
        client.associations()
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
        assert client.associations() == (Association(40001, 0x961A), Association(40002, 0x8011))
        status = client.system_status()
    assert (status.leap, status.source, status.events, status.last_event) == (0, 6, 1, 5)
    server = UdpServer(lambda q, _: [control_reply(q, pairs[:6])])
    with server, client_of(server) as client, pytest.raises(WireError, match="cut off"):
        client.associations()


@pytest.mark.parametrize(
    ("status", "tally", "configured", "reachable"),
    [
        (0x8011, " ", True, False),
        (0x9114, "x", True, True),
        (0x1200, ".", False, True),
        (0x9300, "-", True, True),
        (0x941A, "+", True, True),
        (0x9500, "#", True, True),
        (0x961A, "*", True, True),
        (0x9700, "o", True, True),
    ],
)
def test_a_peers_status_word_is_taken_apart(status: int, tally: str, configured: bool, reachable: bool) -> None:
    peer = mode6.PeerStatus.decode(status)
    assert (peer.tally, peer.configured, peer.reachable) == (tally, configured, reachable)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", {}),
        (b"\0\0", {}),
        (b"leap=0\0\0", {"leap": "0"}),
        (b'version="ntpd, 1=2", leap=0\r\n\0', {"version": "ntpd, 1=2", "leap": "0"}),
        (b"a=1,\r\nb= 2 ,c=3", {"a": "1", "b": "2", "c": "3"}),
        (b'a="",b=,c', {"a": "", "b": "", "c": ""}),
        (b"filtdelay=   0.1  0.2,\r\nx=1", {"filtdelay": "0.1  0.2", "x": "1"}),
        (b'name="M\xfcnchen"', {"name": "M\\xfcnchen"}),
    ],
)
def test_variables_are_read(data: bytes, found: dict[str, str]) -> None:
    assert mode6.variables(data) == found


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b'a="open', {}),
        (b'a="x"y, b=2', {"b": "2"}),
        (b"=1, b=2", {"b": "2"}),
        (b"a=1,,b=2", {"a": "1", "b": "2"}),
        (b"a b=1", {}),
        (b"a=1\r\nb=2, c=3", {"c": "3"}),
        (b"a\x1b=1, b=2", {"b": "2"}),
        (b"filtdelay=0\x9a\n{\xfd\x7f 6\xa0\xca\xab\xee 1.43 1, reach=1", {"reach": "1"}),
    ],
)
def test_a_variable_that_breaks_the_grammar_is_left_out_and_hides_no_other(data: bytes, found: dict[str, str]) -> None:
    assert mode6.variables(data) == found
