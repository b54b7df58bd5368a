"""Who answers management queries can be used as an amplifier: anything that comes back in mode 6 or 7 counts."""

from __future__ import annotations

import socket

import pytest

from ntpjoin.errors import WireError
from ntpjoin.wire.management import managed
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
