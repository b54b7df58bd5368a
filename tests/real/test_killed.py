"""kill -9 at the boundaries between journal entries: setup again ends synchronised, and undo ends as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab import Lab, Server
from tests.real import operator

KILLER = "/usr/local/bin/killer.py"

#: A run writes its own page first, then each of its eight changes before and after it is made, and its own page last.
WRITES = 1 + 2 * 8 + 1
BOUNDARIES = range(1, WRITES)


def kill_setup(server: Server, boundary: int) -> None:
    operator.carry(server)
    server.put(Path(__file__).with_name("killer.py"), KILLER)
    words = ["python3", KILLER, str(boundary), "setup", *operator.UNATTENDED, *operator.WISH]
    killed = server.run(words, timeout=90 * server.slowness)
    assert killed.code == 137, killed.out + killed.err


def run_the_boundary(lab: Lab, server: Server, boundary: int) -> None:
    """From one death: undo, and from the same death: setup again."""
    fresh = server.snapshot()
    kill_setup(server, boundary)
    server.checkpoint("killed")
    lab.packages.stop()
    undone = operator.ntpjoin(server, "undo", "--yes", timeout=60)
    assert undone.code == 0, undone.out + undone.err
    assert operator.unexplained(fresh, server.snapshot()) == []
    lab.packages.start()
    server.rollback("killed")
    again = operator.set_up(server, "--json")
    assert again.code == 0, again.out + again.err
    assert {entry["state"] for entry in operator.entries(server)} <= {"begun", "done"}
    assert operator.page(again)["settled"] is True


@pytest.mark.real
@pytest.mark.parametrize("boundary", [3, 7, 14])
def test_a_killed_setup_is_continued_and_undone(lab: Lab, server: Server, boundary: int) -> None:
    run_the_boundary(lab, server, boundary)


@pytest.mark.campaign
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_setup_killed_at_every_boundary_is_continued_and_undone(lab: Lab, server: Server, boundary: int) -> None:
    run_the_boundary(lab, server, boundary)
