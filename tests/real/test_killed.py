"""kill -9 at the boundaries between journal entries: setup again ends synchronised, and undo ends as it was."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.lab import Lab, Server
from tests.lab.snapshot import Snapshot
from tests.real import operator

KILLER = "/usr/local/bin/killer.py"

#: A run writes its own page first, then each of its nine changes before and after it is made, and its own page last.
WRITES = 1 + 2 * 9 + 1


def carry_killer(server: Server) -> None:
    operator.carry(server)
    server.put(Path(__file__).with_name("killer.py"), KILLER)


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


@pytest.mark.real
@pytest.mark.parametrize("boundary", [3, 7, 16])
def test_a_killed_setup_is_continued_and_undone(lab: Lab, server: Server, boundary: int) -> None:
    carry_killer(server)
    fresh = server.snapshot()
    words = ["python3", KILLER, "kill", str(boundary), "setup", *operator.UNATTENDED, *operator.WISH]
    killed = server.run(words, timeout=90 * server.slowness)
    assert killed.code == 137, killed.out + killed.err
    operator.checkpoint(server, "killed")
    assert_undone(lab, server, fresh)
    operator.rollback(server, "killed")
    assert_continued(server)


# -- the whole sweep: one set-up, halted and kept at each boundary, and killed there


@dataclass(frozen=True)
class Deaths:
    """A server with a checkpoint at each of these boundaries, the set-up halted there."""

    server: Server
    fresh: Snapshot
    boundaries: tuple[int, ...]

    def die(self, boundary: int) -> None:
        operator.rollback(self.server, f"at-{boundary}")
        pid = self.server.run(["cat", "/run/killer"], check=True).out.split()[0]
        self.server.run(["kill", "-KILL", pid], check=True)


def reached(server: Server, boundary: int) -> bool:
    state = server.run(["cat", "/run/killer"]).out.split()
    if state[1:] != [str(boundary)]:
        return False
    return " T " in server.run(["cat", f"/proc/{state[0]}/stat"]).out


def halves() -> list[object]:
    middle = WRITES // 2
    parts = {"early": tuple(range(1, middle)), "late": tuple(range(middle, WRITES))}
    return [pytest.param(part, id=name, marks=pytest.mark.xdist_group(name)) for name, part in parts.items()]


@pytest.fixture(params=halves())
def deaths(request: pytest.FixtureRequest, server: Server) -> Iterator[Deaths]:
    boundaries: tuple[int, ...] = request.param
    carry_killer(server)
    fresh = server.snapshot()
    listed = ",".join(map(str, boundaries))
    halted = server.popen(["python3", KILLER, "stop", listed, "setup", *operator.UNATTENDED, *operator.WISH])
    for boundary in boundaries:
        deadline = time.monotonic() + 90 * server.slowness
        while not reached(server, boundary):
            assert time.monotonic() < deadline, f"boundary {boundary} was not reached"
            time.sleep(0.5)
        operator.checkpoint(server, f"at-{boundary}")
        server.run(["kill", "-CONT", server.run(["cat", "/run/killer"], check=True).out.split()[0]], check=True)
    yield Deaths(server, fresh, boundaries)
    # The process died with the first rollback; this is what is left of it on our side.
    halted.popen.kill()
    halted.popen.communicate()


@pytest.mark.campaign
def test_a_setup_killed_at_every_boundary_is_continued_and_undone(lab: Lab, deaths: Deaths) -> None:
    failures = []
    for boundary in deaths.boundaries:
        for what in ("undo", "setup"):
            began = time.monotonic()
            deaths.die(boundary)
            try:
                assert_undone(lab, deaths.server, deaths.fresh) if what == "undo" else assert_continued(deaths.server)
                result = "ok"
            except AssertionError as error:
                result = f"FAILED {error}"
                failures.append((boundary, what, result))
            with Path("killed.log").open("a") as log:
                log.write(f"killed at {boundary:2}, then {what}: {result} ({time.monotonic() - began:.0f} s)\n")
    assert not failures
