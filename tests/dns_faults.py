"""A DNS server on loopback, over UDP and TCP, whose names misbehave in every way that we know of, beside some that do not."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from contextlib import suppress
from types import TracebackType
from typing import Callable, NamedTuple, Optional

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

Query = dns.message.Message
#: What is sent back, and after how many seconds.
Answers = Callable[[Query], list[tuple[float, bytes]]]

ZONE = "example.net"


def records(query: Query, *lines: str) -> Query:
    """An answer of "name TTL type data": aliases, and what is of the type that was asked for."""
    response = dns.message.make_response(query)
    response.flags |= dns.flags.RA
    wanted, origin = dns.rdatatype.to_text(query.question[0].rdtype), dns.name.from_text(ZONE)
    for line in lines:
        name, ttl, kind, data = line.split()
        if kind in ("CNAME", wanted):
            owner, rdtype = dns.name.from_text(name, origin), dns.rdatatype.from_text(kind)
            rrset = response.find_rrset(response.answer, owner, dns.rdataclass.IN, rdtype, create=True)
            rrset.add(dns.rdata.from_text(dns.rdataclass.IN, rdtype, data, origin, relativize=False), int(ttl))
    return response


def _owner(query: Query) -> str:
    return query.question[0].name.to_text().lower().partition(".")[0]


def says(*data: str, ttl: int = 60, late_s: float = 0) -> Answers:
    """The name has these addresses."""

    def answers(query: Query) -> list[tuple[float, bytes]]:
        lines = [f"{_owner(query)} {ttl} {'AAAA' if ':' in one else 'A'} {one}" for one in data]
        return [(late_s, records(query, *lines).to_wire(max_size=65535))]

    return answers


def holds(*lines: str) -> Answers:
    """Exactly these records, whoever asks."""
    return lambda query: [(0, records(query, *lines).to_wire(max_size=65535))]


def fails(code: dns.rcode.Rcode) -> Answers:
    def answers(query: Query) -> list[tuple[float, bytes]]:
        response = records(query)
        response.set_rcode(code)
        return [(0, response.to_wire())]

    return answers


def silent(_query: Query) -> list[tuple[float, bytes]]:
    return []


def _lie(query: Query, *, number: int = 0, name: str = "") -> bytes:
    """A false answer: under another number, or to a question about another name."""
    owner = name or _owner(query)
    lie = records(query, f"{owner} 60 A 192.0.2.66", f"{owner} 60 AAAA 2001:db8::66")
    lie.id ^= number
    if name:
        kind = dns.rdatatype.to_text(query.question[0].rdtype)
        lie.question = [dns.rrset.from_text(f"{name}.{ZONE}.", 0, "IN", kind)]
    return lie.to_wire()


def _forged(query: Query) -> list[tuple[float, bytes]]:
    """Lies of somebody who guesses, the right answer behind them."""
    return [(0, _lie(query, number=1)), (0, _lie(query, name="other")), *says("9.9.9.7")(query)]


def _garbage(query: Query) -> list[tuple[float, bytes]]:
    return [(0, b"junk"), (0, query.to_wire()[:2] + b"\x81\x80" + b"\xff" * 40)]


class Name(NamedTuple):
    """What is answered, and how TCP goes on once the answer over UDP was cut short."""

    answers: Answers
    tcp: str = ""  # "": not needed; "works", "hangs", "resets", "half"


CROWD = (*(f"1.1.1.{n}" for n in range(1, 201)), *(f"2a02::{n:x}" for n in range(1, 201)))
PRIVATE = (*(f"10.0.0.{n}" for n in range(1, 101)), *(f"127.0.0.{n}" for n in range(1, 101)))

NAMES: dict[str, Name] = {
    "good": Name(says("9.9.9.1", "2a01::1")),
    "four": Name(says("9.9.9.4")),
    "slow": Name(says("9.9.9.2", late_s=1.5)),
    "sleepy": Name(says("9.9.9.3", late_s=60)),
    "dead": Name(silent),
    "half-dead": Name(lambda query: [] if query.question[0].rdtype == dns.rdatatype.AAAA else says("9.9.9.6")(query)),
    "tcp-works": Name(says("9.9.9.5"), "works"),
    "tcp-hangs": Name(silent, "hangs"),
    "tcp-resets": Name(silent, "resets"),
    "tcp-half": Name(says("192.0.2.66"), "half"),
    "tcp-garbage": Name(_garbage, "works"),
    "circle": Name(holds("circle 60 CNAME circle2", "circle2 60 CNAME circle")),
    "chain": Name(
        holds("chain 60 CNAME c1", *(f"c{n} 60 CNAME c{n + 1}" for n in range(1, 30)), "c30 60 A 192.0.2.66"), "works"
    ),
    "crowd": Name(says(*CROWD), "works"),
    "loopback": Name(says("127.0.0.1", "::1")),
    "private": Name(says("10.0.0.1", "fd00::1")),
    "privates": Name(says(*PRIVATE), "works"),
    "mixed": Name(says("9.9.9.8", "127.0.0.1", "10.0.0.1")),
    "missing": Name(fails(dns.rcode.NXDOMAIN)),
    "servfail": Name(fails(dns.rcode.SERVFAIL)),
    "refused": Name(fails(dns.rcode.REFUSED)),
    "empty": Name(says()),
    "forged": Name(_forged),
    "wrong-id": Name(lambda query: [(0, _lie(query, number=1))]),
    "garbage": Name(_garbage),
    "other-question": Name(lambda query: [(0, _lie(query, name="other"))]),
    "other-owner": Name(holds("other 60 A 192.0.2.66", "other 60 AAAA 2001:db8::66")),
    "ttl0": Name(says("9.9.9.9", ttl=0)),
}


def _name(query: Query) -> Name:
    """One of NAMES; a number behind its name makes it another of the same kind."""
    owner = _owner(query)
    return NAMES[owner if owner in NAMES else owner.rstrip("0123456789")]


class FaultyDns(asyncio.DatagramProtocol):
    """Serves NAMES on a port of 127.0.0.1; with `tcp=False` nobody listens there for TCP."""

    address = "127.0.0.1"

    def __init__(self, *, tcp: bool = True) -> None:
        self.questions = 0
        self._udp, self._tcp = _doors()
        self.port: int = self._udp.getsockname()[1]
        if not tcp:
            self._tcp.close()
        self._serves_tcp = tcp
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="faulty DNS")
        self._ready = threading.Event()

    def __enter__(self) -> FaultyDns:  # noqa: PYI034 (Self came with Python 3.11)
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        self._mouth, _ = await self._loop.create_datagram_endpoint(lambda: self, sock=self._udp)
        server = await asyncio.start_server(self._talk, sock=self._tcp) if self._serves_tcp else None
        self._ready.set()
        await self._over.wait()
        self._mouth.close()
        if server:
            server.close()
        await asyncio.sleep(0)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.questions += 1
        query = dns.message.from_wire(data)
        name = _name(query)
        if name.tcp:
            cut = records(query)
            cut.flags |= dns.flags.TC
            self._mouth.sendto(cut.to_wire(), addr)
            return
        for late_s, answer in name.answers(query):
            self._loop.call_later(late_s, self._mouth.sendto, answer, addr)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            (length,) = struct.unpack("!H", await reader.readexactly(2))
            query = dns.message.from_wire(await reader.readexactly(length))
            name = _name(query)
            if name.tcp == "hangs":
                await reader.read()  # until the other side gives up
            if name.tcp == "resets":
                line = writer.get_extra_info("socket")
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            for _, answer in name.answers(query):
                whole = struct.pack("!H", len(answer)) + answer
                writer.write(whole[: len(whole) // 2] if name.tcp == "half" else whole)
            await writer.drain()
        writer.close()


def _doors() -> tuple[socket.socket, socket.socket]:
    """Bind one port for both."""
    while True:
        tcp = socket.create_server(("127.0.0.1", 0))
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            udp.bind(tcp.getsockname())
        except OSError:
            tcp.close()
            udp.close()
            continue
        return udp, tcp
