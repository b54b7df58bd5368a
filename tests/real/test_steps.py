"""One step alone, and what only looks: each does what it says and no more, tells the truth, and is taken back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.lab import Lab, Result, Server
from tests.lab.hosts import SERVER4, SERVER6
from tests.lab.snapshot import Snapshot
from tests.real import operator

pytestmark = pytest.mark.real

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", operator.PROGRAM]
CONFIG = "/etc/ntpsec/ntp.conf"


def as_nobody(server: Server, *words: str) -> Result:
    return server.run([*NOBODY, *words], timeout=60 * server.slowness)


def unit(server: Server) -> tuple[str, str]:
    """Invocation and process of the daemon, by systemd's word."""
    said = server.run(["systemctl", "show", "-P", "InvocationID", "-P", "MainPID", "ntpsec"], check=True).out.split()
    return said[0], said[1]


def ntpds(server: Server) -> str:
    return server.run(["pgrep", "-a", "ntpd"]).out


# --- what only looks, on a fresh server


def test_looking_changes_nothing_and_tells_the_truth(server: Server) -> None:
    operator.carry(server)
    before = server.snapshot()
    detected = operator.page(operator.ntpjoin(server, "detect", "--json"))
    unseen = operator.page(as_nobody(server, "detect", "--json"))
    names = ["ntp6.foxtrot.example", "ntp4.delta.example", "dead.example", "time.evil.example"]
    resolved = operator.ntpjoin(server, "resolve", "--allow-private", "--json", *names)
    rendered = as_nobody(server, "render", *operator.WISH)
    nothing = operator.ntpjoin(server, "render", "--json")
    assert before.diff(server.snapshot()) == []

    version = server.run(["dpkg-query", "-W", "-f", "${Version}", "systemd-timesyncd"], check=True).out
    assert (detected["os"]["row"], detected["package_manager"], detected["unknown"]) == ("debian-12", "apt", [])
    assert detected["time_daemons"] == [
        {
            "unit": "systemd-timesyncd.service",
            "package": "systemd-timesyncd",
            "version": version,
            "running": True,
            "enabled": "enabled",
        }
    ]
    assert detected["machine"]["addresses"] == [SERVER4, SERVER6]
    assert detected["firewall"] == {"manager": "ufw", "zones": [], "admits": {"IPv4": False, "IPv6": False}}
    assert (detected["ntpd"]["engine"], detected["ntpd"]["pid"], detected["udp_123"]) == (None, None, [])
    assert unseen["firewall"]["manager"] == "unknown"
    assert unseen["unknown"] == ["the firewall: it can only be seen by root"]

    assert resolved.code == 1
    good, four, dead, evil = operator.page(resolved)["names"]
    assert good["chain"] == ["time.foxtrot.example"]
    assert [one["address"] for one in good["addresses"]] == ["192.0.2.16", "2001:db8:2::16"]
    assert all(abs(one["offset_ms"] / 1000 + server.clock_offset()) < 60 for one in good["addresses"])
    assert {one["stratum"] for one in good["addresses"]} == {1}
    assert [one["address"] for one in four["addresses"]] == ["192.0.2.14"]
    assert [one["followed"] for one in (good, four, dead, evil)] == [True, True, False, False]
    assert "refused" in dead["why"]
    assert "pool itself" in evil["why"]
    assert {one["problem"] for one in evil["addresses"]} == {"not asked: a rule forbids the name"}

    assert rendered.code == 0, rendered.err
    assert rendered.out.startswith("# Configuration of ntpd, written by ntpjoin.\n")
    assert rendered.out.count("\nserver ") == 5
    assert nothing.code == 3
    assert [one["code"] for one in operator.page(nothing)["blockers"]] == ["place"]


def test_a_clock_that_is_behind_is_named_and_nothing_is_installed(server: Server) -> None:
    operator.carry(server)
    refused = operator.ntpjoin(server, "install", "--yes", "--json")
    assert refused.code == 3, refused.out + refused.err
    [blocker] = operator.page(refused)["blockers"]
    assert "not valid yet" in blocker["text"]
    assert "--upstream" in blocker["remedy"]
    assert operator.ntpjoin(server, "restart", "--yes").code == 3
    assert operator.entries(server) == []


# --- install, firewall, a reboot, setup, restart, undo: one journey


@dataclass
class Journey:
    """What was done and seen, in this order."""

    fresh: Snapshot = field(default_factory=lambda: Snapshot({}, {}, {}, {}))
    install: dict[str, Any] = field(default_factory=dict)
    firewall: dict[str, Any] = field(default_factory=dict)
    started: str = ""
    rebooted: str = ""
    answered: dict[str, bool] = field(default_factory=dict)
    held: dict[str, Any] = field(default_factory=dict)
    rendered: str = ""
    setup: Result | None = None
    written: str = ""
    again: dict[str, Any] = field(default_factory=dict)
    accepted: dict[str, bool] = field(default_factory=dict)
    undo: Result | None = None
    undone: Snapshot = field(default_factory=lambda: Snapshot({}, {}, {}, {}))


@pytest.fixture(scope="module")
def journey(lab: Lab, booted: Server) -> Iterator[Journey]:
    server, seen = booted, Journey()
    lab.heal()
    server.rollback("fresh")
    operator.carry(server)
    seen.fresh = server.snapshot()
    seen.install = operator.page(operator.ntpjoin(server, "install", "--yes", "--json", *operator.WISH, timeout=90))
    # Whoever asks for it: a package upgrade, a hook, an administrator.
    server.run(["systemctl", "start", "ntpsec"])
    seen.started = ntpds(server)
    # A closed port would be silent whatever runs behind it.
    seen.firewall = operator.page(operator.ntpjoin(server, "firewall", "--yes", "--json"))
    server.reboot()
    seen.answered = {address: operator.answers(lab, address) for address in (SERVER4, SERVER6)}
    seen.rebooted = ntpds(server)
    seen.held = operator.page(operator.ntpjoin(server, "detect", "--json"))
    seen.rendered = operator.ntpjoin(server, "render", *operator.WISH).out
    seen.setup = operator.set_up(server, "--json")
    seen.written = server.run(["cat", CONFIG], check=True).out
    seen.again = operator.page(operator.ntpjoin(server, "setup", "--yes", "--json"))
    seen.accepted = {address: operator.answers(lab, address) for address in (SERVER4, SERVER6)}
    lab.packages.stop()
    seen.undo = operator.ntpjoin(server, "undo", "--yes", "--json", timeout=60)
    seen.undone = server.snapshot()
    yield seen
    lab.heal()


@pytest.mark.campaign
def test_install_does_the_package_step_and_nothing_else(journey: Journey) -> None:
    assert (journey.install["exit"], journey.install["changed"]) == (0, True), journey.install
    assert [change["kind"] for change in journey.install["changes"]] == ["unit", "unit", "packages"]
    assert [one["name"] for one in journey.install["packages"]["removed"]] == ["systemd-timesyncd"]


@pytest.mark.campaign
def test_what_is_installed_never_serves_with_the_packages_own_configuration(journey: Journey) -> None:
    assert journey.started == ""
    assert journey.rebooted == ""
    assert journey.answered == {SERVER4: False, SERVER6: False}
    assert (journey.held["ntpd"]["engine"], journey.held["ntpd"]["held"]) == ("ntpsec", True)
    [config] = [file for file in journey.held["files"] if file["role"] == "config"]
    assert config["whose"] == "package"


@pytest.mark.campaign
def test_firewall_opens_the_port_and_nothing_else(journey: Journey) -> None:
    assert journey.firewall["exit"] == 0
    assert [change["kind"] for change in journey.firewall["changes"]] == ["firewall"]
    assert journey.held["firewall"]["admits"] == {"IPv4": True, "IPv6": True}


@pytest.mark.campaign
def test_setup_after_the_steps_converges(journey: Journey) -> None:
    assert journey.setup is not None
    assert journey.setup.code == 0, journey.setup.out + journey.setup.err
    page = operator.page(journey.setup)
    assert page["settled"] is True
    states = {change["kind"]: change["state"] for change in page["changes"]}
    assert (states["packages"], states["firewall"], states["daemon"]) == ("unchanged", "unchanged", "done")
    assert journey.again["changed"] is False
    assert journey.accepted == {SERVER4: True, SERVER6: True}


@pytest.mark.campaign
def test_render_told_byte_for_byte_what_setup_wrote(journey: Journey) -> None:
    assert journey.written.count("\nserver ") == 5
    assert journey.rendered == journey.written


@pytest.mark.campaign
def test_undo_takes_all_of_it_back(journey: Journey) -> None:
    assert journey.undo is not None
    assert journey.undo.code == 0, journey.undo.out + journey.undo.err
    assert {back["run"] for back in operator.page(journey.undo)["taken_back"]} == {1, 2, 3}
    assert operator.unexplained(journey.fresh, journey.undone) == []


# --- on a server that is set up


def test_restart_gives_another_process_that_serves_and_forgets_nothing(member: Server) -> None:
    before = unit(member)
    done = operator.ntpjoin(member, "restart", "--yes", "--json")
    assert done.code == 0, done.out + done.err
    assert [change["state"] for change in operator.page(done)["changes"]] == ["done"]
    after = unit(member)
    assert before[0] != after[0]
    assert before[1] != after[1]
    verified = operator.ntpjoin(member, "verify", "--wait", "240", "--json", timeout=280)
    assert verified.code == 0, verified.out + verified.err
    again = operator.page(operator.ntpjoin(member, "setup", "--yes", "--dry-run", "--json"))
    assert (again["changed"], again["remember"], len(again["upstreams"])) == (False, [], 5)
    assert operator.ntpjoin(member, "undo", "--last", "--yes").code == 0
    assert unit(member) == after


@pytest.mark.campaign
def test_render_on_a_member_is_the_file_that_is_there(member: Server) -> None:
    written = member.run(["cat", CONFIG], check=True).out
    assert operator.ntpjoin(member, "render").out == written
    assert operator.ntpjoin(member, "render", "--diff").out == ""
    member.run(["sed", "-i", "s/^tos .*/tos minsane 1/", CONFIG], check=True)
    assert "-tos minsane 1\n+tos minsane 3 " in operator.ntpjoin(member, "render", "--diff").out


@pytest.mark.campaign
def test_firewall_opens_what_somebody_has_closed_and_undo_closes_it_again(lab: Lab, member: Server) -> None:
    member.run(["ufw", "delete", "allow", "123/udp"], check=True, timeout=60)
    assert not operator.answers(lab, SERVER4)
    opened = operator.ntpjoin(member, "firewall", "--yes", "--json")
    assert opened.code == 0, opened.out + opened.err
    assert operator.answers(lab, SERVER4)
    assert operator.answers(lab, SERVER6)
    assert operator.ntpjoin(member, "undo", "--last", "--yes").code == 0
    assert not operator.answers(lab, SERVER4)


def test_without_root_what_cannot_be_seen_is_named(member: Server) -> None:
    before = member.run(["find", "/var/lib/ntpjoin", "/etc/ntpsec"], check=True).out
    verified = as_nobody(member, "verify", "--json")
    states = {check["id"]: check["state"] for check in operator.page(verified)["checks"]}
    assert verified.code == 0, verified.out
    assert {states[check] for check in ("remembered", "service.port", "firewall", "answers.address")} == {"unknown"}
    planned = as_nobody(member, "plan", "--json")
    page = operator.page(planned)
    assert planned.code == 3
    assert {one["code"] for one in page["blockers"]} == {"not-root", "upstreams"}
    assert any("only be read by root" in note["text"] for note in page["notes"])
    rendered = as_nobody(member, "render")
    assert (rendered.code, rendered.out) == (3, "")
    assert "only be read by root" in rendered.err
    resolved = as_nobody(member, "resolve", "ntp1.alpha.example")
    assert resolved.code == 1
    assert "only be read by root" in resolved.out
    assert "--allow-private" in resolved.out
    detected = operator.page(as_nobody(member, "detect", "--json"))
    assert detected["udp_123"] is None
    assert len(detected["unknown"]) == 3
    assert detected["ntpd"]["reads"] == CONFIG
    assert member.run(["find", "/var/lib/ntpjoin", "/etc/ntpsec"], check=True).out == before
