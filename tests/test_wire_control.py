from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable, Iterable, Iterator

import pytest

from ntpjoin.board import Billboard
from ntpjoin.errors import WireError
from ntpjoin.wire import mode6
from ntpjoin.wire.control import Association, ControlClient, billboard
from ntpjoin.wire.mode6 import ControlRefusedError
from tests.wire_servers import Answers, UdpServer, silence

CLASSIC_SYSTEM = (
    'version="ntpd 4.2.8p15@1.3728-o Wed Sep 23 11:46:38 UTC 2020 (1)", processor="x86_64",\r\n'
    'system="Linux/5.10.0-8-amd64", leap=0, stratum=2, precision=-24,\r\n'
    "rootdelay=11.237, rootdisp=3.861, refid=192.0.2.10,\r\n"
    "reftime=0xe5f0c1d2.12345678, clock=0xe5f0c1e2.80000000, peer=40001,\r\n"
    "tc=6, mintc=3, offset=+0.412, frequency=-12.345, sys_jitter=0.127,\r\n"
    "clk_jitter=0.100, clk_wander=0.010, leapsmearinterval=0\r\n"
)
NTPSEC_SYSTEM = (
    'version="ntpd ntpsec-1.2.2", processor="x86_64", system="Linux/6.1.0-18-amd64", leap=3, stratum=16,\r\n'
    "precision=-23, rootdelay=0, rootdisp=0.48, refid=.INIT., reftime=0x00000000.00000000,\r\n"
    "peer=0, tc=6, mintc=0, offset=0, frequency=nan, sys_jitter=0.0"
)
PEER = (
    "srcadr=192.0.2.10, srcport=123, dstadr=198.51.100.7, dstport=123,\r\nleap=0, stratum=1, precision=-20, "
    'rootdelay=0.000, rootdisp=0.992, refid="GPS",\r\nreftime=0xe5f0c1d0.00000000, rec=0xe5f0c1d2.00000000, reach=0xff, '
    "unreach=0, hmode=3, pmode=4, hpoll=7, ppoll=6, headway=0, flash=0x0, keyid=0, offset=0.412, delay=10.982,\r\n"
    "dispersion=0.944, jitter=0.127, xleave=0.046,\r\nfiltdelay=    10.98   11.02,\r\nfiltoffset=    0.41    0.40"
)
NEW_PEER = (
    'srcadr=2001:db8::11, srchost="ntp1.example.net", stratum=16, refid=INIT, rec=0x00000000.00000000, reach=0, '
    "hmode=3, hpoll=6, ppoll=10, offset=0.000, delay=0.000, jitter=0.000"
)


def reply(
    question: bytes,
    data: bytes = b"",
    *,
    flags: int = 0,
    status: int = 0x0615,
    offset: int = 0,
    sequence: int = 0,
    associd: int = 0,
    first: int = 0x16,
) -> bytes:
    """Answer a control message; sequence and associd are added to those of the question."""
    _, opcode, asked_sequence, _, asked_associd, _, _ = struct.unpack("!BBHHHHH", question[:12])
    ids = (asked_sequence + sequence & 0xFFFF, status, asked_associd + associd)
    head = struct.pack("!BBHHHHH", first, 0x80 | flags | opcode, *ids, offset, len(data))
    return head + data + bytes(-len(data) % 4)


def fragments(question: bytes, data: bytes, size: int = 100) -> list[bytes]:
    cuts = range(0, len(data), size)
    return [reply(question, data[at : at + size], flags=0x20 if at + size < len(data) else 0, offset=at) for at in cuts]


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
        return [reply(question, b"is=wrong", **spoil), reply(question, b"is=right")]

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
            reply(question, b"ab=", flags=0x20),
            reply(question, b"=cd", flags=0x20, offset=2),
            reply(question, b"ef", offset=6),
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
    server = UdpServer(lambda q, _: [reply(q, flags=0x40, status=code << 8)])
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
    with UdpServer(lambda q, _: [reply(q, b"leap=0")]) as server, client_of(server) as client:
        client.variables(0x1234, ["leap", "refid"])
        client.variables()
    named, unnamed = server.questions
    assert named[:2] == b"\x16\x02"
    assert named[4:] == struct.pack("!HHHH", 0, 0x1234, 0, 10) + b"leap,refid\0\0"
    assert len(unnamed) == 12


def test_the_list_of_associations_is_read_with_its_status_words() -> None:
    pairs = struct.pack("!HHHH", 40001, 0x961A, 40002, 0x8011)
    with UdpServer(lambda q, _: [reply(q, pairs)]) as server, client_of(server) as client:
        assert client.associations() == (Association(40001, 0x961A), Association(40002, 0x8011))
        status = client.system_status()
    assert (status.leap, status.source, status.events, status.last_event) == (0, 6, 1, 5)
    server = UdpServer(lambda q, _: [reply(q, pairs[:6])])
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


def daemon(system: str, peers: dict[int, tuple[int, str]], gone: int = 0) -> Answers:
    """A daemon with these system variables and peers: association to status and variables."""

    def answers(question: bytes, _number: int) -> list[bytes]:
        opcode, associd = question[1], int.from_bytes(question[6:8], "big")
        if opcode == mode6.READSTAT:
            return [reply(question, b"".join(struct.pack("!HH", one, peers[one][0]) for one in peers))]
        if associd == gone and gone:
            return [reply(question, flags=0x40, status=0x0400)]
        return fragments(question, (peers[associd][1] if associd else system).encode())

    return answers


def test_the_billboard_of_a_synchronised_daemon_is_read() -> None:
    sources = {40001: (0x961A, PEER), 40002: (0x8011, NEW_PEER)}
    with UdpServer(daemon(CLASSIC_SYSTEM, sources)) as server, client_of(server) as client:
        system, peers = billboard(client)
    assert (system.leap, system.stratum, system.refid, system.peer_associd) == (0, 2, "192.0.2.10", 40001)
    assert system.version.startswith("ntpd 4.2.8p15")
    assert (system.offset_ms, system.root_delay_ms, system.root_dispersion_ms) == (0.412, 11.237, 3.861)
    assert (system.frequency_ppm, system.sys_jitter_ms) == (-12.345, 0.127)
    first, second = peers
    assert (first.associd, first.tally, first.address, first.refid) == (40001, "*", "192.0.2.10", "GPS")
    assert (first.stratum, first.reach, first.hmode, first.poll_s, first.when_s) == (1, 255, 3, 64, 16.5)
    assert (first.delay_ms, first.offset_ms, first.jitter_ms) == (10.982, 0.412, 0.127)
    assert (second.tally, second.address, second.refid, second.reach) == (" ", "2001:db8::11", "INIT", 0)
    assert second.when_s is None
    assert second.configured


def test_the_billboard_of_a_daemon_that_has_just_started_is_read() -> None:
    with UdpServer(daemon(NTPSEC_SYSTEM, {})) as server, client_of(server) as client:
        system, peers = billboard(client)
    assert peers == ()
    assert (system.leap, system.stratum, system.refid, system.peer_associd) == (3, 16, "INIT", 0)
    assert system.frequency_ppm is None


def test_a_peer_that_goes_away_meanwhile_is_left_out() -> None:
    peers = {40001: (0x961A, PEER), 40002: (0x8011, NEW_PEER)}
    with UdpServer(daemon(CLASSIC_SYSTEM, peers, gone=40001)) as server, client_of(server) as client:
        assert [peer.associd for peer in billboard(client)[1]] == [40002]


#: As NTPsec 1.2.2 told of `refclock shm unit 0 refid GPS`, and of a `pool` line whose name was not resolved yet.
SHM = (
    "srcadr=127.127.28.0, hmode=3, stratum=0, ppoll=6, hpoll=6, refid=GPS, rec=0x00000000.00000000, reach=0x1, "
    'delay=0.0, offset=0.0, jitter=6e-05, srchost="SHM(0)"'
)
POOL = (
    "srcadr=0.0.0.0, hmode=3, stratum=16, ppoll=99, hpoll=3, refid=POOL, rec=0x00000000.00000000, reach=0x0, "
    'delay=0.0, offset=0.0, jitter=6e-05, srchost="0.debian.pool.ntp.org"'
)


def test_a_reference_clock_and_a_pool_are_told_apart_from_servers() -> None:
    peers = {40001: (0x961A, PEER), 40002: (0x9414, SHM), 40003: (0x8011, POOL)}
    with UdpServer(daemon(CLASSIC_SYSTEM, peers)) as server, client_of(server) as client:
        system, found = billboard(client)
    server_, clock, pool = found
    assert [one.title for one in found] == ["192.0.2.10", "SHM(0)", "0.debian.pool.ntp.org"]
    assert (server_.is_clock, clock.is_clock, clock.is_local, pool.is_clock) == (False, True, False, False)
    assert Billboard(system, found).sources == (server_, clock)


def test_a_daemon_that_knows_no_names_is_asked_without() -> None:
    """Classic 4.2.6 has no srchost; one that is not known spoils the whole answer."""
    knows = daemon(CLASSIC_SYSTEM, {40001: (0x961A, PEER)})

    def answers(question: bytes, number: int) -> Iterable[bytes]:
        return [reply(question, flags=0x40, status=0x0500)] if b"srchost" in question else knows(question, number)

    with UdpServer(answers) as server, client_of(server) as client:
        [found] = billboard(client)[1]
    assert (found.address, found.source) == ("192.0.2.10", "")


def test_a_number_that_is_none_is_told() -> None:
    server = UdpServer(daemon("leap=?, stratum=2", {}))
    with server, client_of(server) as client, pytest.raises(WireError, match=r"leap is '\?'"):
        billboard(client)
