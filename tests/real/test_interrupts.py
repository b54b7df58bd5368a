"""Ctrl-C, SIGTERM and a lost connection, in each step and between them: the step ends, all is taken back, and the code says why."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lab import Result, Server
from tests.lab.process import Running, wait_for
from tests.lab.snapshot import Snapshot
from tests.real import operator
from tests.real.halting import CHANGES, WRITES, Halted, Stations

pytestmark = pytest.mark.real

SETUP = ["setup", *operator.UNATTENDED, *operator.WISH]

#: Each step's changes with a signal each, so that every step hears all three.
SIGNALS = ("INT", "TERM", "HUP", "INT", "TERM", "HUP", "INT", "TERM", "HUP")

CODES = {"INT": 130, "TERM": 143, "HUP": 143}
WORDS = {"INT": "interrupted", "TERM": "asked to end", "HUP": "the terminal is gone"}


def as_it_was(server: Server, fresh: Snapshot, ended: Result, sign: str) -> None:
    said = ended.out + ended.err
    assert ended.code == CODES[sign], said
    assert WORDS[sign] in said
    assert "this host is as it was" in said
    assert operator.unexplained(fresh, server.snapshot()) == []


@pytest.mark.campaign
def test_a_signal_in_every_change(server: Server) -> None:
    """One set-up, kept before each change; each change hears one signal, the daemon's and the firewall's all three."""
    stations = Stations.prepare(server, tuple(range(2, WRITES - 1, 2)))
    cases = list(zip(range(2, WRITES - 1, 2), SIGNALS))
    cases += [(at, sign) for at in (WRITES - 4, WRITES - 2) for sign in CODES if (at, sign) not in cases]
    failures = []
    for boundary, sign in cases:
        began = time.monotonic()
        stations.back_to(boundary)
        stations.halted.signal(sign)
        stations.halted.let_go()
        try:
            as_it_was(server, stations.fresh, stations.halted.finish(), sign)
            result = "ok"
        except AssertionError as error:
            result = f"FAILED {error}"
            failures.append(result)
        kind = CHANGES[boundary // 2 - 1]
        with Path("campaign.log").open("a") as log:
            log.write(f"SIG{sign} at {boundary:2} ({kind}): {result} ({time.monotonic() - began:.0f} s)\n")
    assert not failures


# --- in the middle of dpkg


def started(server: Server) -> Running:
    """A set-up on a terminal whose exit code stays on the server: the shell around it survives what ends the terminal."""
    operator.carry(server)
    keep = 'trap : INT HUP; "$@" 2>/run/said; echo $? >/run/code.part; mv /run/code.part /run/code'
    return server.popen(["sh", "-c", keep, "sh", operator.PROGRAM, *SETUP], tty=True)


def wait_for_dpkg(server: Server) -> None:
    wait_for(
        lambda: server.run(["pgrep", "-x", "dpkg"]).code == 0 or None,
        90 * server.slowness,
        "dpkg is at work",
        pause=0.2,
    )


def ended(server: Server) -> Result:
    """How it went, as far as it was said on the standard error; a terminal may be gone."""
    wait_for(lambda: server.run(["cat", "/run/code"]).out or None, 90 * server.slowness, "the set-up ends", pause=0.5)
    code = int(server.run(["cat", "/run/code"], check=True).out)
    return Result(code, "", server.run(["cat", "/run/said"], check=True).out, 0)


def whole(server: Server) -> None:
    """dpkg was not interrupted: it has nothing to finish, and its log has no line that breaks off."""
    assert server.run(["dpkg", "--audit"], check=True).out == ""


def interrupted_in_dpkg(server: Server, sign: str, interrupt: Callable[[Running], object]) -> None:
    """dpkg ends in peace, and then all of it is taken back."""
    fresh = server.snapshot()
    running = started(server)
    wait_for_dpkg(server)
    interrupt(running)
    as_it_was(server, fresh, ended(server), sign)
    whole(server)
    running.abandon()


def press_twice(running: Running) -> None:
    """Who presses Ctrl-C once presses it again."""
    running.interrupt()
    time.sleep(1)
    running.interrupt()


@pytest.mark.campaign
def test_ctrl_c_in_the_middle_of_dpkg(server: Server) -> None:
    interrupted_in_dpkg(server, "INT", press_twice)


@pytest.mark.campaign
def test_sigterm_in_the_middle_of_dpkg(server: Server) -> None:
    kill = ["pkill", "-TERM", "-f", f"python3 {operator.PROGRAM}"]
    interrupted_in_dpkg(server, "TERM", lambda _: server.run(kill, check=True))


@pytest.mark.campaign
def test_a_lost_connection_in_the_middle_of_dpkg(server: Server) -> None:
    interrupted_in_dpkg(server, "HUP", Running.abandon)


# --- before the first change, and after the last


def test_sigterm_while_it_looks(server: Server) -> None:
    """A package manager that is busy makes the look last."""
    operator.carry(server)
    fresh = server.snapshot()
    operator.background(server, "python3", "-c", operator.LOCKER, operator.FOR_EVER)
    looking = server.popen([operator.PROGRAM, *SETUP], tty=True)
    looking.read_until("waiting for", timeout=60 * server.slowness)
    server.run(["pkill", "-TERM", "-f", f"python3 {operator.PROGRAM}"], check=True)
    done = looking.finish(timeout=30 * server.slowness)
    assert done.code == 143, done.out
    assert "asked to end" in done.out
    assert "Nothing was changed." in done.out
    assert operator.unexplained(fresh, server.snapshot()) == []


@pytest.mark.campaign
def test_a_signal_while_it_waits_for_the_time_leaves_the_set_up(server: Server) -> None:
    halted = Halted.start(server, [WRITES - 1], *SETUP)
    halted.wait_at(WRITES - 1)
    halted.let_go()
    wait_for(lambda: "waiting for" in halted.result().err or None, 60 * server.slowness, "it waits for the time")
    halted.signal("INT")
    done = halted.finish()
    assert done.code == 130, done.err
    verified = operator.ntpjoin(server, "verify", "--wait", "240", timeout=280)
    assert verified.code == 0, verified.out
    assert {entry["state"] for entry in operator.entries(server)} == {"done"}
