from __future__ import annotations

import contextlib
import errno
import resource
import socket
import threading
import time
from collections.abc import Iterable
from typing import Any

import pytest

from ntpjoin.model import Asked, Sample
from ntpjoin.wire import ntp, packet, sockets
from tests.wire_servers import NTP_EPOCH_S, Answers, UdpServer, ntp_reply, ntp_stamp, silence

#: For answers, which end the wait; and for silence, which does not.
PATIENT: dict[str, Any] = {"timeout_s": 5, "gap_s": 2}
HASTY: dict[str, Any] = {"timeout_s": 0.1, "gap_s": 0.05}


def ask(server: UdpServer, **how: Any) -> Asked:
    (asked,) = ntp.exchange([server.address], port=server.port, **{**PATIENT, **how})
    return asked


def sample_of(asked: Asked) -> Sample:
    assert asked.sample, asked.problem
    return asked.sample


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("ahead_s", [0.0, 10.0, -7203.5])
def test_a_reply_tells_how_far_the_server_is_ahead(address: str, ahead_s: float) -> None:
    with UdpServer(lambda q, _: [ntp_reply(q, ahead_s=ahead_s)], address=address) as server:
        sample = sample_of(ask(server))
    assert sample.offset_s == pytest.approx(ahead_s, abs=0.5)  # on a machine that is busy
    assert 0 < sample.delay_s < 0.2
    assert (sample.address, sample.stratum, sample.leap, sample.refid) == (address, 2, 0, "192.0.2.9")
    assert sample.root_delay_s == pytest.approx(0.01, abs=1e-4)
    assert sample.root_dispersion_s == pytest.approx(0.002, abs=1e-4)
    assert sample.precision == -23


def test_the_question_tells_nothing_but_version_and_mode() -> None:
    with UdpServer(lambda q, _: [ntp_reply(q)]) as server:
        ask(server)
        ask(server)
    first, second = server.questions
    assert first[:40] == b"\x23" + bytes(39)
    assert len(first) == 48
    assert first[40:] != second[40:]
    assert any(first[40:])


@pytest.mark.parametrize(
    ("answers", "oddity"),
    [
        (lambda q, _: [ntp_reply(q, origin=b"guessed!")], "does not echo"),
        (lambda q, _: [ntp_reply(q, origin=bytes(8))], "does not echo"),
        (lambda q, _: [ntp_reply(q, first=0x23)], "mode 3"),
        (lambda q, _: [ntp_reply(q, first=0x04)], "version 0"),
        (lambda q, _: [ntp_reply(q, first=0x2C)], "version 5"),
        (lambda q, _: [ntp_reply(q, first=0x26)], "mode 6"),
        (lambda q, _: [ntp_reply(q)[:47]], "47 bytes"),
        (lambda _q, _: [b""], "does not echo"),
        (lambda q, _: [ntp_reply(q, received=0)], "empty"),
        (lambda q, _: [ntp_reply(q, sent=0)], "empty"),
        (lambda q, _: [ntp_reply(q, sent=ntp_stamp(time.time() - 1))], "sent before"),
        (lambda q, _: [ntp_reply(q, received=ntp_stamp(time.time() - 60))], "kept longer"),
        (lambda q, _: [ntp_reply(q, origin=b"guessed!", stratum=0, refid=b"DENY")], "does not echo"),
    ],
)
def test_a_datagram_that_is_no_answer_does_not_count(answers: Answers, oddity: str) -> None:
    with UdpServer(answers) as server:
        asked = ask(server, **HASTY)
    assert asked.sample is None
    assert asked.problem.startswith("no valid answer within 0.15 s: ")
    assert oddity in asked.problem


@pytest.mark.parametrize("first", [0x0C, 0x14, 0x1C, 0x24])
def test_an_answer_of_an_older_version_counts(first: int) -> None:
    """As for ntpd, and for the pool's monitors."""
    with UdpServer(lambda q, _: [ntp_reply(q, first=first)]) as server:
        assert sample_of(ask(server)).stratum


def test_an_answer_after_datagrams_that_are_none_counts() -> None:
    with UdpServer(lambda q, _: [b"junk", ntp_reply(q, origin=b"guessed!"), ntp_reply(q, ahead_s=3)]) as server:
        assert sample_of(ask(server)).offset_s == pytest.approx(3, abs=0.05)


def test_a_trickle_of_junk_does_not_lengthen_the_wait() -> None:
    with UdpServer(lambda _q, _: [b"junk"] * 600, late_s=0.005) as server:
        began_s = time.monotonic()
        asked = ask(server, **HASTY)
        took_s = time.monotonic() - began_s
    assert asked.problem.startswith("no valid answer")
    assert took_s < 1.5


def test_a_flood_of_junk_hides_no_answer_and_others_are_heard() -> None:
    def flood(question: bytes, _number: int) -> Iterable[bytes]:
        yield from [ntp_reply(question, origin=b"guessed!")] * 5000
        yield ntp_reply(question, ahead_s=3)

    honest = UdpServer(lambda q, _: [ntp_reply(q)], address="::1")
    with honest, UdpServer(flood, port=honest.port) as flooded:
        found, heard = ntp.exchange([flooded.address, honest.address], port=honest.port, timeout_s=5, gap_s=4)
    assert sample_of(found).offset_s == pytest.approx(3, abs=1)
    assert (found.sent, found.heard) == (1, 1)
    assert heard.sample


def test_a_flood_that_nobody_reads_meanwhile_fills_no_buffer(monkeypatch: pytest.MonkeyPatch) -> None:
    flooded = threading.Event()
    real = sockets.receive

    def late(door: socket.socket) -> tuple[bytes, int]:
        assert flooded.wait(10)
        return real(door)

    def flood(question: bytes, _number: int) -> Iterable[bytes]:
        yield from [ntp_reply(question, origin=b"guessed!")] * 5000
        yield ntp_reply(question)
        flooded.set()

    monkeypatch.setattr(sockets, "receive", late)
    with UdpServer(flood) as server:
        asked = ask(server, gap_s=4)
    assert (asked.sent, asked.heard) == (1, 1)


def test_the_kernel_drops_what_echoes_nothing_once_it_is_told_to() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
        far.bind(("127.0.0.1", 0))
        with sockets.connect("127.0.0.1", far.getsockname()[1]) as near:
            sockets.drop_all_but_echoes(near, [b"8 random", b"or these"])
            junk = [b"", b"short", ntp_reply(bytes(48)), ntp_reply(bytes(48), origin=b"8 randoX")]
            echoes = [ntp_reply(bytes(48), origin=echo) for echo in (b"or these", b"8 random")]
            for datagram in (*junk, *echoes, *junk):
                far.sendto(datagram, near.getsockname())
            seen = []
            with contextlib.suppress(BlockingIOError):
                while True:
                    seen.append(sockets.receive(near)[0])
    assert seen == echoes


def test_several_samples_are_taken_with_the_gap_between_them_and_the_quickest_counts() -> None:
    def answers(question: bytes, number: int) -> Iterable[bytes]:
        time.sleep(0.0 if number == 1 else 0.05)
        yield ntp_reply(question, ahead_s=100 * number)

    with UdpServer(answers) as server:
        asked = ask(server, samples=3, gap_s=0.2)
        gaps = [later - earlier for earlier, later in zip(server.asked_at_s, server.asked_at_s[1:])]
    assert (asked.sent, asked.heard) == (3, 3)
    assert sample_of(asked).offset_s == pytest.approx(100, abs=5)
    assert asked.jitter_s == pytest.approx(100, abs=5)
    assert [one.offset_s for one in asked.samples] == pytest.approx([0, 100, 200], abs=5)
    assert min(gaps) > 0.15


def test_an_address_with_a_gap_of_its_own_is_asked_in_that() -> None:
    with UdpServer(lambda q, _: [ntp_reply(q)]) as server:
        assert ask(server, samples=2, gap_s=5, gaps_s={server.address: 0.1}).heard == 2


def test_an_address_that_is_to_wait_is_asked_later_than_the_others() -> None:
    first = UdpServer(lambda q, _: [ntp_reply(q)], address="::1")
    with first, UdpServer(lambda q, _: [ntp_reply(q)], port=first.port) as later:
        addresses = [later.address, first.address]
        ntp.exchange(addresses, port=first.port, waits_s={later.address: 0.5}, **PATIENT)
        assert later.asked_at_s[0] - first.asked_at_s[0] > 0.45


def test_lost_answers_are_counted() -> None:
    with UdpServer(lambda q, number: [ntp_reply(q)] if number != 1 else []) as server:
        asked = ask(server, samples=3, gap_s=0.1, timeout_s=0.3)
    assert (asked.sent, asked.heard, asked.problem) == (3, 2, "")


def test_an_answer_after_its_time_limit_is_lost() -> None:
    with UdpServer(lambda q, _: [ntp_reply(q)], late_s=0.3) as server:
        asked = ask(server, samples=2, gap_s=0.25, timeout_s=0.2)
    assert (asked.sent, asked.heard) == (2, 0)
    assert asked.problem.startswith("no")


def test_who_stops_it_gets_what_is_known_so_far() -> None:
    honest = UdpServer(lambda q, _: [ntp_reply(q)], address="::1")
    with honest, UdpServer(silence, port=honest.port) as quiet:
        began_s = time.monotonic()
        dead, alive = ntp.exchange(
            [quiet.address, honest.address],
            port=quiet.port,
            samples=4,
            gap_s=5,
            stopped=lambda: time.monotonic() > began_s + 0.4,
        )
    assert time.monotonic() - began_s < 3
    assert (alive.sent, alive.heard, dead.heard) == (1, 1, 0)
    assert alive.sample
    assert dead.problem.startswith("no answer")


@pytest.mark.parametrize("code", ["RATE", "DENY", "RSTR"])
@pytest.mark.parametrize("stamps", [{}, {"received": 0, "sent": 0}])
def test_a_kiss_of_death_is_taken_as_the_last_word(code: str, stamps: dict[str, Any]) -> None:
    kiss = {"first": 0xE4, "stratum": 0, "refid": code.encode(), **stamps}
    with UdpServer(lambda q, _: [ntp_reply(q, **kiss)]) as server:
        asked = ask(server, tries=3, gap_s=0.05)
        time.sleep(0.1)
    assert asked == Asked("127.0.0.1", problem=f"kiss-o'-death {code}", sent=1)
    assert len(server.questions) == 1


@pytest.mark.parametrize(
    ("head", "seen"),
    [
        ({"first": 0xE4, "stratum": 0, "refid": b"INIT"}, (3, 0, "INIT")),
        ({"first": 0xE4, "stratum": 16}, (3, 16, "192.0.2.9")),
        ({"stratum": 1, "refid": b"GPS\0"}, (0, 1, "GPS")),
        ({"stratum": 1, "refid": b"A\n\xffB"}, (0, 1, "A??B")),
        ({"first": 0x64}, (1, 2, "192.0.2.9")),
    ],
)
def test_what_a_server_says_of_itself_is_returned_unjudged(head: dict[str, Any], seen: tuple[int, int, str]) -> None:
    with UdpServer(lambda q, _: [ntp_reply(q, **head)]) as server:
        sample = sample_of(ask(server))
    assert (sample.leap, sample.stratum, sample.refid) == seen


def test_a_silent_server_is_asked_again_after_the_gap() -> None:
    with UdpServer(lambda q, number: [ntp_reply(q)] if number else []) as server:
        assert ask(server, gap_s=0.3).sample
    assert len(server.questions) == 2
    assert server.questions[0] != server.questions[1]
    assert 0.25 < server.asked_at_s[1] - server.asked_at_s[0] < 3


def test_silence_is_told_with_how_long_it_was_waited_for() -> None:
    with UdpServer(silence) as server:
        assert ask(server, **HASTY).problem == "no answer within 0.15 s"
    assert len(server.questions) == 2


def test_a_late_answer_to_the_first_question_counts_with_its_own_delay() -> None:
    with UdpServer(lambda q, number: [] if number else [ntp_reply(q)], late_s=0.25) as server:
        sample = sample_of(ask(server, gap_s=0.1))
    assert sample.delay_s > 0.2
    assert sample.offset_s == pytest.approx(-sample.delay_s / 2, abs=0.05)


def test_an_answer_from_another_port_is_never_heard() -> None:
    with UdpServer(lambda q, _: [ntp_reply(q)], strange_port=True) as server:
        assert ask(server, **HASTY).problem == "no answer within 0.15 s"


def test_a_closed_port_is_told_at_once() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    began_s = time.monotonic()
    (asked,) = ntp.exchange(["127.0.0.1"], port=port, timeout_s=5)
    assert asked.problem == f"refused: nothing listens on UDP {port}"
    assert asked.sent == 1
    assert time.monotonic() - began_s < 2


class Refusing:
    """A socket that is refused what it does; all else is the real one's."""

    def __init__(self, door: socket.socket, sends: int, code: int) -> None:
        self._door, self._sends, self._code = door, sends, code

    def send(self, datagram: bytes) -> int:
        self._sends -= 1
        if self._sends < 0:
            raise OSError(self._code, "refused")
        return self._door.send(datagram)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._door, name)


@pytest.mark.parametrize(
    ("sends", "code", "problem"),
    [
        (0, errno.EPERM, "this host's own firewall forbids asking it"),
        (0, errno.EACCES, "this host's own firewall or routes forbid asking it"),
        (0, errno.ENETUNREACH, "this host has no IPv4 route to it"),
        (1, errno.EACCES, "a packet filter refuses it"),
        (1, errno.ENETUNREACH, "a packet filter refuses it"),
        (1, errno.EHOSTUNREACH, "a packet filter refuses it"),
        (1, errno.ECONNREFUSED, "refused: nothing listens on UDP {port}"),
    ],
)
def test_what_comes_before_a_question_has_left_is_this_hosts_own_and_later_it_is_reported(
    monkeypatch: pytest.MonkeyPatch, sends: int, code: int, problem: str
) -> None:
    real = sockets.connect
    monkeypatch.setattr(sockets, "connect", lambda address, port: Refusing(real(address, port), sends, code))
    with UdpServer(silence) as server:
        asked = ask(server, **HASTY)
    assert (asked.problem, asked.sent) == (problem.format(port=server.port), sends)


def test_this_hosts_own_addresses_are_told_and_no_packet_is_sent() -> None:
    with UdpServer(silence) as server:
        own = sockets.own_among(["127.0.0.1", "not an address", "127.0.0.2"], server.port)
    assert own == {"127.0.0.1"}
    assert server.questions == []


def test_more_files_are_asked_for_where_many_are_to_be_open(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = [(1024, 4096)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: limits.append(wanted))
    for count in (500, 1500, 1500, 9000):
        sockets.make_room(count)
    assert limits == [(1024, 4096), (1600, 4096), (4096, 4096)]
    limits.append((1024, resource.RLIM_INFINITY))
    sockets.make_room(9000)
    assert limits[-1] == (9100, resource.RLIM_INFINITY)


def test_an_address_that_cannot_be_asked_does_not_keep_the_others_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.socket

    def without_ipv6(family: int, kind: int) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(97, "Address family not supported by protocol")
        return real(family, kind)

    with UdpServer(lambda q, _: [ntp_reply(q)]) as server:
        monkeypatch.setattr(socket, "socket", without_ipv6)
        bad, worse, good = ntp.exchange(["::1", "ntp.example.net", "127.0.0.1"], port=server.port, **PATIENT)
    assert bad.problem == "this host does not speak IPv6"
    assert "illegal" in worse.problem
    assert good.sample


def test_results_come_in_the_order_asked_and_each_address_is_asked_once() -> None:
    heard: list[Asked] = []
    with UdpServer(lambda q, _: [ntp_reply(q)], address="::1") as server:
        asked = ntp.exchange(["127.0.0.1", "::1", "127.0.0.1"], port=server.port, on_reply=heard.append, **HASTY)
    assert [one.address for one in asked] == ["127.0.0.1", "::1"]
    assert len(server.questions) == 1
    assert {one.address for one in heard} == {"127.0.0.1", "::1"}


def test_nobody_to_ask_is_no_result() -> None:
    assert ntp.exchange([]) == ()


def test_a_step_of_our_clock_in_between_is_taken_out_of_the_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    real = time.time_ns
    readings: list[int] = []

    def stepped() -> int:
        readings.append(real())
        return readings[-1] + (3600 * 10**9 if len(readings) > 1 else 0)

    with UdpServer(lambda q, _: [ntp_reply(q)]) as server:
        monkeypatch.setattr(time, "time_ns", stepped)
        sample = sample_of(ask(server))
    assert sample.offset_s == pytest.approx(-3600, abs=0.05)


YEAR_S = 31_556_952
Y2026_S = 1_790_000_000
ERA_END_S = (1 << 32) - NTP_EPOCH_S


@pytest.mark.parametrize(
    ("server_s", "here_s"),
    [
        (Y2026_S, Y2026_S),
        (Y2026_S, Y2026_S - 7200),
        (Y2026_S, 0),
        (Y2026_S, 3 * YEAR_S),
        (Y2026_S, Y2026_S + 60 * YEAR_S),
        (ERA_END_S + 5, ERA_END_S - 5),
        (ERA_END_S - 5, ERA_END_S + 5),
        (ERA_END_S + 20 * YEAR_S, 0),
        (Y2026_S + 100 * YEAR_S, 0),
        (Y2026_S - 30 * YEAR_S, Y2026_S),
    ],
)
def test_stamps_fall_into_the_right_era(server_s: int, here_s: int) -> None:
    stamp = (server_s + NTP_EPOCH_S) % (1 << 32) << 32 | 1 << 31
    assert packet.unix_ns(stamp, here_s * 10**9) == server_s * 10**9 + 500_000_000


def test_a_reply_sent_just_past_the_end_of_an_era_is_valid() -> None:
    nonce = b"8 random"
    reply = ntp_reply(packet.request(nonce), received=(1 << 64) - 5, sent=1 << 20)
    assert packet.fault(reply, {nonce}) == ""
    here_ns = ERA_END_S * 10**9
    assert abs(packet.sample("192.0.2.1", reply, here_ns, here_ns + 10**6).offset_s) < 0.001


def test_offset_and_delay_are_those_of_the_rfc_to_the_nanosecond() -> None:
    sent_ns = Y2026_S * 10**9
    at_server = (Y2026_S + NTP_EPOCH_S + 10 << 32) + (1 << 30)  # +10.25 s
    reply = ntp_reply(bytes(48), received=at_server, sent=at_server + (1 << 22))  # kept 0.9765625 ms
    sample = packet.sample("192.0.2.1", reply, sent_ns, sent_ns + 20_976_562)
    assert sample.delay_s == pytest.approx(0.020, abs=2e-9)
    assert sample.offset_s == pytest.approx(10.24, abs=2e-9)
