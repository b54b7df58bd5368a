"""Two hosts, a client and all servers of the world, in namespaces of their own that end with the block or the process. Wants root."""

from __future__ import annotations

import dataclasses
import json
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Optional

from ntpjoin.model import Asked, Candidate, Resolved, Sample
from ntpjoin.upstreams.catalogue import Server
from tests.internet.operators import NETWORKS
from tests.internet.stations import Station
from tests.internet.surveyor import Figures
from tests.internet.zone import Record
from tests.lab.namespaces import Sandbox
from tests.lab.network import batch
from tests.lab.process import Result, Running

ROOT = Path(__file__).parents[2]
CLIENT, SERVERS = "client", "servers"
#: What both ends of the wire have; all else is routed to the servers' end.
_CLIENT4, _CLIENT6 = "192.0.2.2", "2001:db8::2"
NAMESERVER, _SERVERS6 = "192.0.2.1", "2001:db8::1"


@dataclass(frozen=True)
class Packet:
    """A packet on the wire: when, by the kernel's clock, whether it goes `out` to `far` or comes from there, and what is in it."""

    at_ns: int
    out: bool
    far: str
    datagram: bytes


class Network:
    """`with Network() as network`: no image and no virtual machine; nothing leads outside. Without `ipv6` the client has none."""

    def __init__(self, *, ipv6: bool = True) -> None:
        self._ipv6 = ipv6
        self._running: dict[str, Running] = {}

    def __enter__(self) -> Network:  # noqa: PYI034 (Self came with Python 3.11)
        # The lab's tree of programs is not needed: this host's own do.
        self._folder = tempfile.TemporaryDirectory()
        for name in ("proc", "dev"):
            (Path(self._folder.name) / name).mkdir()
        try:
            self.sandbox = Sandbox.create(Path(self._folder.name), tied=True)
            self._build()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        for running in self._running.values():
            running.abandon()
        if hasattr(self, "sandbox"):
            self.sandbox.close()
        self._folder.cleanup()

    def _build(self) -> None:
        for host in (SERVERS, CLIENT):
            self.sandbox.run(["ip", "netns", "add", host])
        ends = [
            "link set lo up",
            f"link add wire type veth peer name wire netns {CLIENT}",
            f"address add {NAMESERVER}/24 dev wire",
            f"address add {_SERVERS6}/64 dev wire nodad",
            "link set wire up",
        ]
        # Every address of these is the servers', though no interface has it.
        ends += [f"route add local {network} dev lo" for network in NETWORKS]
        batch(self.sandbox, SERVERS, ends)
        ends = ["link set lo up", f"address add {_CLIENT4}/24 dev wire", "link set wire up"]
        ends += [f"route add default via {NAMESERVER}"]
        if self._ipv6:
            ends += [f"address add {_CLIENT6}/64 dev wire nodad", f"route add default via {_SERVERS6}"]
        batch(self.sandbox, CLIENT, ends)

    def run_in_client(self, argv: Sequence[str], stdin: str = "", *, timeout: float = 120) -> Result:
        """Run a program on the client to its end; `tests` and `ntpjoin` are found by a Python there."""
        return self.sandbox.run(_at_home(argv), host=CLIENT, check=True, timeout=timeout, text=stdin)

    def serve(self, stations: Iterable[Station]) -> None:
        """Let these stations be all that there are."""
        rows = json.dumps([dataclasses.asdict(station) for station in stations])
        self._start("stations", [sys.executable, "-I", str(Path(__file__).with_name("server.py"))], rows)

    def serve_names(self, zone: Mapping[str, Record]) -> None:
        """Let these names be all that there are, at `NAMESERVER`."""
        rows = json.dumps([dataclasses.asdict(record) for record in zone.values()])
        self._start("names", [sys.executable, "-m", "tests.internet.nameserver", NAMESERVER], rows)

    def exchange(self, addresses: Iterable[str], *, timeout: float = 120, **options: Any) -> tuple[Asked, ...]:
        """`ntp.exchange`, on the client, with these of its options."""
        found = self._ask({"exchange": list(addresses), "options": options}, timeout)
        return tuple(map(_asked, found))

    def resolve(self, names: Iterable[str], *, timeout: float = 60) -> tuple[Resolved, ...]:
        """`dns.resolve`, on the client."""
        found = self._ask({"resolve": list(names), "options": {"nameservers": [NAMESERVER]}}, timeout)
        return tuple(map(_resolved, found))

    @contextmanager
    def eavesdrop(self) -> Iterator[list[Packet]]:
        """The packets to and from time servers that pass the client while the block runs; they are there at its end."""
        argv = [sys.executable, "-I", str(Path(__file__).with_name("eavesdropper.py")), "wire"]
        seen: list[Packet] = []
        running = self._begin(argv, CLIENT)
        try:
            yield seen
        finally:
            told = json.loads(running.finish(30).out)
            seen += [Packet(at_ns, out, far, bytes.fromhex(datagram)) for at_ns, out, far, datagram in told]

    @contextmanager
    def flood(self, addresses: Sequence[str], count: int) -> Iterator[dict[str, int]]:
        """Forge so many packets from each of these addresses to who asks it; how many there were is there at the block's end."""
        argv = [sys.executable, "-I", str(Path(__file__).with_name("flooder.py")), str(count), *addresses]
        sent: dict[str, int] = {}
        running = self._begin(argv, SERVERS)
        try:
            yield sent
        finally:
            sent.update(json.loads(running.finish(30).out))

    def survey(
        self, rows: Iterable[Server], *, timeout: float = 120, **options: Any
    ) -> tuple[tuple[Candidate, ...], Figures]:
        """`survey` and `select`, on the client, by the names of the world; and what that took there."""
        told = {"rows": [dataclasses.asdict(row) for row in rows], "options": {"nameservers": [NAMESERVER], **options}}
        argv = [sys.executable, "-m", "tests.internet.surveyor"]
        answer = json.loads(self.run_in_client(argv, json.dumps(told), timeout=timeout).out)
        found = (Candidate(_resolved(one["resolved"]), tuple(map(_asked, one["asked"]))) for one in answer["found"])
        return tuple(found), Figures(**answer["figures"])

    def _begin(self, argv: Sequence[str], host: str) -> Running:
        """Start a program that says when it is ready, and ends with its standard input."""
        running = Running(self.sandbox.argv(argv, host=host), argv, -1)
        running.read_until("ready\n")
        return running

    def _ask(self, task: dict[str, Any], timeout: float) -> list[dict[str, Any]]:
        answer = self.run_in_client([sys.executable, "-m", "tests.internet.asker"], json.dumps(task), timeout=timeout)
        told: list[dict[str, Any]] = json.loads(answer.out)
        return told

    def _start(self, name: str, argv: Sequence[str], text: str) -> None:
        earlier = self._running.pop(name, None)
        if earlier:
            earlier.abandon()
        running = self._running[name] = Running(self.sandbox.argv(_at_home(argv), host=SERVERS), argv, -1)
        running.type(text)
        assert running.popen.stdin is not None
        running.popen.stdin.close()
        running.popen.stdin = None
        running.read_until("ready\n")


def _asked(told: dict[str, Any]) -> Asked:
    sample = Sample(**told["sample"]) if told["sample"] else None
    return Asked(**{**told, "sample": sample, "samples": tuple(Sample(**one) for one in told["samples"])})


def _resolved(told: dict[str, Any]) -> Resolved:
    return Resolved(**{**told, "chain": tuple(told["chain"]), "addresses": tuple(told["addresses"])})


def _at_home(argv: Sequence[str]) -> list[str]:
    return ["env", f"PYTHONPATH={ROOT}", *argv]
