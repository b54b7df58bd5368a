"""Packets that are spoiled, and what must hold of whatever is made of them. For the fuzzing."""

from __future__ import annotations

import time

from hypothesis import strategies as st

from ntpjoin.errors import NtpjoinError
from ntpjoin.show import billboard as shown
from ntpjoin.show.terminal import Style
from ntpjoin.wire import mode6, packet
from ntpjoin.wire.board import billboard
from ntpjoin.wire.control import ControlClient
from ntpjoin.wire.mode6 import MAX_BYTES, Answer, Assembly, ControlRefusedError, Question
from ntpjoin.wire.talk import Manner, Talk
from tests.fuzz import JUNK, spoiled_bytes
from tests.stream import Stream
from tests.test_wire_board import CLASSIC_SYSTEM, COUNTED, NEW_PEER, NTPSEC_SYSTEM, PEER, POOL, SHM
from tests.wire_servers import control_reply, ntp_reply

# --- mode 6

QUESTION = Question(mode6.READVAR, 7, 40001)
SYSTEMS = [text.encode() for text in (CLASSIC_SYSTEM + COUNTED, NTPSEC_SYSTEM)]
PEERS = [text.encode() for text in (PEER, NEW_PEER, SHM, POOL)]


@st.composite
def pieces(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    """What is told, and its pieces: cut anywhere, in any order, some of them twice, and strays among them."""
    data = draw(st.sampled_from([*SYSTEMS, *PEERS, b""]))
    cuts = sorted({0, len(data), *draw(st.lists(st.integers(0, len(data)), max_size=6))})
    ends = list(zip(cuts, cuts[1:])) or [(0, 0)]
    whole = [
        control_reply(QUESTION.coded(), data[at:to], flags=0x20 if to < len(data) else 0, offset=at) for at, to in ends
    ]
    strays = draw(st.lists(spoiled_bytes(whole), max_size=4))
    doubled = draw(st.lists(st.sampled_from(whole), max_size=4))
    return data, [*draw(st.permutations([*whole, *doubled])), *strays] if draw(st.booleans()) else draw(
        st.permutations([*whole, *doubled, *strays])
    )


def put_together(told: tuple[bytes, list[bytes]]) -> None:
    assembly, came = Assembly(QUESTION), 0
    for datagram in told[1]:
        came += len(datagram)
        try:
            answer = assembly.add(datagram)
        except NtpjoinError as error:
            plain(error)
            return
        if answer:
            assert len(answer.data) <= min(MAX_BYTES, came)


def plain(error: NtpjoinError) -> None:
    """What is told to people can be shown to them."""
    assert error.message
    assert error.message.isprintable()


def puts_together_whatever_order(told: tuple[bytes, list[bytes]]) -> None:
    """Without strays the answer is what was told."""
    data, datagrams = told
    assembly = Assembly(QUESTION)
    answers = [answer for answer in map(assembly.add, datagrams) if answer]
    assert answers[0].data == data


@st.composite
def doubled_pieces(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    data = draw(st.sampled_from([*SYSTEMS, *PEERS]))
    cuts = sorted({0, len(data), *draw(st.lists(st.integers(0, len(data)), max_size=20))})
    whole = [
        control_reply(QUESTION.coded(), data[at:to], flags=0x20 if to < len(data) else 0, offset=at)
        for at, to in zip(cuts, cuts[1:])
    ]
    return data, draw(st.permutations([*whole, *draw(st.lists(st.sampled_from(whole), max_size=5))]))


class Fuzzed(ControlClient):
    """Answers what it is told to, one after the other; in the end with nothing new."""

    def __init__(self, answers: list[tuple[int, bytes]]) -> None:
        self._answers = answers
        self._asked = 0

    def ask(self, opcode: int, associd: int = 0, data: bytes = b"") -> Answer:
        del opcode, associd, data
        self._asked += 1
        status, answer = self._answers[min(self._asked, len(self._answers)) - 1]
        if answer == b"refused":
            raise ControlRefusedError(status >> 8)
        return Answer(status, answer)


STATUS = st.sampled_from([0x0615, 0x961A, 0x9114, 0x0500, 0x0400, 0x0000, 0xFFFF])


@st.composite
def tellings(draw: st.DrawFn) -> list[tuple[int, bytes]]:
    """What a daemon tells: of itself, its sources, each of them; some of it spoiled, some refused."""
    plain = [draw(st.sampled_from(SYSTEMS)), b"", bytes(range(8)), *(draw(st.sampled_from(PEERS)) for _ in range(2))]
    told = [(draw(STATUS), one) for one in plain]
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(told) - 1))
        data = told[at][1]
        word = draw(JUNK).encode()[:2000]
        cut = draw(st.integers(0, len(data)))
        spoilt = draw(
            st.one_of(spoiled_bytes([data or b"x"]), st.just(data[:cut] + word + data[cut:]), st.just(b"refused"))
        )
        told[at] = (draw(STATUS), spoilt)
    return told


def reads_a_billboard(told: list[tuple[int, bytes]]) -> None:
    try:
        board = billboard(Fuzzed(told))
    except NtpjoinError as error:
        plain(error)
        return
    style = Style(Stream(), "never")
    for width in (None, 80, 40):
        style.width = width
        text = shown.text(board, (), style)
        assert all(line.isprintable() for line in text.split("\n"))
    assert isinstance((board.settled, board.clients, board.survivors), tuple)


def reads_variables(data: bytes) -> None:
    for name, value in mode6.variables(data).items():
        assert (name + value).isprintable() or "\\" in value or not value.isascii()


# --- mode 3

NONCE = bytes(range(8))
REPLIES = [
    ntp_reply(bytes(40) + NONCE),
    ntp_reply(bytes(40) + NONCE, stratum=0, refid=b"RATE"),
    ntp_reply(bytes(40) + NONCE, stratum=1, refid=b"GPS\0"),
    ntp_reply(bytes(40) + NONCE, sent=0, received=0),
]


def hears(told: list[bytes]) -> None:
    talk = Talk("192.0.2.1", Manner(2, 2, 2.0, 3.0), 0, time.time_ns())
    talk.act(0)
    for number, datagram in enumerate(told):
        mine = datagram[:24] + talk.nonces[0] + datagram[32:] if number % 2 else datagram
        fault = packet.fault(mine, talk.nonces)
        assert fault.isprintable()
        talk.hear(mine, 1_000_000 * (number + 1))
        if talk.result:
            break
    if not talk.result:
        talk.end()
    assert talk.result
    assert talk.result.problem.isprintable()
    sample = talk.result.sample
    assert sample is None or (sample.delay_s > 0 and sample.refid.isprintable())
