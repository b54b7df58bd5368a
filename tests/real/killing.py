"""A set-up killed at a boundary of its journal: what undo and a second set-up make of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from tests.lab import Lab, Server
from tests.lab.snapshot import Snapshot
from tests.real import operator
from tests.real.halting import CHANGES, Stations


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


def sweep(lab: Lab, server: Server, boundaries: Sequence[int]) -> None:
    """Kill at each boundary, and undo; kill there again, and set up again. All of them are tried, and told in campaign.log."""
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
