from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Optional

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from ntpjoin.model import Resolved
from ntpjoin.wire.dns import names_of, resolve
from tests.wire_servers import UdpServer, silence

#: The zone of most tests: name to records.
ZONE: dict[str, Sequence[str]] = {
    "ntp1.example.net": ("300 A 192.0.2.11", "300 AAAA 2001:db8::11"),
    "ntp2.example.net": ("300 A 192.0.2.22", "300 A 192.0.2.3", "300 AAAA 2001:db8::22"),
    "four.example.net": ("60 A 192.0.2.4",),
    "six.example.net": ("60 AAAA 2001:db8::6",),
    "empty.example.net": ("60 TXT nothing",),
    "alias.example.net": ("600 CNAME Middle.Example.NET.", "20 CNAME ntp1.example.net."),
    "dangling.example.net": ("600 CNAME empty.example.net.",),
    "broken.example.net": ("600 CNAME missing.example.net.",),
    "mapped.example.net": ("60 AAAA ::ffff:192.0.2.1",),
    "loop.example.net": ("600 CNAME loop.example.net.",),
    "7.113.0.203.in-addr.arpa": ("300 PTR Time.Example.NET.", "300 PTR ntp.example.net."),
    "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.3.1.1.0.8.b.d.0.1.0.0.2.ip6.arpa": ("300 PTR time.example.net.",),
    "8.113.0.203.in-addr.arpa": ("60 TXT nothing",),
    "9.113.0.203.in-addr.arpa": ("600 CNAME 9.0-15.113.0.203.in-addr.arpa.",),
    "9.0-15.113.0.203.in-addr.arpa": ("300 PTR evil\\027[31m.example.net.",),
}
LINKS = {"alias.example.net": ["alias.example.net.", "middle.example.net."]}


def answer(query: bytes, _number: int = 0) -> list[bytes]:
    """Answer from ZONE, following aliases as a resolver does."""
    message = dns.message.from_wire(query)
    response = dns.message.make_response(message)
    response.flags |= dns.flags.RA
    question = message.question[0]
    wanted = dns.rdatatype.to_text(question.rdtype)
    name = question.name.to_text().lower()
    hops = 0
    while True:
        records = ZONE.get(name.rstrip("."))
        if records is None:
            if name != "middle.example.net.":
                response.set_rcode(dns.rcode.NXDOMAIN)
                break
            records = ZONE["alias.example.net"][1:]
        alias = next((record for record in records if " CNAME " in record), "")
        if not alias or hops > 20:
            for record in records:
                ttl, kind, data = record.split()
                if kind == wanted:
                    rrset = response.find_rrset(
                        response.answer, dns.name.from_text(name), question.rdclass, question.rdtype, create=True
                    )
                    rrset.add(dns.rdata.from_text(question.rdclass, question.rdtype, data), int(ttl))
            break
        ttl, _, target = alias.split()
        response.answer.append(dns.rrset.from_text(name, int(ttl), "IN", "CNAME", target))
        name = target.lower()
        hops += 1
    return [response.to_wire()]


def rcode(code: dns.rcode.Rcode) -> Callable[[bytes, int], list[bytes]]:
    def answers(query: bytes, _number: int) -> list[bytes]:
        response = dns.message.make_response(dns.message.from_wire(query))
        response.set_rcode(code)
        return [response.to_wire()]

    return answers


def ask(server: UdpServer, *names: str, timeout_s: float = 5) -> tuple[Resolved, ...]:
    return resolve(names, nameservers=[server.address], port=server.port, timeout_s=timeout_s)


def test_of_some_names_one_family_is_asked_for_and_they_are_not_whole() -> None:
    with UdpServer(answer) as server:
        names = ["ntp1.example.net", "ntp2.example.net", "four.example.net"]
        found = resolve(
            names,
            nameservers=[server.address],
            port=server.port,
            only={"ntp1.example.net": "IPv6", "four.example.net": "IPv6"},
        )
    assert [one.addresses for one in found] == [
        ("2001:db8::11",),
        ("192.0.2.3", "192.0.2.22", "2001:db8::22"),
        (),
    ]
    assert [one.whole for one in found[:2]] == [False, True]
    assert len(server.questions) == 4


def test_both_families_are_found_sorted_with_the_smallest_time_to_live() -> None:
    with UdpServer(answer) as server:
        found = ask(server, "ntp2.example.net", "ntp1.example.net", "ntp2.example.net")
    assert found == (
        Resolved("ntp2.example.net", (), ("192.0.2.3", "192.0.2.22", "2001:db8::22"), 300),
        Resolved("ntp1.example.net", (), ("192.0.2.11", "2001:db8::11"), 300),
    )


def test_aliases_are_kept_in_order() -> None:
    with UdpServer(answer) as server:
        (found,) = ask(server, "alias.example.net")
    assert found.chain == ("middle.example.net", "ntp1.example.net")
    assert found.addresses == ("192.0.2.11", "2001:db8::11")
    assert found.ttl_s == 20


@pytest.mark.parametrize(
    ("name", "addresses"), [("four.example.net", ("192.0.2.4",)), ("six.example.net", ("2001:db8::6",))]
)
def test_one_family_is_enough(name: str, addresses: tuple[str, ...]) -> None:
    with UdpServer(answer) as server:
        (found,) = ask(server, name)
    assert (found.addresses, found.ttl_s, found.problem) == (addresses, 60, "")


@pytest.mark.parametrize(
    ("name", "chain", "problem"),
    [
        ("empty.example.net", (), "the name has no address"),
        ("dangling.example.net", ("empty.example.net",), "the name has no address"),
        ("missing.example.net", (), "no such name"),
        ("broken.example.net", ("missing.example.net",), "no such name: missing.example.net"),
        ("mapped.example.net", (), "it leads to IPv4-mapped addresses only"),
    ],
)
def test_a_name_without_an_address_says_why(name: str, chain: tuple[str, ...], problem: str) -> None:
    with UdpServer(answer) as server:
        (found,) = ask(server, name)
    assert found == Resolved(name, chain, problem=problem)


def test_an_alias_of_itself_ends() -> None:
    with UdpServer(answer) as server:
        (found,) = ask(server, "loop.example.net")
    assert found.addresses == ()
    assert found.problem == "its aliases go in a circle, or are too many"


@pytest.mark.parametrize("code", [dns.rcode.SERVFAIL, dns.rcode.REFUSED])
def test_a_server_that_fails_is_named(code: dns.rcode.Rcode) -> None:
    with UdpServer(rcode(code)) as server:
        (found,) = ask(server, "ntp1.example.net")
    assert found.problem == f"the DNS server 127.0.0.1 failed ({dns.rcode.to_text(code)})"


def test_silence_ends_in_time_for_any_number_of_names() -> None:
    names = [f"ntp{number}.example.net" for number in range(50)]
    with UdpServer(silence) as server:
        began_s = time.monotonic()
        found = ask(server, *names, timeout_s=0.3)
        took_s = time.monotonic() - began_s
    assert [one.name for one in found] == names
    assert {one.problem for one in found} == {"no DNS server answered within 0.3 s"}
    assert took_s < 2


def test_a_trickle_of_junk_ends_in_time() -> None:
    with UdpServer(lambda q, _: [b"junk", q, q[:2] + b"\x80"] * 200, late_s=0.01) as server:
        began_s = time.monotonic()
        (found,) = ask(server, "ntp1.example.net", timeout_s=0.3)
        took_s = time.monotonic() - began_s
    assert found.addresses == ()
    assert found.problem
    assert took_s < 2


def test_a_closed_port_of_the_dns_server_is_a_problem_in_words() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    (found,) = resolve(["ntp1.example.net"], nameservers=["127.0.0.1"], port=port, timeout_s=0.3)
    assert "DNS server" in found.problem


def test_one_family_that_fails_does_not_take_the_other_with_it() -> None:
    def answers(query: bytes, number: int) -> list[bytes]:
        wanted = dns.message.from_wire(query).question[0].rdtype
        return answer(query) if wanted == dns.rdatatype.AAAA else rcode(dns.rcode.SERVFAIL)(query, number)

    with UdpServer(answers) as server:
        good, bad = ask(server, "ntp1.example.net", "four.example.net")
    assert (good.addresses, good.problem) == (("2001:db8::11",), "")
    assert bad.problem == "the DNS server 127.0.0.1 failed (SERVFAIL)"


def test_a_second_server_is_asked_when_the_first_fails() -> None:
    with UdpServer(rcode(dns.rcode.SERVFAIL)) as first, UdpServer(answer, address="::1", port=first.port):
        (found,) = resolve(["ntp1.example.net"], nameservers=["127.0.0.1", "::1"], port=first.port)
    assert found.addresses == ("192.0.2.11", "2001:db8::11")


class TcpServer:
    """Answers DNS over TCP, once a connection; `stalls`: takes the question and then says nothing."""

    def __init__(self, port: int, *, stalls: bool = False) -> None:
        self._door = socket.create_server(("127.0.0.1", port))
        self._door.settimeout(0.02)
        self._stalls = stalls
        self._open: list[socket.socket] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self.served = 0

    def __enter__(self) -> TcpServer:  # noqa: PYI034 (Self came with Python 3.11)
        self._thread.start()
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self._over.set()
        self._thread.join()
        for door in (self._door, *self._open):
            door.close()

    def _serve(self) -> None:
        while not self._over.is_set():
            try:
                line, _ = self._door.accept()
            except socket.timeout:
                continue
            self._open.append(line)
            self.served += 1
            if not self._stalls:
                line.settimeout(5)
                query = line.recv(4096)
                (response,) = answer(query[2:])
                line.sendall(len(response).to_bytes(2, "big") + response)


def truncated(query: bytes, _number: int) -> list[bytes]:
    response = dns.message.make_response(dns.message.from_wire(query))
    response.flags |= dns.flags.TC
    return [response.to_wire()]


def test_a_truncated_answer_is_fetched_over_tcp() -> None:
    with UdpServer(truncated) as server, TcpServer(server.port) as tcp:
        (found,) = ask(server, "ntp2.example.net")
    assert found.addresses == ("192.0.2.3", "192.0.2.22", "2001:db8::22")
    assert tcp.served == 2


def test_a_stalled_tcp_server_ends_in_time() -> None:
    with UdpServer(truncated) as server, TcpServer(server.port, stalls=True):
        began_s = time.monotonic()
        (found,) = ask(server, "ntp2.example.net", timeout_s=0.3)
        took_s = time.monotonic() - began_s
    assert found.problem == "no DNS server answered over TCP within 0.3 s"
    assert took_s < 2


def test_an_address_is_its_own_answer_and_nobody_is_asked() -> None:
    with UdpServer(answer) as server:
        found = ask(server, "192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1", "fe80::1%eth0")
    assert not server.questions
    assert [one.addresses for one in found] == [("192.0.2.1",), ("2001:db8::1",), (), ()]
    assert [bool(one.problem) for one in found] == [False, False, True, True]


def test_without_a_dns_server_the_problem_is_told() -> None:
    (found,) = resolve(["ntp1.example.net"], nameservers=[])
    assert found.problem == "no DNS server is configured"


def test_a_resolv_conf_that_names_nobody_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(*_args: Any, **_kwargs: Any) -> None:
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(dns.resolver.Resolver, "read_resolv_conf", unreadable)
    monkeypatch.setattr("ntpjoin.wire.dns._RESOLV_CONF", Path("/no/such/file"))
    (found,) = resolve(["ntp1.example.net"])
    assert found.problem == "no DNS server can be read from /etc/resolv.conf"


# --- what addresses are called


def test_addresses_are_asked_for_their_names() -> None:
    with UdpServer(answer) as server:
        found = names_of(
            ["203.0.113.7", "2001:db8:113::7", "203.0.113.8", "203.0.113.9", "203.0.113.10", "203.0.113.7"],
            nameservers=[server.address],
            port=server.port,
        )
    assert found == {
        "203.0.113.7": ("ntp.example.net", "time.example.net"),
        "2001:db8:113::7": ("time.example.net",),
        # There is something, but no name; an alias, as where less than a /24 is delegated (RFC 2317); nothing.
        "203.0.113.8": (),
        "203.0.113.9": ("evil\\027[31m.example.net",),
        "203.0.113.10": (),
    }
    assert len(server.questions) == 5


@pytest.mark.parametrize("answers", [rcode(dns.rcode.SERVFAIL), rcode(dns.rcode.REFUSED), silence])
def test_a_server_that_does_not_tell_a_name_is_not_taken_to_say_that_there_is_none(answers: Any) -> None:
    with UdpServer(answers) as server:
        began = time.monotonic()
        found = names_of(["203.0.113.7"], nameservers=[server.address], port=server.port, timeout_s=0.5)
        assert found == {"203.0.113.7": None}
        assert time.monotonic() - began < 2.5


def test_without_a_dns_server_no_name_is_known_and_without_addresses_nobody_is_asked() -> None:
    assert names_of(["203.0.113.7"], nameservers=[]) == {"203.0.113.7": None}
    assert names_of([]) == {}
