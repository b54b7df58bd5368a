"""How far the clock may be set while nobody looks on, and who else sets it."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.lab import Server
from tests.real import operator

pytestmark = pytest.mark.real


def planned(server: Server, off_s: float) -> dict[str, Any]:
    """What an unattended set-up would do with a clock that is so far off; nothing is done."""
    server.run(["date", "-s", f"@{time.time() + off_s:.2f}"], check=True)
    return operator.page(operator.ntpjoin(server, "setup", "--yes", "--dry-run", *operator.WISH, "--json", timeout=60))


def test_a_great_step_and_any_step_back_want_somebodys_word(server: Server) -> None:
    operator.carry(server)
    server.run(["systemctl", "stop", "systemd-timesyncd"], check=True)
    for off_s, code in ((-1100.0, 3), (-900.0, 0), (60.0, 3)):
        page = planned(server, off_s)
        assert page["exit"] == code, page
        assert [blocker["code"] for blocker in page["blockers"]] == (["step"] if code else [])
        assert abs(page["offset_ms"] / 1000 + off_s) < 30
        assert any(note["text"].startswith("the clock will step ") for note in page["notes"])


def test_who_else_sets_the_clock_is_named_in_the_plan_and_by_verify(server: Server) -> None:
    operator.carry(server)
    clean = {check["text"] for check in operator.page(operator.ntpjoin(server, "verify", "--json"))["checks"]}
    assert any(text.startswith("systemd-timesyncd (systemd-timesyncd.service runs)") for text in clean)
    assert not any("rdate" in text or "phc2sys" in text for text in clean)
    # Programs of those names that do nothing: one is run by cron now and then, the other all the time.
    server.run(["cp", "/bin/true", "/usr/local/sbin/rdate"], check=True)
    server.run(["cp", "/bin/sleep", "/usr/local/sbin/phc2sys"], check=True)
    server.run(
        ["tee", "/etc/cron.d/time"], input="# time\n7 * * * * root /usr/local/sbin/rdate -s 192.0.2.1\n", check=True
    )
    server.run(["systemd-run", "--unit=ptp", "/usr/local/sbin/phc2sys", "100000"], check=True)
    told = [
        check
        for check in operator.page(operator.ntpjoin(server, "verify", "--json"))["checks"]
        if check["id"] == "clock.setters"
    ]
    assert {check["state"] for check in told} == {"warn"}
    assert sorted(check["text"].split(" (")[0] for check in told) == ["phc2sys", "rdate", "systemd-timesyncd"]
    notes = [note["text"] for note in planned(server, 0.0)["notes"]]
    assert any(note.startswith("rdate (/etc/cron.d/time:2) sets this clock, too") for note in notes), notes
    assert any(note.startswith("phc2sys (process ") for note in notes), notes
