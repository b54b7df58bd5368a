"""The main job in a virtual machine, shown as an operator would see it: make demo.

A Debian server whose clock is two hours behind becomes a member of the pool, is looked at from another host, and goes back.
Every step is checked; the exit code is 0 only when all of them held.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from tests.lab import Lab, LabError
from tests.lab.hosts import SERVER4, SERVER6
from tests.lab.namespaces import STATE

PYZ = Path(__file__).parents[1] / "dist" / "ntpjoin.pyz"
PROGRAM = "/usr/local/bin/ntpjoin"
NAMES = ("ntp1.alpha", "ntp2.bravo", "ntp3.charlie", "ntp4.delta", "ntp5.echo")
UPSTREAMS = tuple(word for name in NAMES for word in ("--upstream", f"{name}.example"))
REDRAWN = re.compile(r"[^\n]*\r\x1b\[K")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Said:
    """What a command printed, and how it ended."""

    code: int
    text: str

    def has(self, *words: str) -> bool:
        return all(word in self.text for word in words)

    def offset_s(self, pattern: str) -> float:
        found = re.search(pattern, self.text)
        return float(found[1]) if found else float("inf")


@dataclass(frozen=True)
class Step:
    """One command, where it is typed, and what must hold afterwards."""

    claim: str
    host: str
    argv: Sequence[str]
    holds: Callable[[Said], bool]


def ntpjoin(claim: str, words: Sequence[str], *shown: str) -> Step:
    return Step(claim, "server", ("ntpjoin", *words), lambda said: said.code == 0 and said.has(*shown))


def within(pattern: str) -> Callable[[Said], bool]:
    """A client accepts the server, and its clock is off by less than 50 ms."""
    return lambda said: abs(said.offset_s(pattern)) < 0.050


def showing(*shown: str) -> Callable[[Said], bool]:
    return lambda said: said.has(*shown)


def clocks(lab: Lab, claim: str, expected_s: float, tolerance_s: float) -> tuple[Step, ...]:
    def holds(_: Said) -> bool:
        return abs(lab.server.clock_offset() - expected_s) < tolerance_s

    return (
        Step("the client's clock is this machine's", "client", ("date",), lambda said: said.code == 0),
        Step(claim, "server", ("date",), holds),
    )


def outside() -> tuple[Step, ...]:
    """What programs written by others see from another host, over both families; silence beside a control that is not silent."""
    steps: list[Step] = []
    for address in (SERVER4, SERVER6):
        digged = r"([+-]?[\d.]+) \+/- [\d.]+ \S+ s[23] no-leap"
        steps.append(Step(f"ntpdig accepts {address}", "client", ("ntpdig", address), within(digged)))
        chrony = ("chronyd", "-Q", "-t", "30", "-f", "/dev/null", f"server {address} iburst")
        wrong = r"System clock wrong by (-?[\d.]+) seconds"
        steps.append(Step(f"chronyd accepts {address}", "client", chrony, within(wrong)))
    for address, claim, shown in (
        ("open.example", "an open daemon answers management queries", "associd=0"),
        (SERVER4, f"{SERVER4} does not", "timed out"),
        (SERVER6, f"{SERVER6} does not", "timed out"),
    ):
        ask = ("ntpq", "-c", "rv", address)
        steps.append(Step(claim, "client", ask, showing(shown)))
    return tuple(steps)


def steps(lab: Lab) -> tuple[Step, ...]:
    wish = ("--allow-private", *UPSTREAMS)
    setup = ("setup", "--yes", "--allow-step", *wish)
    return (
        *clocks(lab, "the server's clock is two hours behind", -7200, 300),
        ntpjoin("the plan shows the step, and changes nothing", ("plan", *wish), "the clock will step +7", "ntpsec"),
        ntpjoin("the server becomes a member", setup, "Ready to join the pool"),
        *clocks(lab, "the server's clock is right", 0, 0.5),
        *outside(),
        ntpjoin("a second run finds nothing to do", ("setup", "--yes"), "Nothing to do"),
        ntpjoin("verify agrees", ("verify",), "No check failed"),
        Step(
            "from outside nothing is wrong at both addresses, and they are closed to management",
            "client",
            ("/lab/ntpjoin", "probe", SERVER4, SERVER6, "--mine", "--allow-private"),
            # Of a daemon that has had one answer only it is warned that it may be far from the true time.
            lambda said: said.code == 0 and said.has("2 asked: 2 ", "refuses management queries"),
        ),
        ntpjoin("undo takes all back", ("undo", "--yes"), "This host is as it was before."),
        Step(
            "the former time daemon runs again, and no ntpd",
            "server",
            ("sh", "-c", "systemctl is-active systemd-timesyncd; command -v ntpd || echo no ntpd"),
            lambda said: said.has("active", "no ntpd") and not said.has("inactive"),
        ),
    )


def words(lab: Lab, step: Step) -> list[str]:
    """The words that run a step; on the server on a terminal, where ntpjoin shows more."""
    if step.host == "server":
        return lab.server.ssh.argv(step.argv, tty=True)
    return lab.sandbox.argv(step.argv, host=step.host, tree=True)


def tidy(line: str) -> str:
    """A line as it stands in the end; a terminal gets it as it came."""
    return line if sys.stdout.isatty() else COLOUR.sub("", REDRAWN.sub("", line.replace("\r\n", "\n")))


def show(argv: Sequence[str]) -> Said:
    """Run a command, and print what it says while it says it."""
    seen, rest = b"", b""
    # A session of its own, so that Ctrl-C ends the demonstration and not the program shown; standard input stays open.
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    ) as process:
        assert process.stdout is not None
        try:
            while chunk := os.read(process.stdout.fileno(), 4096):
                seen, rest = seen + chunk, rest + chunk
                whole = len(rest) if sys.stdout.isatty() else rest.rfind(b"\n") + 1
                sys.stdout.write(tidy(rest[:whole].decode(errors="replace")))
                sys.stdout.flush()
                rest = rest[whole:]
            sys.stdout.write(tidy(rest.decode(errors="replace")))
        except BaseException:
            process.kill()
            raise
    return Said(process.returncode, COLOUR.sub("", seen.decode(errors="replace")))


def play(lab: Lab) -> list[str]:
    """All steps, one after the other; returns the claims that did not hold."""
    broken = []
    for step in steps(lab):
        print(f"\n{step.host}# {shlex.join(step.argv)}", flush=True)
        said = show(words(lab, step))
        if not step.holds(said):
            broken.append(step.claim)
            print(f"demo: this did not hold: {step.claim} (exit {said.code})", flush=True)
    return broken


def main() -> int:
    began = time.monotonic()
    try:
        with Lab() as lab:
            lab.boot_server(clock_offset=-7200).put(PYZ, PROGRAM)
            carried = lab.sandbox.outside(STATE / "ntpjoin")
            carried.write_bytes(PYZ.read_bytes())
            carried.chmod(0o755)
            broken = play(lab)
    except LabError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ndemo: interrupted; the lab is gone", file=sys.stderr)
        return 130
    took = time.monotonic() - began
    for claim in broken:
        print(f"demo: this did not hold: {claim}")
    if not broken:
        print(f"\ndemo: every step held; {took:.0f} s")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
