"""Other time daemons on Debian 12: taken over as the plan says, and restored as they were. Of chrony tells test_existing."""

from __future__ import annotations

import time

import pytest

from tests.lab import Lab, Server
from tests.real import operator

pytestmark = [pytest.mark.real, pytest.mark.campaign]


def taken_over(lab: Lab, server: Server, *words: str) -> dict[str, str]:
    """Set up, and take it back without a package server; returns the states of the rivals' units after the set-up."""
    operator.carry(server)
    fresh = server.snapshot()
    done = operator.set_up(server, "--json")
    assert done.code == 0, done.out + done.err
    texts = [change["text"] for change in operator.page(done)["changes"]]
    assert [word for word in words if not any(word in text for text in texts)] == [], texts
    after = server.snapshot()
    lab.packages.stop()
    undone = operator.ntpjoin(server, "undo", "--yes", timeout=60)
    assert undone.code == 0, undone.out + undone.err
    assert operator.unexplained(fresh, server.snapshot()) == []
    lab.heal()
    return {name: " ".join(state) for name, state in after.units.items()}


def test_openntpd_that_runs(lab: Lab, server: Server) -> None:
    server.run(["date", "-s", f"@{time.time():.2f}"], check=True)
    server.run(["apt-get", "-q", "update"], check=True, timeout=30 * server.slowness)
    server.run(["apt-get", "-q", "-y", "install", "openntpd"], check=True, timeout=60 * server.slowness)
    server.run(["tee", "/etc/openntpd/ntpd.conf"], input="# its operator's\nserver 192.0.2.16\n", check=True)
    server.run(["systemctl", "restart", "openntpd"], check=True)
    units = taken_over(lab, server, "stop openntpd.service", "removes openntpd")
    assert not units.get("openntpd.service", "").endswith(" active")
    assert server.run(["systemctl", "is-active", "openntpd"]).out.strip() == "active"
    assert "its operator's" in server.run(["cat", "/etc/openntpd/ntpd.conf"], check=True).out


def test_timesyncd_that_somebody_has_masked(lab: Lab, server: Server) -> None:
    server.run(["systemctl", "mask", "--now", "systemd-timesyncd"], check=True)
    taken_over(lab, server, "removes systemd-timesyncd")
    assert server.run(["systemctl", "is-enabled", "systemd-timesyncd"]).out.strip() == "masked"
    assert server.run(["systemctl", "is-active", "systemd-timesyncd"]).out.strip() == "inactive"
