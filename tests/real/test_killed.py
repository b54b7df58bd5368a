"""kill -9 at the boundaries between journal entries: setup again ends synchronised, and undo ends as it was."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.lab import Lab, Server
from tests.lab.snapshot import Snapshot
from tests.real import operator
from tests.real.halting import CHANGES, WRITES, Stations


def assert_undone(lab: Lab, server: Server, fresh: Snapshot) -> None:
    lab.packages.stop()
    undone = operator.ntpjoin(server, "undo", "--yes", timeout=60)
    lab.packages.start()
    assert undone.code == 0, undone.out + undone.err
    assert operator.unexplained(fresh, server.snapshot()) == []


def assert_continued(server: Server) -> None:
    again = operator.set_up(server, "--json")
    assert again.code == 0, again.out + again.err
    assert operator.page(again)["settled"] is True
    assert {entry["state"] for entry in operator.entries(server)} <= {"begun", "done"}


def died(stations: Stations, boundary: int) -> Server:
    stations.back_to(boundary)
    stations.halted.signal("KILL")
    return stations.server


@pytest.mark.real
def test_a_killed_setup_is_continued_and_undone(lab: Lab, server: Server) -> None:
    """Three of the boundaries, in one set-up: each is undone; the last, where the daemon runs, is continued, too."""
    boundaries = (3, 7, 16)
    stations = Stations.prepare(server, boundaries)
    for boundary in boundaries:
        assert_undone(lab, died(stations, boundary), stations.fresh)
    for boundary in boundaries[1:]:
        assert_continued(died(stations, boundary))


def halves() -> list[object]:
    middle = WRITES // 2
    parts = {"early": tuple(range(1, middle)), "late": tuple(range(middle, WRITES))}
    return [pytest.param(part, id=name, marks=pytest.mark.xdist_group(name)) for name, part in parts.items()]


@pytest.mark.campaign
@pytest.mark.parametrize("boundaries", halves())
def test_a_setup_killed_at_every_boundary_is_continued_and_undone(
    lab: Lab, server: Server, boundaries: tuple[int, ...]
) -> None:
    stations = Stations.prepare(server, boundaries)
    assert [entry["kind"] for entry in operator.entries(server)] == list(CHANGES[: boundaries[-1] // 2])
    failures = []
    for boundary in boundaries:
        for what in ("undo", "setup"):
            began = time.monotonic()
            died(stations, boundary)
            try:
                assert_undone(lab, server, stations.fresh) if what == "undo" else assert_continued(server)
                result = "ok"
            except AssertionError as error:
                result = f"FAILED {error}"
                failures.append((boundary, what, result))
            with Path("campaign.log").open("a") as log:
                log.write(f"killed at {boundary:2}, then {what}: {result} ({time.monotonic() - began:.0f} s)\n")
    assert not failures
