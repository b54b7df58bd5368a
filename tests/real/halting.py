"""One run of ntpjoin on a server, halted behind writes of its journal: the moment before a change is made, or just after."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.lab import Result, Server
from tests.lab.snapshot import Snapshot
from tests.real import operator

KILLER = "/usr/local/bin/killer.py"

#: What `killer.py` says of itself: its process id, and the number of the boundary that it stands at.
STATE = "/run/killer"

#: Keeps what is said and the exit code on the server, where a rollback or a lost connection cannot take them.
KEEP = '"$@" >/run/halted.out 2>/run/halted.err </dev/null; echo $? >/run/halted.part; mv /run/halted.part /run/halted.code'

#: The changes of a set-up of the fresh server, as the journal calls them. It is written once before them all, before and after
#: each of them is made, and once at the end.
CHANGES = ("unit", "unit", "packages", "config", "file", "file", "setting", "daemon", "firewall")
WRITES = 1 + 2 * len(CHANGES) + 1


def before(kind: str) -> int:
    """The boundary at which the last change of that kind stands in the journal and is not yet made."""
    return 2 * (len(CHANGES) - CHANGES[::-1].index(kind))


@dataclass(frozen=True)
class Halted:
    """A run that goes on only when it is told to."""

    server: Server

    @classmethod
    def start(cls, server: Server, boundaries: Sequence[int], *words: str) -> Halted:
        """Start ntpjoin; it will stop at each of these boundaries."""
        operator.carry(server)
        server.put(Path(__file__).with_name("killer.py"), KILLER)
        server.run(["rm", "-f", STATE, f"{STATE}.free", "/run/halted.code"], check=True)
        command = ["python3", KILLER, "stop", ",".join(map(str, boundaries)), *words]
        server.run(["sh", "-c", f"setsid sh -c '{KEEP}' sh \"$@\" >/dev/null 2>&1 &", "sh", *command], check=True)
        return cls(server)

    def wait_at(self, boundary: int) -> None:
        """Wait until it stands there."""
        deadline = time.monotonic() + 90 * self.server.slowness
        while not self._stands_at(boundary):
            assert self.code() is None, f"it ended before boundary {boundary}: {self.result()}"
            assert time.monotonic() < deadline, f"boundary {boundary} was not reached"
            time.sleep(0.5)

    def _stands_at(self, boundary: int) -> bool:
        state = self.server.run(["cat", STATE]).out.split()
        if state[1:] != [str(boundary)]:
            return False
        return " T " in self.server.run(["cat", f"/proc/{state[0]}/stat"]).out

    def signal(self, name: str) -> None:
        """Send a signal; one that is halted hears it when it goes on, but for KILL."""
        pid = self.server.run(["cat", STATE], check=True).out.split()[0]
        self.server.run(["kill", f"-{name}", pid], check=True)

    def go_on(self) -> None:
        """Let it run to the next boundary."""
        self.signal("CONT")

    def let_go(self) -> None:
        """Let it run to its end, through the journal's writes while it takes things back, too."""
        self.server.run(["touch", f"{STATE}.free"], check=True)
        self.go_on()

    def code(self) -> int | None:
        """Its exit code; None while it runs."""
        said = self.server.run(["cat", "/run/halted.code"]).out
        return int(said) if said else None

    def result(self) -> Result:
        """What it said."""
        out, err = (self.server.run(["cat", f"/run/halted.{end}"]).out for end in ("out", "err"))
        return Result(-1 if self.code() is None else int(self.code() or 0), out, err, 0)

    def finish(self) -> Result:
        """Wait for its end."""
        deadline = time.monotonic() + 90 * self.server.slowness
        while self.code() is None:
            assert time.monotonic() < deadline, f"it does not end: {self.result()}"
            time.sleep(0.5)
        return self.result()


@dataclass(frozen=True)
class Stations:
    """One set-up of a fresh server, kept as a checkpoint at each of these boundaries: it can go on from any of them, in any way."""

    server: Server
    halted: Halted
    fresh: Snapshot

    @classmethod
    def prepare(cls, server: Server, boundaries: Sequence[int]) -> Stations:
        """Run it until the last of them."""
        operator.carry(server)
        fresh = server.snapshot()
        halted = Halted.start(server, boundaries, "setup", *operator.UNATTENDED, *operator.WISH)
        for boundary in boundaries:
            halted.wait_at(boundary)
            operator.checkpoint(server, f"at-{boundary}")
            if boundary != boundaries[-1]:
                halted.go_on()
        return cls(server, halted, fresh)

    def back_to(self, boundary: int) -> None:
        """The run stands there again."""
        operator.rollback(self.server, f"at-{boundary}")
