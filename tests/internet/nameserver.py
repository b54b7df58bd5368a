"""A real DNS server with the names of a world, over UDP and TCP. In threads, or as a program with the zone as JSON on stdin:
`python -m tests.internet.nameserver ADDRESS`.
"""

from __future__ import annotations

import json
import socketserver
import struct
import sys
import threading
from collections import Counter
from collections.abc import Mapping
from types import TracebackType
from typing import Optional, Union

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from ntpjoin.model import Family
from tests.internet.zone import TTL_S, Record

PORT = 53
_FAMILIES: dict[dns.rdatatype.RdataType, Family] = {dns.rdatatype.A: "IPv4", dns.rdatatype.AAAA: "IPv6"}
_UDP_BYTES = 512
_LENGTH = struct.Struct("!H")


class Names:
    """What is answered to a question. Names that rotate take turns, for each type by itself."""

    def __init__(self, zone: Mapping[str, Record]) -> None:
        self._zone = zone
        self._turns: Counter[tuple[str, Family]] = Counter()

    def answer(self, wire: bytes, most_bytes: int) -> bytes:
        """Answer in so many bytes; empty to what is no question."""
        try:
            question = dns.message.from_wire(wire)
            response = dns.message.make_response(question)
        except dns.exception.DNSException:
            return b""
        response.flags |= dns.flags.AA | dns.flags.RA
        self._fill(response)
        try:
            return response.to_wire(max_size=most_bytes)
        except dns.exception.TooBig:
            response.answer.clear()
            response.flags |= dns.flags.TC
            return response.to_wire()

    def _fill(self, response: dns.message.Message) -> None:
        [asked] = response.question
        record = self._zone.get(asked.name.to_text(omit_final_dot=True).lower())
        if not record:
            response.set_rcode(dns.rcode.NXDOMAIN)
            return
        owner = asked.name
        for alias in record.chain:
            target = dns.name.from_text(alias)
            response.answer.append(dns.rrset.from_text(owner, TTL_S, "IN", "CNAME", target.to_text()))
            owner = target
        family = _FAMILIES.get(asked.rdtype)
        if not family:
            return
        shown = record.shown(family, self._turns[record.name, family])
        self._turns[record.name, family] += 1
        if shown:
            response.answer.append(dns.rrset.from_text(owner, TTL_S, "IN", asked.rdtype, *shown))


class NameServer:
    """Serves while the block runs. Both sockets have one port, given or found."""

    def __init__(self, zone: Mapping[str, Record], address: str = "127.0.0.1", port: int = 0) -> None:
        names = Names(zone)

        class Datagram(socketserver.DatagramRequestHandler):
            def handle(self) -> None:
                self.wfile.write(names.answer(self.rfile.read(), _UDP_BYTES))

        class Stream(socketserver.StreamRequestHandler):
            timeout = 2

            def handle(self) -> None:
                head = self.rfile.read(_LENGTH.size)
                if len(head) == _LENGTH.size:
                    answer = names.answer(self.rfile.read(*_LENGTH.unpack(head)), 65535)
                    self.wfile.write(_LENGTH.pack(len(answer)) + answer)

        class Streams(socketserver.TCPServer):
            allow_reuse_address = True

        streams = Streams((address, port), Stream)
        self.address = address
        self.port: int = streams.server_address[1]
        self._servers: tuple[Union[socketserver.TCPServer, socketserver.UDPServer], ...] = (
            streams,
            socketserver.UDPServer((address, self.port), Datagram),
        )
        self._threads = [threading.Thread(target=server.serve_forever, args=(0.05,)) for server in self._servers]

    def __enter__(self) -> NameServer:  # noqa: PYI034 (Self came with Python 3.11)
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        for server, thread in zip(self._servers, self._threads):
            server.shutdown()
            thread.join()
            server.server_close()


def main() -> None:
    """Serve the zone on stdin until somebody kills us."""
    rows = json.load(sys.stdin)
    records = (Record(row["name"], tuple(row["chain"]), tuple(row["addresses"]), row["rotates"]) for row in rows)
    with NameServer({record.name: record for record in records}, sys.argv[1], PORT):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    main()
