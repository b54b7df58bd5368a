from __future__ import annotations

import struct
import time
from collections.abc import Sequence
from dataclasses import astuple
from typing import Optional

import pytest

from ntpjoin.board import Counters
from ntpjoin.errors import WireError
from ntpjoin.wire import board as board_module
from ntpjoin.wire import mode6
from ntpjoin.wire.board import billboard
from ntpjoin.wire.control import ControlClient
from tests.wire_servers import Answers, UdpServer, control_reply, fragments

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


def client_of(server: UdpServer, wait_s: float = 5) -> ControlClient:
    return ControlClient(server.address, server.port, timeout_s=wait_s, rest_s=wait_s)


def daemon(
    system: str, peers: dict[int, tuple[int, str]], gone: int = 0, unknown: Sequence[str] = (), status: int = 0x0615
) -> Answers:
    """A daemon with these system variables and peers: association to status and variables.

    It tells those that it was asked for, and refuses where it does not know one; `gone` is an association that has gone meanwhile.
    """

    def answers(question: bytes, _number: int) -> list[bytes]:
        opcode, associd = question[1], int.from_bytes(question[6:8], "big")
        names = question[12:].rstrip(b"\0").decode().split(",")
        if opcode == mode6.READSTAT:
            pairs = b"".join(struct.pack("!HH", one, peers[one][0]) for one in peers)
            return fragments(question, pairs, 468, status=status)
        if associd == gone and gone:
            return [control_reply(question, flags=0x40, status=0x0400)]
        if set(names) & set(unknown):
            return [control_reply(question, flags=0x40, status=0x0500)]
        has = mode6.variables((peers[associd][1] if associd else system).encode())
        return fragments(question, ", ".join(f'{name}="{has[name]}"' for name in names if name in has).encode())

    return answers


def test_the_billboard_of_a_synchronised_daemon_is_read() -> None:
    sources = {40001: (0x961A, PEER), 40002: (0x8011, NEW_PEER)}
    with UdpServer(daemon(CLASSIC_SYSTEM, sources)) as server, client_of(server) as client:
        board = billboard(client)
    system = board.system
    assert system
    assert (system.leap, system.stratum, system.refid, system.peer_associd) == (0, 2, "192.0.2.10", 40001)
    assert system.version.startswith("ntpd 4.2.8p15")
    assert (system.offset_ms, system.root_delay_ms, system.root_dispersion_ms) == (0.412, 11.237, 3.861)
    assert (system.frequency_ppm, system.sys_jitter_ms) == (-12.345, 0.127)
    first, second = board.peers
    assert (first.associd, first.tally, first.address, first.refid) == (40001, "*", "192.0.2.10", "GPS")
    assert (first.stratum, first.reach, first.hmode, first.poll_s, first.when_s) == (1, 255, 3, 64, 16)
    assert (first.delay_ms, first.offset_ms, first.jitter_ms) == (10.982, 0.412, 0.127)
    assert first.root_distance_ms == pytest.approx(10.982 / 2 + 0.992 + 0.944 + 0.127)
    assert (second.tally, second.address, second.refid, second.reach) == (" ", "2001:db8::11", "INIT", 0)
    assert second.when_s is None
    assert second.root_distance_ms is None  # it tells too little
    assert second.configured


def test_the_billboard_of_a_daemon_that_has_just_started_is_read() -> None:
    with UdpServer(daemon(NTPSEC_SYSTEM, {})) as server, client_of(server) as client:
        board = billboard(client)
    assert board.peers == ()
    system = board.system
    assert system
    assert (system.leap, system.stratum, system.refid, system.peer_associd) == (3, 16, "INIT", 0)
    assert system.frequency_ppm is None


def test_a_peer_that_goes_away_meanwhile_is_left_out() -> None:
    peers = {40001: (0x961A, PEER), 40002: (0x8011, NEW_PEER)}
    with UdpServer(daemon(CLASSIC_SYSTEM, peers, gone=40001)) as server, client_of(server) as client:
        assert [peer.associd for peer in billboard(client).peers] == [40002]


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
        board = billboard(client)
    server_, clock, pool = board.peers
    assert [one.title for one in board.peers] == ["192.0.2.10", "SHM(0)", "0.debian.pool.ntp.org"]
    assert (server_.is_clock, clock.is_clock, clock.is_local, pool.is_clock) == (False, True, False, False)
    assert board.sources == (server_, clock)


def test_who_has_no_address_yet_is_nobody() -> None:
    """NTPsec 1.2.5 leaves it out, where others tell 0.0.0.0."""
    without = POOL.replace("srcadr=0.0.0.0, ", "")
    assert without != POOL
    peers = {40001: (0x961A, PEER), 40003: (0x8011, without)}
    with UdpServer(daemon(CLASSIC_SYSTEM, peers)) as server, client_of(server) as client:
        board = billboard(client)
    assert [(one.address, one.type) for one in board.peers] == [("192.0.2.10", "u"), ("0.0.0.0", "p")]
    assert len(board.sources) == 1


COUNTED = (
    ", ss_reset=3600, ss_received=120000, ss_limited=900, ss_kodsent=80, ss_restricted=70, io_dropped=2, mru_depth=512,\r\n"
    "mru_maxdepth=10922, leapsmearinterval=86400"
)


def test_what_a_daemon_counts_is_read_in_one_request_and_its_smearing_in_another() -> None:
    server = UdpServer(daemon(CLASSIC_SYSTEM + COUNTED, {}))
    with server, client_of(server) as client:
        board = billboard(client)
    assert board.counters == Counters(3600, 120000, 900, 80, 70, 2, 512, 10922)
    assert board.system
    assert board.system.smear_interval_s == 86400
    assert len(server.questions) == 3


NAMES = (
    "ss_reset",
    "ss_received",
    "ss_limited",
    "ss_kodsent",
    "ss_restricted",
    "io_dropped",
    "mru_depth",
    "mru_maxdepth",
)


@pytest.mark.parametrize("lacks", [{"ss_reset"}, {"ss_restricted"}, {"mru_depth", "mru_maxdepth"}, set(NAMES)])
def test_a_counter_that_a_daemon_does_not_know_hides_no_other(lacks: set[str]) -> None:
    """One that is not known spoils the whole answer."""
    tells = CLASSIC_SYSTEM + "".join(f", {name}={place}" for place, name in enumerate(NAMES))
    with UdpServer(daemon(tells, {}, unknown=list(lacks))) as server, client_of(server) as client:
        counters = astuple(billboard(client).counters)
    assert counters == tuple(None if name in lacks else place for place, name in enumerate(NAMES))


def test_a_daemon_that_knows_no_counters_no_names_and_no_smearing_is_asked_without() -> None:
    """So is classic 4.2.6. That it knows no names is found out once, not for each source."""
    peers = dict.fromkeys(range(40001, 40011), (0x961A, PEER))
    server = UdpServer(daemon(CLASSIC_SYSTEM, peers, unknown=[*NAMES, "srchost", "leapsmearinterval"]))
    with server, client_of(server) as client:
        board = billboard(client)
    assert board.counters == Counters()
    assert board.system
    assert board.system.smear_interval_s is None
    assert [(found.address, found.source, found.flash) for found in board.peers] == [("192.0.2.10", "", 0)] * 10
    assert len([question for question in server.questions if question[6:8] != b"\0\0"]) == 14


def test_the_tests_that_a_source_fails_are_read() -> None:
    peers = {40001: (0x961A, PEER.replace("flash=0x0", "flash=0x1400")), 40002: (0x8011, NEW_PEER)}
    with UdpServer(daemon(CLASSIC_SYSTEM, peers)) as server, client_of(server) as client:
        assert [peer.flash for peer in billboard(client).peers] == [0x1400, 0]


def test_a_number_that_is_none_is_told() -> None:
    server = UdpServer(daemon("leap=?, stratum=2", {}))
    with server, client_of(server) as client, pytest.raises(WireError, match=r"leap is '\?'"):
        billboard(client)


def test_more_sources_than_fit_into_a_packet_are_all_read() -> None:
    peers = {
        number: (0x9414, PEER.replace("192.0.2.10", f"192.0.{number >> 8}.{number & 255}")) for number in range(1, 301)
    }
    with UdpServer(daemon(CLASSIC_SYSTEM, peers)) as server, client_of(server) as client:
        found = billboard(client).peers
    assert [peer.associd for peer in found] == list(peers)
    assert found[-1].address == "192.0.1.44"


def test_the_sources_come_in_the_order_of_their_numbers() -> None:
    peers = {40003: (0x9414, PEER), 40001: (0x961A, PEER), 40002: (0x8011, NEW_PEER)}
    with UdpServer(daemon(CLASSIC_SYSTEM, peers)) as server, client_of(server) as client:
        assert [peer.associd for peer in billboard(client).peers] == [40001, 40002, 40003]


def test_a_daemon_that_takes_for_ever_over_its_sources_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board_module, "LIMIT_S", 0.2)
    peers = dict.fromkeys(range(1, 1001), (0x961A, PEER))
    began_s = time.monotonic()
    server = UdpServer(daemon(CLASSIC_SYSTEM, peers), late_s=0.01)
    with server, client_of(server) as client, pytest.raises(WireError, match=r"its 1000 sources within 0\.2 s"):
        billboard(client)
    assert time.monotonic() - began_s < 2


@pytest.mark.parametrize(
    ("system", "rec", "reftime", "when_s"),
    [
        (CLASSIC_SYSTEM, "0xe5f0c1d2.c0000000", "0xe5f0c1d0.00000000", 16),  # whole seconds, of both
        (CLASSIC_SYSTEM, "0x00000000.00000000", "0xe5f0c1d0.00000000", 18),  # a reference clock
        (CLASSIC_SYSTEM, "0x00000000.00000000", "0x00000000.00000000", None),
        (CLASSIC_SYSTEM, "0xe5f0c1e2.00000000", "0xe5f0c1d0.00000000", 0),
        (CLASSIC_SYSTEM, "0xe5f0c1e3.00000000", "0xe5f0c1d0.00000000", None),  # ahead of us
        (CLASSIC_SYSTEM, "nonsense", "", None),
        (NTPSEC_SYSTEM, "0xe5f0c1d2.c0000000", "0xe5f0c1d0.00000000", 15.75),
        (NTPSEC_SYSTEM, "0x00000000.00000000", "0xe5f0c1d0.00000000", None),
    ],
)
def test_the_age_of_a_packet_is_counted_as_ntpq_counts_it(
    system: str, rec: str, reftime: str, when_s: Optional[float]
) -> None:
    system = system.replace("peer=0,", "peer=0, clock=0xe5f0c1e2.80000000,")
    peer = PEER.replace("0xe5f0c1d2.00000000", rec).replace("0xe5f0c1d0.00000000", reftime)
    with UdpServer(daemon(system, {40001: (0x961A, peer)})) as server, client_of(server) as client:
        assert billboard(client).peers[0].when_s == when_s


@pytest.mark.parametrize(
    ("hpoll", "ppoll", "poll_s"), [(6, 10, 64), (10, 6, 64), (0, 6, 1), (3, 99, 8), (99, 99, 131072), (-6, 4, 1)]
)
def test_the_shorter_poll_interval_counts(hpoll: int, ppoll: int, poll_s: int) -> None:
    peer = PEER.replace("hpoll=7, ppoll=6", f"hpoll={hpoll}, ppoll={ppoll}")
    with UdpServer(daemon(CLASSIC_SYSTEM, {40001: (0x961A, peer)})) as server, client_of(server) as client:
        assert billboard(client).peers[0].poll_s == poll_s


@pytest.mark.parametrize(
    ("hmode", "address", "more", "letter"),
    [
        (3, "192.0.2.1", "", "u"),
        (3, "2001:db8::1", "", "u"),
        (3, "127.127.28.0", "", "l"),
        (3, "0.0.0.0", ", refid=POOL", "p"),
        (3, "::", ", refid=POOL", "p"),
        (3, "0.0.0.0", ", refid=DNS", "u"),
        (3, "224.0.1.1", "", "a"),
        (3, "239.1.1.1", "", "a"),
        (3, "240.0.0.1", "", "u"),
        (3, "ff05::101", "", "a"),
        (3, "192.0.2.1", ", ntscookies=-1", "u"),
        (3, "192.0.2.1", ", ntscookies=0", "0"),
        (3, "192.0.2.1", ", ntscookies=8", "8"),
        (1, "192.0.2.1", "", "s"),
        (2, "192.0.2.1", "", "S"),
        (5, "192.0.2.255", "", "B"),
        (5, "224.0.1.1", "", "M"),
        (6, "192.0.2.1", "", "b"),
        (7, "192.0.2.1", "", "?"),
    ],
)
def test_the_kind_of_a_source_is_told_by_the_letters_of_ntpq(hmode: int, address: str, more: str, letter: str) -> None:
    peer = PEER.replace("hmode=3", f"hmode={hmode}").replace("192.0.2.10", address) + more
    with UdpServer(daemon(NTPSEC_SYSTEM, {40001: (0x961A, peer)})) as server, client_of(server) as client:
        assert billboard(client).peers[0].type == letter


def test_what_happened_last_is_told() -> None:
    peers = {40001: (0x961A, PEER), 40002: (0x8088, NEW_PEER), 40003: (0x8087, NEW_PEER)}
    with UdpServer(daemon(CLASSIC_SYSTEM, peers, status=0x0638)) as server, client_of(server) as client:
        board = billboard(client)
    assert board.system
    assert board.system.event == "no_sys_peer"
    assert [peer.event for peer in board.peers] == ["sys_peer", "access_denied", "rate_exceeded"]
