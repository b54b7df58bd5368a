"""Who answers management queries can be used as an amplifier: anything that comes back in mode 6 or 7 counts."""

from __future__ import annotations

import socket
import time

import pytest

from ntpjoin.errors import WireError
from ntpjoin.wire import sockets
from ntpjoin.wire.management import Exposure, Managed, expose, managed
from tests.wire_servers import Answers, UdpServer, silence

CONTROL = bytes.fromhex("160200010000000000000000")
PRIVATE = bytes.fromhex("1700032a00000000")


def to_control(datagram: bytes) -> Answers:
    """Answers mode 6 alone."""
    return lambda question, _: [datagram] if question == CONTROL else []


def to_private(datagram: bytes) -> Answers:
    """Answers mode 7 alone."""
    return lambda question, _: [datagram] if question == PRIVATE else []


@pytest.mark.parametrize(
    ("answers", "modes"),
    [
        (to_control(bytes.fromhex("168200010000000000000006") + b"leap=0"), (6,)),
        (to_control(bytes.fromhex("16c200010700000000000000")), (6,)),
        # As classic ntpd 4.2.8p15 with `enable mode7` and no client yet answers it.
        (to_private(bytes.fromhex("9700032a40000000")), (7,)),
        (lambda question, _: [bytes((question[0] | 0x80, 0x80)) + bytes(10)], (6, 7)),
        (silence, ()),
        (lambda question, _: [question], ()),
        (lambda _question, _: [bytes((0x24, 0x82)) + bytes(46)], ()),
        (lambda _question, _: [b"", b"\x97"], ()),
    ],
)
def test_each_mode_in_which_anything_comes_back_is_told(answers: Answers, modes: tuple[int, ...]) -> None:
    with UdpServer(answers) as server:
        assert managed(server.address, 5 if len(modes) == 2 else 0.2, server.port) == modes
    assert server.questions == [CONTROL, PRIVATE]


def test_junk_before_an_answer_is_passed_over() -> None:
    with UdpServer(lambda question, _: [b"junk", bytes((question[0] | 0x80, 0x82))]) as server:
        assert managed(server.address, 5, server.port) == (6, 7)


def test_a_closed_port_answers_nothing() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    assert managed("127.0.0.1", 2, port) == ()
    with pytest.raises(WireError, match="could not be asked"):
        managed("localhost", 2, port)


def test_all_that_comes_back_is_weighed_against_what_was_sent() -> None:
    list_of_clients = [bytes((0x97, 0, 3, 42)) + bytes(436)] * 3

    def answers(question: bytes, _number: int) -> list[bytes]:
        return (
            [bytes((0x16, 0xA2)) + bytes(466), b"junk", bytes((0x16, 0x82)) + bytes(98)]
            if question == CONTROL
            else list_of_clients
        )

    with UdpServer(answers) as server:
        [found] = expose([server.address], gap_s=0.1, timeout_s=5, port=server.port)
    assert found == Managed(server.address, (Exposure(6, 12, 568), Exposure(7, 8, 1320)))
    assert [one.factor for one in found.answers] == pytest.approx([568 / 12, 165])
    assert server.asked_at_s[1] - server.asked_at_s[0] > 0.08


def test_many_are_asked_side_by_side_and_each_has_its_own_answer() -> None:
    opened = UdpServer(to_control(bytes((0x16, 0x82)) + bytes(10)), address="::1")
    with opened, UdpServer(silence, port=opened.port) as closed:
        found = expose(
            [closed.address, "not an address", opened.address, closed.address], gap_s=0, timeout_s=0.3, port=opened.port
        )
    assert [one.address for one in found] == [closed.address, "not an address", opened.address]
    assert [one.answers for one in found] == [(), (), (Exposure(6, 12, 12),)]
    assert [bool(one.problem) for one in found] == [False, True, False]
    assert closed.questions == [CONTROL, PRIVATE]


def test_it_waits_before_it_begins_and_a_closed_port_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    real = sockets.connect

    def connect(address: str, port: int) -> socket.socket:
        opened.append(address)
        return real(address, port)

    monkeypatch.setattr(sockets, "connect", connect)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    began_s = time.monotonic()
    assert expose(["127.0.0.1"], wait_s=0.3, gap_s=0.05, timeout_s=5, port=port) == (Managed("127.0.0.1"),)
    assert 0.3 < time.monotonic() - began_s < 3
    assert opened == ["127.0.0.1"]
