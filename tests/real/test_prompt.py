"""On a terminal: the plan is shown, `d` shows the difference, and a no leaves the host as it was."""

from __future__ import annotations

import pytest

from tests.lab import Server
from tests.real import operator

pytestmark = pytest.mark.real


def test_saying_no_on_a_terminal_changes_nothing(server: Server) -> None:
    operator.carry(server)
    before = server.snapshot()
    asked = server.popen([operator.PROGRAM, "setup", *operator.WISH], tty=True)
    plan = asked.read_until("[y/d/N]", timeout=40 * server.slowness)
    assert "install ntpsec" in plan
    assert "allow 123/udp in ufw" in plan
    asked.type("d\n")
    assert "+server 192.0.2.14 iburst  # ntp4.delta.example" in asked.read_until("[y/d/N]", timeout=5 * server.slowness)
    asked.type("n\n")
    done = asked.finish(timeout=5 * server.slowness)
    assert done.code == 130
    assert before.diff(server.snapshot()) == []
