"""A server that is checked daily: by the program that was carried there, until its operator takes that back."""

from __future__ import annotations

from time import monotonic, sleep

import pytest

from ntpjoin.host.monitor import COPY, ON_TROUBLE, SERVICE, TIMER, UNITS
from tests.lab import Lab, Result, Server
from tests.real import operator

pytestmark = [pytest.mark.real, pytest.mark.campaign]

#: Where it was carried by an operator who did not think of where it is to stay.
CARRIED = "/root/ntpjoin.pyz"
STAMP = f"/var/lib/systemd/timers/stamp-{TIMER}"
TOLD = "/run/told"

MOVED, OLD, NEW = "ntp4.delta", "192.0.2.14", "192.0.2.16"


def typed(server: Server, program: str, *words: str) -> Result:
    """ntpjoin, from the file that it is."""
    return server.run(["python3", program, *words], timeout=90 * server.slowness)


def switch_on(server: Server) -> None:
    server.put(operator.PYZ, CARRIED)
    done = typed(server, CARRIED, "setup", *operator.UNATTENDED, "--monitor", "--json")
    assert done.code == 0, done.out + done.err
    kinds = [change["kind"] for change in operator.page(done)["changes"] if change["state"] == "done"]
    assert kinds == ["copy", "unit-file", "unit-file", "unit-file", "timer"]
    again = typed(server, CARRIED, "setup", *operator.UNATTENDED, "--json")
    assert (again.code, operator.page(again)["changed"]) == (0, False), again.out + again.err
    server.run(["rm", CARRIED], check=True)


def states(server: Server) -> list[str]:
    """Whether the timer runs, and will after a reboot."""
    return [server.run(["systemctl", word, TIMER]).out.strip() for word in ("is-active", "is-enabled")]


def check(server: Server) -> tuple[bool, str]:
    """Run the daily check now: whether it is content, and what it left in the journal."""
    began = server.run(["systemctl", "start", SERVICE], timeout=120 * server.slowness)
    server.run(["journalctl", "--sync"])
    invocation = server.run(["systemctl", "show", "-P", "InvocationID", SERVICE], check=True).out.strip()
    said = server.run(["journalctl", "-q", "-o", "cat", f"_SYSTEMD_INVOCATION_ID={invocation}"], check=True).out
    return began.code == 0, said


def waited_for(server: Server, path: str) -> bool:
    until = monotonic() + 10 * server.slowness
    while monotonic() < until:
        if server.run(["test", "-e", path]).code == 0:
            return True
        sleep(1)
    return False


def assert_gone(server: Server) -> None:
    for path in (COPY, COPY.rpartition("/")[0], STAMP):
        assert server.run(["test", "-e", path]).code == 1, path
    listed = server.run(["systemctl", "list-units", "--all", "--no-legend", "--plain", *UNITS], check=True)
    assert listed.out.strip() == ""


def test_what_has_moved_is_told_and_mended_and_all_of_it_is_taken_back(lab: Lab, member: Server) -> None:
    before = member.snapshot()
    switch_on(member)
    assert states(member) == ["active", "enabled"]
    content, said = check(member)
    assert content, said
    assert "No check failed." in said
    assert f"{TIMER} checks daily" in said
    loud = member.run(["sh", "-c", "journalctl -q -b -o cat _PID=1 | grep -i unknown | grep ntpjoin-"])
    assert loud.out == "", "systemd does not know all that is in the units"

    told = f"#!/bin/sh\njournalctl -u {SERVICE} -o cat >{TOLD}.new\nmv {TOLD}.new {TOLD}\n"
    member.run(["install", "-D", "-m", "755", "/dev/stdin", ON_TROUBLE], input=told, check=True)
    records = lab.dns.text()
    assert f"{MOVED} A {OLD}\n" in records
    lab.dns.replace(records.replace(f"{MOVED} A {OLD}\n", f"{MOVED} A {NEW}\n"))
    content, said = check(member)
    assert not content, said
    assert f"{MOVED}.example no longer leads to {OLD}" in said
    assert waited_for(member, TOLD)
    assert f"no longer leads to {OLD}" in member.run(["cat", TOLD], check=True).out

    # By the copy: what was carried is gone.
    mended = typed(member, COPY, "setup", *operator.UNATTENDED, "--json")
    assert mended.code == 0, mended.out + mended.err
    pins = {one["name"]: one["address"] for one in operator.page(mended)["upstreams"]}
    assert pins[f"{MOVED}.example"] == NEW
    content, said = check(member)
    assert content, said

    member.run(["rm", "-r", ON_TROUBLE.rpartition("/")[0]], check=True)
    # The second one takes away the very file that it runs from.
    for _ in range(2):
        undone = typed(member, COPY, "undo", "--last", "--yes", "--json")
        assert undone.code == 0, undone.out + undone.err
    assert_gone(member)
    assert operator.unexplained(before, member.snapshot()) == []


def test_switched_off_it_is_gone_and_undo_brings_it_back(member: Server) -> None:
    before = member.snapshot()
    switch_on(member)
    on = member.snapshot()
    off = typed(member, COPY, "setup", *operator.UNATTENDED, "--no-monitor", "--json")
    assert off.code == 0, off.out + off.err
    assert_gone(member)
    assert operator.unexplained(before, member.snapshot()) == []
    again = operator.ntpjoin(member, "setup", *operator.UNATTENDED, "--json", timeout=90)
    assert (again.code, operator.page(again)["changed"]) == (0, False), again.out + again.err

    undone = operator.ntpjoin(member, "undo", "--last", "--yes")
    assert undone.code == 0, undone.out + undone.err
    assert states(member) == ["active", "enabled"]
    assert operator.unexplained(on, member.snapshot()) == []
    assert check(member)[0]
    undone = operator.ntpjoin(member, "undo", "--last", "--yes")
    assert undone.code == 0, undone.out + undone.err
    assert_gone(member)
    assert operator.unexplained(before, member.snapshot()) == []
