from __future__ import annotations

import itertools
import struct
import time

import pytest

from ntpjoin.errors import WireError
from ntpjoin.wire import mode6
from ntpjoin.wire.mode6 import MAX_BYTES, Answer, Assembly, ControlRefusedError, PeerStatus, Question, SystemStatus
from tests.wire_servers import control_reply, fragments

QUESTION = Question(mode6.READVAR, 7, 40001)
MORE = 0x20


def piece(begin: int, end: int, flags: int = MORE, letters: str = "abcdefghijklmnopqrstuvwxyz") -> bytes:
    """These bytes of the alphabet, or of other letters."""
    return control_reply(QUESTION.coded(), letters[begin:end].encode(), flags=flags, offset=begin)


def put_together(*datagrams: bytes) -> bytes:
    """What comes out of them; nothing where they do not make an answer. It comes with the last of them, not before."""
    assembly = Assembly(QUESTION)
    *before, last = (assembly.add(datagram) for datagram in datagrams)
    assert not any(before)
    return last.data if last else b""


def test_the_pieces_make_the_answer_in_every_order() -> None:
    cuts = [piece(0, 9), piece(9, 10), piece(10, 20), piece(20, 26, flags=0)]
    for order in itertools.permutations(cuts):
        assert put_together(*order) == b"abcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize(
    "stray",
    [
        pytest.param(piece(0, 10), id="a piece again"),
        pytest.param(piece(0, 10, letters="A" * 26), id="a piece again, otherwise"),
        pytest.param(piece(0, 5), id="the beginning of one"),
        pytest.param(piece(5, 10), id="the end of one"),
        pytest.param(piece(4, 6, letters="X" * 26), id="the middle of one"),
        pytest.param(piece(9, 11), id="over a seam"),
        pytest.param(piece(0, 26), id="all at once, but not the last"),
        pytest.param(piece(20, 26, flags=0), id="the last one again"),
        pytest.param(piece(20, 24, flags=0), id="another last one"),
        pytest.param(piece(12, 14, flags=0), id="another last one in a hole"),
        pytest.param(piece(26, 26, flags=0), id="another last one that is empty"),
        pytest.param(piece(15, 15), id="an empty piece"),
        pytest.param(control_reply(QUESTION.coded(), b"xyz", flags=MORE, offset=26), id="beyond the end"),
        pytest.param(control_reply(QUESTION.coded(), b"xyz", flags=MORE, offset=300), id="far beyond the end"),
    ],
)
def test_what_does_not_fit_is_passed_over(stray: bytes) -> None:
    first, second, last = piece(0, 10), piece(10, 20), piece(20, 26, flags=0)
    assert put_together(first, last, stray, second) == b"abcdefghijklmnopqrstuvwxyz"
    assert put_together(last, first, stray, stray, second) == b"abcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize(
    "stray", [piece(0, 5, flags=0), piece(0, 0, flags=0), piece(15, 15, flags=0), piece(12, 20, flags=0)]
)
def test_a_last_piece_that_others_reach_beyond_is_passed_over(stray: bytes) -> None:
    assert put_together(piece(10, 20), stray, piece(20, 26, flags=0), piece(0, 10)) == b"abcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([piece(0, 10), piece(20, 26, flags=0)], id="a hole"),
        pytest.param([piece(10, 20), piece(20, 26, flags=0)], id="no beginning"),
        pytest.param([piece(0, 10), piece(10, 20)], id="no end"),
        pytest.param(
            [piece(0, 10), piece(8, 18), piece(20, 26, flags=0)], id="an overlap that would make up for a hole"
        ),
        pytest.param([piece(0, 10), piece(10, 20), piece(20, 25), piece(9, 26, flags=0)], id="a last one over others"),
        pytest.param([piece(10, 20), piece(0, 10, flags=0)], id="a last one before another"),
        pytest.param([piece(26, 26, flags=0)], id="only an empty last one"),
    ],
)
def test_what_is_not_whole_is_no_answer(pieces: list[bytes]) -> None:
    assert put_together(*pieces) == b""


def test_the_last_piece_may_be_empty_and_has_the_status() -> None:
    assembly = Assembly(QUESTION)
    assert assembly.add(control_reply(QUESTION.coded(), b"ab", flags=MORE, status=1)) is None
    assert assembly.add(control_reply(QUESTION.coded(), b"", offset=2, status=0x961A)) == Answer(0x961A, b"ab")
    assert Assembly(QUESTION).add(control_reply(QUESTION.coded(), status=3)) == Answer(3, b"")


def test_an_answer_takes_no_more_room_than_it_may() -> None:
    data = bytes(range(256)) * 60
    assert len(data) == MAX_BYTES
    assert put_together(*fragments(QUESTION.coded(), data, 480)) == data
    for beyond in (
        control_reply(QUESTION.coded(), b"x", offset=MAX_BYTES),
        control_reply(QUESTION.coded(), b"x", offset=0xFFFF),
    ):
        with pytest.raises(WireError, match=f"longer than {MAX_BYTES} bytes"):
            Assembly(QUESTION).add(beyond)
    with pytest.raises(WireError, match="32 pieces"):
        put_together(*fragments(QUESTION.coded(), data, 479))


def test_an_error_ends_it_even_after_a_piece() -> None:
    assembly = Assembly(QUESTION)
    assembly.add(piece(0, 10))
    with pytest.raises(ControlRefusedError, match="no such association"):
        assembly.add(control_reply(QUESTION.coded(), flags=0x40, status=0x0400))


@pytest.mark.parametrize(
    ("status", "found"),
    [
        (0x0615, SystemStatus(leap=0, source=6, events=1, event="clock_sync")),
        (0xC016, SystemStatus(leap=3, source=0, events=1, event="restart")),
        (0x45FC, SystemStatus(leap=1, source=5, events=15, event="clock_step")),
        (0x0000, SystemStatus(leap=0, source=0, events=0, event="")),
        (0xFFFF, SystemStatus(leap=3, source=63, events=15, event="stale_leapsecond_values")),
    ],
)
def test_the_systems_status_word_is_taken_apart(status: int, found: SystemStatus) -> None:
    assert SystemStatus.decode(status) == found


@pytest.mark.parametrize(
    ("status", "tally", "flags", "last"),
    [
        (0x8011, " ", "configured", (1, "mobilize")),
        (0x9114, "x", "configured reachable", (1, "reachable")),
        (0x1200, ".", "reachable", (0, "")),
        (0xF324, "-", "configured keyed authenticated reachable", (2, "reachable")),
        (0xD41A, "+", "configured keyed reachable", (1, "sys_peer")),
        (0x9587, "#", "configured reachable", (8, "rate_exceeded")),
        (0x961A, "*", "configured reachable", (1, "sys_peer")),
        (0x98F3, " ", "configured reachable broadcast", (15, "unreachable")),
        (0x9700, "o", "configured reachable", (0, "")),
    ],
)
def test_a_peers_status_word_is_taken_apart(status: int, tally: str, flags: str, last: tuple[int, str]) -> None:
    peer = PeerStatus.decode(status)
    names = ("configured", "keyed", "authenticated", "reachable", "broadcast")
    assert (peer.tally, peer.events, peer.event) == (tally, *last)
    assert [name for name in names if getattr(peer, name)] == flags.split()


def test_a_list_of_sources_that_ends_within_one_is_told() -> None:
    assert mode6.associations(struct.pack("!4H", 1, 2, 3, 4)) == ((1, 2), (3, 4))
    with pytest.raises(WireError, match="cut off"):
        mode6.associations(b"\0\1\0\2\0\3")


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
        (b"a=\x1b[31m, b=2", {"b": "2"}),
        (b'a="\x1b]0;x\x07", b=2', {"b": "2"}),
        (b'a="\xc2\x9b31m", b=2', {"b": "2"}),
        (b"filtdelay=0\x9a\n{\xfd\x7f 6\xa0\xca\xab\xee 1.43 1, reach=1", {"reach": "1"}),
    ],
)
def test_a_variable_that_breaks_the_grammar_is_left_out_and_hides_no_other(data: bytes, found: dict[str, str]) -> None:
    assert mode6.variables(data) == found


@pytest.mark.parametrize(
    "part",
    [
        b"a",
        b" ",
        b"\t\r\n",
        b",",
        b", ",
        b'"',
        b"=",
        b'a="',
        b"a=1",
        b"a=1,",
        b'a="b",',
        b"a b",
        b", a",
        b"\x1b",
        b"\xff",
        b'a= "',
        b",\n",
    ],
)
def test_text_of_any_length_is_read_in_time(part: bytes) -> None:
    """The longest answer that can come, sixteen times; what looks back would take minutes."""
    data = (part * (16 * MAX_BYTES // len(part) + 1)) + b"!, z=1"
    began_s = time.process_time()
    mode6.variables(data)
    assert time.process_time() - began_s < 2
