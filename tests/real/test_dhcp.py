"""Address and time server come by DHCP, with Debian's own client and the package's own hook: ntpd reads our file all the same."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.lab import Lab, Result, Server
from tests.lab.hosts import HOSTS
from tests.lab.process import wait_for
from tests.real import operator

pytestmark = [pytest.mark.real, pytest.mark.campaign]

OURS, THEIRS = "/etc/ntpsec/ntp.conf", "/run/ntpsec/ntp.conf.dhcp"
INTERFACES = """\
auto lo
iface lo inet loopback

auto eth0
iface eth0 inet dhcp
iface eth0 inet6 static
    address 2001:db8:113::7/64
    gateway 2001:db8:113::1
    dad-attempts 0
    accept_ra 0
"""
#: Time servers that DHCP names; none of them is among our five.
FIRST, SECOND = (str(HOSTS[name].ipv4) for name in ("foxtrot", "golf"))


@dataclass
class Journey:
    """What was seen at each station."""

    done: dict[str, Result] = field(default_factory=dict)
    reads: dict[str, str] = field(default_factory=dict)
    follows: dict[str, set[str]] = field(default_factory=dict)
    pids: dict[str, str] = field(default_factory=dict)
    config: str = ""

    def look(self, server: Server, station: str) -> None:
        pid = server.run(["systemctl", "show", "-P", "MainPID", "ntpsec"], check=True).out.strip()
        words = server.run(["tr", "\\0", " "], input=server.run(["cat", f"/proc/{pid}/cmdline"], check=True).out).out
        self.pids[station] = pid
        self.reads[station] = words.split(" -c ")[-1].split()[0]
        page = operator.page(operator.ntpjoin(server, "verify", "--json"))
        self.follows[station] = {peer["address"] for peer in page["peers"]}


def use_dhcp(lab: Lab, server: Server) -> None:
    """The operator's host gets its address by DHCP; it is the one that it had."""
    lab.dhcp.start("foxtrot")
    server.run(["tee", "/etc/network/interfaces"], input=INTERFACES, check=True)
    server.run(["systemctl", "--no-block", "restart", "networking"], check=True)
    server.ssh.disconnect()
    server.ssh.connect(60 * server.slowness, server.healthy)
    client = ["pgrep", "-f", "dhclient.*eth0"]
    wait_for(lambda: server.run(client).out.strip() or None, 60 * server.slowness, "a DHCP client runs")


def wait_renewed(server: Server, named: str) -> None:
    """The hook has run for a lease that names this time server."""

    def written() -> Any:
        return f"server {named} iburst" in server.run(["cat", THEIRS]).out or None

    wait_for(written, 30 * server.slowness, f"the hook writes {THEIRS} for {named}")


@pytest.fixture(scope="module")
def journey(lab: Lab, booted: Server) -> Iterator[Journey]:
    server, seen = booted, Journey()
    lab.heal()
    server.rollback("fresh")
    operator.carry(server)
    # dhclient counts its lease by the time of day: a clock that steps by two hours would make it give the address up.
    server.run(["date", "-s", f"@{time.time():.2f}"], check=True)
    use_dhcp(lab, server)
    # A small Debian: the list of leap seconds comes with the daemon's packages.
    server.run(["apt-get", "-q", "-y", "purge", "tzdata"], check=True, timeout=30 * server.slowness)
    seen.done["setup"] = operator.set_up(server, "--json")
    wait_renewed(server, FIRST)
    seen.look(server, "set up")
    seen.config = server.run(["cat", OURS], check=True).out
    lab.dhcp.start("golf")
    wait_renewed(server, SECOND)
    seen.look(server, "renewed")
    server.reboot()
    wait_renewed(server, SECOND)
    seen.done["rebooted"] = operator.ntpjoin(server, "verify", "--wait", "240", "--json", timeout=280)
    seen.look(server, "rebooted")
    # The control: the same host without our line, and a lease that names another server.
    server.run(["sed", "-i", "s/^IGNORE_DHCP=.*/IGNORE_DHCP=/", "/etc/default/ntpsec"], check=True)
    lab.dhcp.start("foxtrot")
    wait_renewed(server, FIRST)
    wait_for(lambda: other_file(server), 30 * server.slowness, "the hook starts the daemon again")
    seen.look(server, "control")
    seen.done["verify"] = operator.ntpjoin(server, "verify", "--json")
    seen.done["mend"] = operator.ntpjoin(server, "setup", "--yes", "--json", timeout=90)
    seen.look(server, "mended")
    yield seen
    lab.heal()


def other_file(server: Server) -> Any:
    return THEIRS in server.run(["pgrep", "-a", "-x", "ntpd"]).out or None


def test_setup_goes_through_and_says_what_it_does_about_dhcp(journey: Journey) -> None:
    page = operator.page(journey.done["setup"])
    assert (page["exit"], page["settled"]) == (0, True), journey.done["setup"].err
    [setting] = [change for change in page["changes"] if change["kind"] == "setting"]
    assert (setting["object"], setting["state"]) == ("/etc/default/ntpsec", "done")


@pytest.mark.parametrize("station", ["set up", "renewed", "rebooted", "mended"])
def test_ntpd_reads_our_file_whatever_dhcp_names(journey: Journey, station: str) -> None:
    assert journey.reads[station] == OURS
    page = operator.page(journey.done["setup"])
    assert journey.follows[station] == {pin["address"] for pin in page["upstreams"]}


def test_a_renewal_does_not_start_the_daemon_again(journey: Journey) -> None:
    assert journey.pids["set up"] == journey.pids["renewed"] != "0"


def test_it_is_a_member_after_a_reboot(journey: Journey) -> None:
    assert journey.done["rebooted"].code == 0, journey.done["rebooted"].out


def test_without_our_line_the_daemon_reads_the_other_file(journey: Journey) -> None:
    assert journey.reads["control"] == THEIRS
    assert journey.follows["control"] == {FIRST}
    assert journey.done["verify"].code == 1
    failed = {check["id"] for check in operator.page(journey.done["verify"])["checks"] if check["state"] == "fail"}
    assert {"service.config", "service.dhcp"} <= failed
    assert "upstreams.followed" not in failed  # a second alarm for the same


def test_setup_mends_it_and_nothing_else(journey: Journey) -> None:
    page = operator.page(journey.done["mend"])
    assert page["exit"] == 0, journey.done["mend"].err
    assert [change["kind"] for change in page["changes"] if change["state"] == "done"] == ["setting", "daemon"]


def test_the_leap_file_that_a_package_brings_is_used_from_the_first_run(journey: Journey) -> None:
    """Were it not, the run that mends would have to write the configuration, too."""
    page = operator.page(journey.done["setup"])
    assert "tzdata" in [package["name"] for package in page["packages"]["added"]]
    assert "\nleapfile /usr/share/zoneinfo/leap-seconds.list\n" in journey.config
