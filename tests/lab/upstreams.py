"""Time servers: real daemons that cannot reach this machine's clock."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from types import MappingProxyType

from tests.lab.hosts import HOSTS, LIAR_SECONDS, UPSTREAMS4, Host
from tests.lab.namespaces import STATE, Daemon, Sandbox
from tests.lab.process import LabError, LabTimeout, wait_for

COMMON = "allow\ncmdport 0\nbindcmdaddress /lab/{name}/chronyd.sock\npidfile /lab/{name}/chronyd.pid\n"
# golf follows alpha and bravo; polls many times a second make it synchronised within two.
FOLLOW = "".join(f"server {UPSTREAMS4}{number} iburst minpoll -4 maxpoll -2\n" for number in (11, 12))
CHRONY = {
    "stratum1": "local stratum 1\n",
    "stratum2": FOLLOW,
    "unsynchronised": "",
    "liar": "local stratum 1\nmanual\n",
}
# Answers anybody's management query: beside its answers the server's silence means something.
# `restrict default` alone leaves NTPsec's built-in noquery standing.
OPEN = f"unrestrict default noquery nomodify limited kod\nserver {UPSTREAMS4}11 iburst\nserver {UPSTREAMS4}12 iburst\n"
SNTP = Path(__file__).with_name("sntp.py")
IMPOSTOR = Path(__file__).with_name("impostor.py")


def daemon(sandbox: Sandbox, name: str, host: Host) -> Daemon:
    """The host's time server. No chronyd without -x, no ntpd with the right to set a clock."""
    if host.role == "open":
        powerless = ["setpriv", "--bounding-set=-sys_time", "--inh-caps=-sys_time"]
        command = [*powerless, "ntpd", "-n", "-c", f"/lab/{name}/ntp.conf"]
    else:
        command = ["chronyd", "-x", "-d", "-u", "root", "-F", "0", "-f", f"/lab/{name}/chrony.conf"]
    return Daemon(sandbox, name, name, command)


def configure(sandbox: Sandbox, name: str, host: Host) -> None:
    folder = STATE / name
    if host.role == "open":
        sandbox.write(folder / "ntp.conf", OPEN)
    else:
        sandbox.write(folder / "chrony.conf", COMMON.format(name=name) + CHRONY[host.role])
    # chronyd refuses a folder that others may look into.
    sandbox.outside(folder).chmod(0o750)


class TimeServer:
    """One upstream, to be stopped and started."""

    def __init__(self, sandbox: Sandbox, name: str) -> None:
        self.sandbox = sandbox
        self.name = name
        self.host = HOSTS[name]
        self.daemon = daemon(sandbox, name, self.host)

    def launch(self) -> None:
        configure(self.sandbox, self.name, self.host)
        self.daemon.start()
        if self.host.role == "liar":
            self.lie()

    def start(self) -> None:
        """Start it, and see it answer as its role says."""
        self.launch()
        wait_answering(self.sandbox, [self.name])

    def stop(self) -> None:
        self.daemon.stop()
        self.impostor().stop()

    def pretend(self, **says: object) -> None:
        """Let a program answer in its place that says what impostor.py is told to say; until the lab is healed."""
        self.stop()
        self.sandbox.write(STATE / self.name / IMPOSTOR.name, IMPOSTOR.read_text())
        impostor = self.impostor(says)
        impostor.start()
        addresses = [address for address in (self.host.ipv4, self.host.ipv6) if address]
        told: dict[str, dict[str, float]] = {}

        def once() -> bool | None:
            told.update(ask(self.sandbox, addresses))
            if impostor.pid is None:
                raise LabError(f"{impostor.name} ended by itself:\n{impostor.log[-3000:]}")
            return True if len(told) == len(addresses) else None

        try:
            wait_for(once, 30, f"{impostor.name} answers")
        except LabTimeout as error:
            raise LabTimeout(f"{error}: it answers as {told}; {impostor.log[-3000:]}") from None

    def impostor(self, says: Mapping[str, object] = MappingProxyType({})) -> Daemon:
        """The program that answers in the daemon's place."""
        words = ["python3", "-I", f"/lab/{self.name}/{IMPOSTOR.name}", json.dumps(dict(says))]
        return Daemon(self.sandbox, f"{self.name}-impostor", self.name, words)

    def lie(self) -> None:
        """Move chronyd's own idea of the time; with -x the clock itself stays."""
        socket = ["chronyc", "-h", f"/lab/{self.name}/chronyd.sock"]
        self.daemon.answers([*socket, "-n", "tracking"])
        # settime knows whole seconds only: say it as one begins.
        now = time.time()
        begins = math.ceil(now)
        time.sleep(begins - now)
        said = datetime.fromtimestamp(begins + LIAR_SECONDS, timezone.utc).strftime("%b %d, %Y %H:%M:%S")
        self.sandbox.run([*socket, "settime", said], host=self.name, tree=True)


def start_all(sandbox: Sandbox) -> None:
    """Start those that are not running, or in whose place another answers, and see these answer."""
    servers = [TimeServer(sandbox, name) for name, host in HOSTS.items() if host.role]
    for server in servers:
        server.impostor().stop()
    stopped = [server for server in servers if server.daemon.pid is None]
    for server in stopped:
        server.launch()
    wait_answering(sandbox, [server.name for server in stopped])


def ask(sandbox: Sandbox, addresses: Sequence[str], timeout: float = 1.0) -> dict[str, dict[str, float]]:
    """One packet to each address, from the client: leap, stratum and offset of those that answered."""
    words = ["python3", "-I", "-", str(timeout), *addresses]
    answer = sandbox.run(words, host="client", tree=True, text=SNTP.read_text())
    told: dict[str, dict[str, float]] = json.loads(answer.out)
    return told


def as_it_should(host: Host, told: dict[str, float]) -> bool:
    if host.role == "unsynchronised":
        return told["leap"] == 3
    lies = LIAR_SECONDS if host.role == "liar" else 0.0
    stratum = {"stratum2": 2, "open": told["stratum"]}.get(host.role, 1)
    right = told["leap"] == 0 and told["stratum"] == stratum and abs(told["offset"] - lies) < 0.5
    return right or (host.role == "open" and told["leap"] in {0, 3})


def wait_answering(sandbox: Sandbox, names: Sequence[str]) -> None:
    """Return when each has answered over each of its families, as its role says."""
    if not names:
        return
    wanted = {address: HOSTS[name] for name in names for address in (HOSTS[name].ipv4, HOSTS[name].ipv6) if address}
    told: dict[str, dict[str, float]] = {}

    def once() -> bool | None:
        told.update(ask(sandbox, list(wanted)))
        for name in names:
            if daemon(sandbox, name, HOSTS[name]).pid is None:
                raise LabError(f"{name} ended by itself:\n{daemon(sandbox, name, HOSTS[name]).log[-3000:]}")
        for address in list(wanted):
            if address in told and as_it_should(wanted[address], told[address]):
                del wanted[address]
        return None if wanted else True

    try:
        wait_for(once, 30, "the upstreams answer")
    except LabError as error:
        raise LabError(f"{error}: {', '.join(wanted)} ({told})") from None
