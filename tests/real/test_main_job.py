"""The main job: a fresh server becomes a good member with one command, stays one, and goes back with one command."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.lab import Lab, Result, Server
from tests.lab.hosts import SERVER4, SERVER6
from tests.lab.snapshot import Snapshot
from tests.real import healthy, operator

pytestmark = pytest.mark.real


@dataclass
class Job:
    """One journey through the main job: everything that was done and seen, in this order."""

    behind_s: float = 0.0
    fresh: Snapshot = field(default_factory=lambda: Snapshot({}, {}, {}, {}))
    plan: dict[str, Any] = field(default_factory=dict)
    planned: Snapshot = field(default_factory=lambda: Snapshot({}, {}, {}, {}))
    setup: dict[str, Any] = field(default_factory=dict)
    off_s: float = 0.0
    journal: list[dict[str, Any]] = field(default_factory=list)
    seen: dict[str, str] = field(default_factory=dict)
    pids: list[str] = field(default_factory=list)
    again: list[Result] = field(default_factory=list)
    rebooted: Result | None = None
    close_after_s: float = 0.0
    seen_rebooted: dict[str, str] = field(default_factory=dict)
    undo: Result | None = None
    undone: Snapshot = field(default_factory=lambda: Snapshot({}, {}, {}, {}))


def pid(server: Server) -> str:
    return server.run(["systemctl", "show", "-P", "MainPID", "ntpsec"], check=True).out.strip()


@pytest.fixture(scope="module")
def job(lab: Lab, booted: Server) -> Iterator[Job]:
    server, job = booted, Job()
    lab.heal()
    server.rollback("fresh")
    operator.carry(server)
    job.behind_s = -server.clock_offset()
    job.fresh = server.snapshot()
    job.plan = operator.page(operator.ntpjoin(server, "plan", "--json", *operator.WISH))
    job.planned = server.snapshot()
    job.setup = operator.page(operator.set_up(server, "--json"))
    job.off_s = server.clock_offset()
    job.journal = operator.entries(server)
    job.seen = operator.outside_view(lab)
    job.pids.append(pid(server))
    job.again = [operator.ntpjoin(server, "setup", "--yes", "--json") for _ in range(10)]
    job.pids.append(pid(server))
    server.reboot()
    job.rebooted = operator.ntpjoin(server, "verify", "--wait", "240", "--json", timeout=280)
    job.close_after_s = operator.wait_until_close(lab)
    print(f"after a reboot within 50 ms after {job.close_after_s:.0f} s")
    job.seen_rebooted = operator.outside_view(lab)
    lab.packages.stop()
    job.undo = operator.ntpjoin(server, "undo", "--yes", "--json", timeout=60)
    job.undone = server.snapshot()
    yield job
    lab.heal()


def test_the_clock_was_two_hours_behind_and_is_right_after_setup(job: Job) -> None:
    assert job.behind_s > 7190
    assert abs(job.setup["offset_ms"] / 1000 - job.behind_s) < 60
    assert abs(job.off_s) < 0.5


def test_plan_leaves_the_host_as_it_was(job: Job) -> None:
    assert job.plan["changed"] is True
    assert job.fresh.diff(job.planned) == []


def test_plan_setup_and_journal_name_the_same_changes_in_the_same_order(job: Job) -> None:
    def named(page: dict[str, Any]) -> list[tuple[str, str, str, str]]:
        return [(change["kind"], change["object"], change["text"], change["diff"]) for change in page["changes"]]

    assert named(job.plan) == named(job.setup)
    assert {change["state"] for change in job.plan["changes"]} == {"pending"}
    assert {change["state"] for change in job.setup["changes"]} == {"done"}
    assert [change["kind"] for change in job.setup["changes"]] == [entry["kind"] for entry in job.journal]
    assert {entry["state"] for entry in job.journal} == {"done"}
    assert job.plan["packages"] == job.setup["packages"]
    [packages] = [entry for entry in job.journal if entry["kind"] == "packages"]
    assert packages["fields"]["install"] == job.plan["packages"]["added"]
    assert packages["fields"]["remove"] == job.plan["packages"]["removed"]
    assert [package["name"] for package in job.plan["packages"]["removed"]] == ["systemd-timesyncd"]


def test_setup_ends_synchronised_with_all_checks_good(job: Job) -> None:
    assert (job.setup["exit"], job.setup["settled"], job.setup["errors"]) == (0, True, [])
    assert healthy.unlike("debian-12", job.setup["checks"]) == []
    assert {peer["address"] for peer in job.setup["peers"]} == {pin["address"] for pin in job.setup["upstreams"]}
    assert {":" in pin["address"] for pin in job.setup["upstreams"]} == {True, False}


@pytest.mark.parametrize("address", [SERVER4, SERVER6])
@pytest.mark.parametrize("when", ["seen", "seen_rebooted"])
def test_clients_outside_accept_the_server_and_queries_get_no_answer(job: Job, address: str, when: str) -> None:
    seen = getattr(job, when)
    by_chronyd, by_ntpdig, stratum = operator.accepts(seen, address)
    assert stratum in (2, 3)
    assert max(abs(by_chronyd), abs(by_ntpdig)) < 0.050
    assert "timed out" in seen[f"ntpq {address}"]
    assert "associd=0" in seen["ntpq control"]


def test_ten_more_runs_change_nothing_and_the_daemon_keeps_its_process(job: Job) -> None:
    assert [result.code for result in job.again] == [0] * 10
    assert {operator.page(result)["changed"] for result in job.again} == {False}
    assert job.pids[0] == job.pids[1] != "0"


def test_it_holds_after_a_reboot(job: Job) -> None:
    assert job.rebooted is not None
    assert job.rebooted.code == 0, job.rebooted.out


def test_undo_without_a_network_for_packages_brings_the_host_back(job: Job) -> None:
    assert job.undo is not None
    assert job.undo.code == 0, job.undo.out + job.undo.err
    assert {back["state"] for back in operator.page(job.undo)["taken_back"]} == {"restored"}
    assert operator.unexplained(job.fresh, job.undone) == []
    assert job.undone.packages["systemd-timesyncd"] == job.fresh.packages["systemd-timesyncd"]
    assert job.undone.units["systemd-timesyncd.service"] == job.fresh.units["systemd-timesyncd.service"]
    assert job.undone.units["systemd-timesyncd.service"][1] == "active"
