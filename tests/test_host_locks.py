"""Locks: seen with the process that holds them, and never taken."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ntpjoin.host import locks
from ntpjoin.host.machine import Host
from ntpjoin.host.packages import apt, dnf, rpm, zypper
from ntpjoin.host.packages.manager import Manager

#: What each package manager locks by the kernel; the type checker holds each to what one must be able to do.
LOCKS: tuple[tuple[Manager, tuple[str, ...]], ...] = (
    (apt, apt._LOCKS),
    (dnf, (*rpm._LOCKS, *dnf._LOCKS)),
    (zypper, rpm._LOCKS),
)

HOLD = "import fcntl, sys; f = open(sys.argv[1], 'w'); fcntl.lockf(f, fcntl.LOCK_EX); print('held', flush=True); sys.stdin.read()"


@pytest.fixture
def host(tmp_path: Path) -> Host:
    for path in {path for _, paths in LOCKS for path in paths}:
        (tmp_path / path.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path.lstrip("/")).touch()
    return Host(root=tmp_path)


@pytest.fixture(params=[(one, paths, path) for one, paths in LOCKS for path in paths], ids=lambda param: param[2])
def held(
    request: pytest.FixtureRequest, host: Host, real_programs: None
) -> Iterator[tuple[Manager, tuple[str, ...], str, int]]:
    del real_programs
    path = str(host.path(request.param[2]))
    holder = subprocess.Popen([sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        holder.stdout.readline()
        yield (*request.param, holder.pid)
        holder.stdin.close()


def test_a_lock_is_seen_with_its_holder_and_left_to_him(
    host: Host, held: tuple[Manager, tuple[str, ...], str, int]
) -> None:
    packages, paths, path, pid = held
    assert locks.holder(host, path) == pid
    assert locks.holder(host, path) == pid
    assert [locks.holder(host, other) for other in paths if other != path] == [None] * (len(paths) - 1)
    name = Path(f"/proc/{pid}/comm").read_text().strip()
    (host.root / f"proc/{pid}").mkdir(parents=True)
    (host.root / f"proc/{pid}/comm").write_text(f"{name}\n")
    assert packages.busy(host) == f"{name} (process {pid}), which holds {path}"


def test_a_file_that_nobody_holds_or_that_is_not_there(host: Host) -> None:
    assert locks.holder(host, apt._LOCKS[0]) is None
    assert locks.holder(host, "/nowhere") is None
    assert [packages.busy(host) for packages, _ in LOCKS] == ["", "", ""]


@pytest.mark.parametrize(
    ("pid", "words"), [(0, "a process that the kernel does not name"), (7, "a program (process 7)")]
)
def test_a_holder_without_a_name(host: Host, pid: int, words: str) -> None:
    assert locks.named(host, pid) == words
