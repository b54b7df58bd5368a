"""The lab as tests hold it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Optional, final

from tests.lab import cache, forge, hosts, images, machine, network, recipe, upstreams
from tests.lab.capture import Capture
from tests.lab.dhcp import DhcpServer
from tests.lab.dns import NameServer
from tests.lab.namespaces import Sandbox
from tests.lab.packages import PackageServer
from tests.lab.process import LabError, Log, Result
from tests.lab.upstreams import TimeServer
from tests.lab.vm import Server


def talk(line: str) -> None:
    print(f"lab: {line}", file=sys.stderr, flush=True)


class Machine:
    """A host of the lab that is a network namespace; its programs are the `net` image's."""

    def __init__(self, sandbox: Sandbox, name: str) -> None:
        self.sandbox = sandbox
        self.name = name

    def run(
        self,
        argv: Sequence[str],
        *,
        check: bool = False,
        timeout: float = 60,
        input: Optional[str] = None,  # noqa: A002
    ) -> Result:
        return self.sandbox.run(argv, host=self.name, tree=True, check=check, timeout=timeout, text=input)

    @contextmanager
    def another(self, address: str) -> Iterator[None]:
        """While the block runs the host has this address too, in its own network."""
        words = [f"{address}/{64 if ':' in address else 24}", "dev", "eth0"]
        self.run(["ip", "address", "add", *words, *(["nodad"] if ":" in address else [])], check=True)
        try:
            yield
        finally:
            self.run(["ip", "address", "delete", *words], check=True)


class Router(Machine):
    """Between all networks: the place for faults."""

    def nft(self, rules: str) -> None:
        """Feed nft; `table inet fault` and its `forward` chain are there for the taking."""
        self.run(["nft", "-f", "-"], input=rules, check=True)

    def heal(self) -> None:
        """Take all faults away."""
        self.nft("flush ruleset\ntable inet fault { chain forward { type filter hook forward priority 0; }; }\n")


@final
class Lab:
    """A test internet and a server; `with Lab() as lab:` and all of it ends with the block or the process.

    `system` is a key of recipe.SYSTEMS: what the server is.
    """

    def __init__(self, *, system: str = images.STANDARD, tied: bool = True, log: Log = talk) -> None:
        self.system = system
        self.tied = tied
        self.log = log

    # -- up and down

    def __enter__(self) -> Lab:
        self.up()
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        value: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.down()

    def up(self) -> None:
        machine.require(self.log)
        net = images.net_image(self.log)
        foreign = forge.repositories(self.log) if recipe.SYSTEMS[self.system].foreign else None
        self.image = images.server_image(self.system, self.log, foreign)
        self.sandbox = Sandbox.create(net, tied=self.tied)
        if not self.tied:
            remember(self)
        try:
            network.build(self.sandbox)
            self.router.heal()
            self.packages.prepare()
            self.dns.launch()
            self.packages.start()
            upstreams.start_all(self.sandbox)
            self.dns.wait()
        except BaseException:
            self.down()
            raise

    def down(self) -> None:
        self.sandbox.close()

    def heal(self) -> None:
        """Undo every fault that a test made outside the server; costs little where there is none."""
        self.router.heal()
        self.packages.heal()
        self.dns.heal()
        self.dhcp.stop()
        upstreams.start_all(self.sandbox)

    # -- who is there

    @property
    def router(self) -> Router:
        return Router(self.sandbox, network.ROUTER)

    @property
    def client(self) -> Machine:
        return self.host("client")

    def host(self, name: str) -> Machine:
        """Any host but the server, by its key or its DNS name."""
        return Machine(self.sandbox, hosts.by_name(name))

    @property
    def server(self) -> Server:
        """The server that was booted."""
        server = Server(self.sandbox, self.image)
        if not server.running:
            raise LabError("no server is running in the lab")
        return server

    @property
    def dns(self) -> NameServer:
        return NameServer(self.sandbox)

    @property
    def dhcp(self) -> DhcpServer:
        """Hands out the server's address where a test starts it."""
        return DhcpServer(self.sandbox)

    @property
    def packages(self) -> PackageServer:
        return PackageServer(self.sandbox, self.image)

    def upstream(self, name: str) -> TimeServer:
        """A time server, by its key or its DNS name."""
        return TimeServer(self.sandbox, hosts.by_name(name))

    def capture(self, host: str, expression: str) -> Capture:
        """Packets on a host (or `router`) while the block runs."""
        return Capture(self.sandbox, host if host == network.ROUTER else hosts.by_name(host), expression)

    def boot_server(self, clock_offset: float = 0.0) -> Server:
        """A freshly installed server, up and idle, its clock off by that many seconds."""
        server = Server(self.sandbox, self.image)
        server.create(clock_offset)
        server.start()
        return server


def state_file() -> Path:
    return cache.folder() / "up.json"


def remember(lab: Lab) -> None:
    state = {
        "pid": lab.sandbox.pid,
        "started": lab.sandbox.started,
        "image": str(lab.image.folder),
        "system": lab.system,
    }
    state_file().write_text(json.dumps(state))


def attached(log: Log = talk) -> Lab:
    """The lab that `python -m tests.lab up` left running."""
    try:
        state: dict[str, Any] = json.loads(state_file().read_text())
    except FileNotFoundError:
        raise LabError("no lab is up: python -m tests.lab up") from None
    lab = Lab(system=state["system"], tied=False, log=log)
    lab.sandbox = Sandbox(int(state["pid"]), str(state["started"]))
    lab.image = images.ServerImage(Path(state["image"]), lab.system)
    if not lab.sandbox.alive:
        state_file().unlink()
        raise LabError("the lab that was up has ended: python -m tests.lab up")
    return lab
