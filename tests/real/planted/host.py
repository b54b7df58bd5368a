"""The healthy server that faults are planted on, and what an operator does there by hand."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.lab import Lab, Result, Server
from tests.lab.process import wait_for
from tests.real import operator

#: What `ntpjoin verify` says of one check.
Check = Mapping[str, Any]

UNIT = "ntpsec.service"
CONFIG, OWN = "/etc/ntpsec/ntp.conf", "/etc/ntpsec/ntp.d/local.conf"


@dataclass(frozen=True)
class Host:
    """A server and the lab around it."""

    lab: Lab
    server: Server

    # -- looking

    def verify(self, wait_s: float = 0) -> dict[str, Any]:
        """What `ntpjoin verify` says."""
        words = ["verify", "--json", *(["--wait", f"{wait_s:g}"] if wait_s else [])]
        return operator.page(operator.ntpjoin(self.server, *words, timeout=60 + wait_s))

    def until(self, what: str, so: Callable[[], object], limit_s: float) -> None:
        """Wait until it is so; LabTimeout where it does not become so."""
        wait_for(lambda: so() or None, limit_s, what, pause=4)  # asking costs an emulated machine more than waiting

    def board(self) -> dict[str, str]:
        """What ntpq says of each source: its line, by the address."""
        lines = self.server.run(["ntpq", "-pn"]).out.splitlines()[2:]
        return {line[1:].split()[0]: line for line in lines if line[1:].strip()}

    def reach(self, address: str) -> int:
        """Which of the last eight polls it has answered; -1 where it is not followed."""
        words = self.board().get(address, "").split()
        return int(words[-4], 8) if len(words) > 4 else -1

    def selected(self) -> int:
        """How many sources agree, as ntpq marks them.

        That may be old: ntpd has new marks only when the system peer's own answer is the best of its last eight (clock_select of
        both engines). One that agrees may be unmarked for eight polls.
        """
        return sum(line[0] in "*+#o" for line in self.board().values())

    def offset_ms(self) -> float:
        """How far the clock is off by the daemon's own account."""
        return float(re.findall(r"offset=([-\d.]+)", self.server.run(["ntpq", "-c", "rv 0 offset"]).out)[0])

    def told_ms(self) -> float:
        """How far it is off by the account of most of its sources."""
        offsets = sorted(abs(float(line.split()[-2])) for line in self.board().values())
        return offsets[len(offsets) // 2]

    def age_s(self) -> float:
        """How long ntpd has run."""
        return float(self.run("ps -o etimes= -C ntpd").split()[0])

    # -- doing

    def run(self, line: str) -> str:
        """Type a line that must work; returns what it printed."""
        limit_s = 60 * self.server.slowness
        return self.server.run(["sh", "-c", line], check=True, timeout=limit_s).out

    def type(self, line: str) -> Result:
        """Type a line on a terminal, and yes beforehand in case it asks."""
        limit_s = 120 * self.server.slowness
        return self.server.run(["sh", "-c", line], timeout=limit_s, tty=True, input="y\n")

    def write(self, path: str, *lines: str) -> None:
        """Write a file."""
        text = "".join(f"{line}\n" for line in lines)
        self.server.run(["install", "-D", "-m", "644", "/dev/stdin", path], input=text, check=True)

    def restart(self) -> None:
        """Start the daemon again, and do not wait for what it finds."""
        self.run(f"systemctl restart {UNIT}")

    def own_lines(self, *lines: str) -> None:
        """Give the operator's own file these lines, and let the daemon read them."""
        self.write(OWN, *lines)
        self.restart()

    def set_clock(self, ahead_s: float) -> None:
        """Set the server's clock so far before the right time."""
        operator.set_behind(self.server, -ahead_s)

    def take_out(self, text: str) -> None:
        """Take the lines out that are named there, as `FILE:LINE: …` or as `line(s) LINE, … (out) of FILE`."""
        places = {(path, int(line)) for path, line in re.findall(r"(/[\w./-]+):(\d+)\b", text)}
        named = re.findall(r"lines? (\d+(?:, \d+)*) (?:out )?of (/[\w./-]*\w)", text)
        places |= {(path, int(line)) for lines, path in named for line in lines.split(", ")}
        assert places, f"no line is named: {text}"
        for path, number in sorted(places, reverse=True):
            self.run(f"sed -i {number}d {path}")
