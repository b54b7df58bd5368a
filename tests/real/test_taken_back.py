"""What does not come up is taken back; what somebody edited is kept."""

from __future__ import annotations

import pytest

from tests.lab import Lab, Server
from tests.real import operator

pytestmark = pytest.mark.real

#: Ends an undo, as the kernel would, as soon as the former daemon's package is back.
KILLED = """
ntpjoin undo --yes >/dev/null 2>&1 &
until dpkg-query -W -f '${Status}' systemd-timesyncd 2>/dev/null | grep -q 'ok installed'; do sleep 0.1; done
kill -9 $!
while pgrep -x 'apt-get|dpkg' >/dev/null; do sleep 0.5; done
"""
#: Of the former daemon: enabled or not, and whether it runs.
STANDING = "systemctl is-enabled systemd-timesyncd; systemctl is-active systemd-timesyncd; true"

REFUSES = "#!/bin/sh\necho 'ntpd: refusing to start, as planted' >&2\nexit 3\n"


def test_a_daemon_that_refuses_to_start_is_taken_back_with_the_cause(server: Server) -> None:
    operator.carry(server)
    # The package's own daemon lands beside a planted one, which stays where the daemon is looked for.
    divert = ["dpkg-divert", "--local", "--no-rename", "--divert", "/usr/sbin/ntpd.real", "--add", "/usr/sbin/ntpd"]
    server.run(divert, check=True)
    server.run(["tee", "/usr/sbin/ntpd"], input=REFUSES, check=True)
    server.run(["chmod", "755", "/usr/sbin/ntpd"], check=True)
    before = server.snapshot()
    failed = operator.set_up(server)
    assert failed.code == 1, failed.out + failed.err
    assert "refusing to start, as planted" in failed.err
    assert "this host is as it was" in failed.err
    assert operator.unexplained(before, server.snapshot()) == []


@pytest.mark.campaign
def test_a_daemon_that_dies_after_its_check_is_taken_back_with_the_cause(server: Server) -> None:
    operator.carry(server)
    server.run(["mkdir", "-p", "/etc/systemd/system/ntpsec.service.d"], check=True)
    planted = "[Service]\nExecStart=\nExecStart=/bin/sh -c 'echo planted death >&2; exit 7'\n"
    server.run(["tee", "/etc/systemd/system/ntpsec.service.d/planted.conf"], input=planted, check=True)
    before = server.snapshot()
    failed = operator.set_up(server, "--json")
    assert failed.code == 1, failed.out + failed.err
    [error] = operator.page(failed)["errors"]
    assert "ntpsec.service does not stay up" in error["message"]
    assert "planted death" in error["message"]
    assert operator.unexplained(before, server.snapshot()) == []


def test_a_file_edited_since_is_kept_and_said(lab: Lab, member: Server) -> None:
    member.run(["tee", "-a", "/etc/ntpsec/ntp.conf"], input="# mine\n", check=True)
    member.run(["tee", "-a", "/etc/ntpsec/ntp.d/local.conf"], input="# mine too\n", check=True)
    lab.packages.stop()
    undone = operator.ntpjoin(member, "undo", "--yes", timeout=60)
    assert undone.code == 4, undone.out + undone.err
    assert "/etc/ntpsec/ntp.conf was edited since and is kept" in undone.out
    kept = member.run(["cat", "/etc/ntpsec/ntp.conf", "/etc/ntpsec/ntp.d/local.conf"], check=True).out
    assert kept.endswith("# mine\n# mine too\n")
    assert member.run(["systemctl", "is-active", "systemd-timesyncd"]).out.strip() == "active"
    assert "ntpsec" not in [name for name, row in member.snapshot().packages.items() if "installed" in row[2].split()]


@pytest.mark.campaign
def test_an_undo_killed_when_the_former_daemon_is_back_is_finished_by_the_next(lab: Lab, server: Server) -> None:
    """Its package starts it, be it that the operator had stopped it: what undo does behind that is not forgotten."""
    operator.carry(server)
    server.run(["systemctl", "stop", "systemd-timesyncd"], check=True)
    before = server.snapshot()
    assert operator.set_up(server).code == 0
    lab.packages.stop()
    server.run(["sh", "-c", KILLED], check=True, timeout=60 * server.slowness)
    died = server.run(["sh", "-c", STANDING]).out.split()
    assert died == ["enabled", "active"], "it was killed too late"
    undone = operator.ntpjoin(server, "undo", "--yes", timeout=60)
    assert undone.code == 0, undone.out + undone.err
    assert server.run(["sh", "-c", STANDING]).out.split() == ["enabled", "inactive"]
    assert operator.unexplained(before, server.snapshot()) == []
