"""Each kind of system is set up, serves, stays so after a reboot, and is taken back: by its own package manager and init."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import pytest

from tests.lab import Lab, Server
from tests.lab.hosts import HOSTS
from tests.real import guises, operator
from tests.real.journey import Journey, remember, travel

pytestmark = [pytest.mark.real, pytest.mark.systems]

_AS_BOOTED = "as-booted"


def arrived(way: Journey) -> None:
    """The journey is in the table, and had no fault."""
    remember(way)
    assert not way.faults, "\n".join(way.faults)


@pytest.fixture(scope="module")
def foreign() -> Iterator[tuple[Lab, Server]]:
    """A server with the package managers of other systems, as it was when it had just booted."""
    with Lab(system="foreign") as lab:
        server = lab.boot_server(clock_offset=-7200)
        server.checkpoint(_AS_BOOTED)
        yield lab, server


@pytest.mark.parametrize(
    ("guise", "words"),
    [
        ("leap-15", []),
        pytest.param("el-9", ["--enable-epel"], marks=pytest.mark.campaign),
        pytest.param("arch", [], marks=pytest.mark.campaign),
    ],
)
def test_a_system_with_another_package_manager(foreign: tuple[Lab, Server], guise: str, words: list[str]) -> None:
    lab, server = foreign
    lab.heal()
    server.rollback(_AS_BOOTED)
    guises.put_on(server, guise)
    arrived(travel(lab, server, guise, *words, causes=operator.FOREIGN_CAUSES))


@pytest.mark.campaign
def test_what_netconfig_has_left_is_not_added(foreign: tuple[Lab, Server]) -> None:
    """openSUSE's start script adds the servers that DHCP named to the running daemon."""
    lab, server = foreign
    lab.heal()
    server.rollback(_AS_BOOTED)
    guises.put_on(server, "leap-15")
    operator.carry(server)
    assert operator.set_up(server).code == 0
    way = Journey("leap-15")
    LEFT_BY_DHCP["leap-15"].show(server, way)
    assert way.faults == []


@dataclass(frozen=True)
class Leftover:
    """What DHCP leaves where a daemon finds it, which of our lines keeps it away, and the daemon's unit."""

    path: str
    text: str
    key: str
    setting: str
    unit: str

    def show(self, server: Server, way: Journey) -> None:
        """Ours is followed with the leftover there, beside a control without our line that follows it; and then all is as before."""
        for line in (True, False):
            server.run(["install", "-D", "-m", "644", "/dev/stdin", self.path], input=self.text, check=True)
            if not line:
                server.run(["sed", "-i", f"/^{self.key}=/d", self.setting], check=True)
            server.run(["systemctl", "restart", self.unit], check=True, timeout=30 * server.slowness)
            verified = operator.page(operator.ntpjoin(server, "verify", "--wait", "90", "--json", timeout=120))
            followed = {peer["address"] for peer in verified["peers"]}
            what = f"DHCP's server is {'not ' if line else ''}followed where our line is {'' if line else 'not '}there"
            way.expect(what, so=(DHCPS in followed) is not line, seen=verified)
        healed = operator.ntpjoin(server, "setup", "--yes", timeout=120)
        way.expect("setup puts the line back", so=healed.code == 0, seen=healed.out + healed.err)


#: A server that DHCP names; it is none of our five.
DHCPS = str(HOSTS["foxtrot"].ipv4)
LEFT_BY_DHCP = {
    "debian-11": Leftover(
        path="/run/ntp.conf.dhcp",
        text=f"server {DHCPS} iburst\nrestrict default kod limited nomodify noquery\nrestrict 127.0.0.1\n",
        key="NTPJOIN_IGNORE_DHCP",
        setting="/etc/default/ntp",
        unit="ntp",
    ),
    "leap-15": Leftover(
        path="/run/ntp/servers-netconfig",
        text=f"RUNTIME_SERVERS='{DHCPS}'\n",
        key="NTPJOIN_IGNORE_DHCP",
        setting="/etc/sysconfig/ntp",
        unit="ntpd",
    ),
}


@pytest.mark.campaign
@pytest.mark.parametrize("system", ["debian-11", "debian-12", "debian-13"])
def test_a_release_of_debian(system: str) -> None:
    with Lab(system=system) as lab:
        server = lab.boot_server(clock_offset=-7200)
        if system == "debian-13":
            set_the_clock_first(server)
        arrived(travel(lab, server, system, also=partial(confined, server, system)))
        # All boots: the denials of the journey are among them.
        assert server.run(["sh", "-c", "journalctl -k -b all | grep -i 'apparmor=.DENIED'"]).out == ""


def confined(server: Server, system: str, way: Journey) -> None:
    """The daemon runs under AppArmor's profile, which is enforced; and DHCP does not replace its configuration."""
    pid = server.run(["pgrep", "-x", "ntpd"], check=True).out.strip()
    profile = server.run(["cat", f"/proc/{pid}/attr/current"], check=True).out.strip()
    way.expect("AppArmor enforces its profile", so=profile == "/usr/sbin/ntpd (enforce)", seen=profile)
    left = LEFT_BY_DHCP.get(system)
    if left:
        left.show(server, way)


def set_the_clock_first(server: Server) -> None:
    """Its apt refuses signatures from the future, whatever it is told of the clock: that is said, with what to type."""
    server.reboot()  # its first boot runs units that no later one does
    operator.carry(server)
    refused = operator.set_up(server)
    assert refused.code == 3, refused.out + refused.err
    assert "date -s '+SECONDS seconds'" in refused.out
    server.run(["date", "-s", "+7200 seconds"], check=True)


@pytest.mark.campaign
def test_init_scripts() -> None:
    with Lab(system="sysvinit") as lab:
        server = lab.boot_server(clock_offset=-7200)
        arrived(travel(lab, server, "sysvinit", causes=operator.SCRIPT_CAUSES))


@pytest.mark.campaign
def test_init_scripts_as_devuan() -> None:
    with Lab(system="sysvinit") as lab:
        server = lab.boot_server(clock_offset=-7200)
        guises.put_on(server, "devuan-5")
        arrived(travel(lab, server, "devuan-5", causes=operator.SCRIPT_CAUSES))
