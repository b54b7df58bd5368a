"""What an operator does with ntpjoin on the lab's server, and what the world sees of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from tests.lab import Lab, Result, Server
from tests.lab.hosts import HOSTS, SERVER4, SERVER6
from tests.lab.snapshot import Snapshot
from tests.lab.upstreams import SNTP

PYZ = Path(__file__).parents[2] / "dist" / "ntpjoin.pyz"
PROGRAM = "/usr/local/bin/ntpjoin"
NAMES = ("ntp1.alpha", "ntp2.bravo", "ntp3.charlie", "ntp4.delta", "ntp5.echo")
UPSTREAMS = [word for name in NAMES for word in ("--upstream", f"{name}.example")]
#: The lab's addresses are documentation ranges, and its clock is two hours behind with nobody looking on.
WISH = ["--allow-private", *UPSTREAMS]
UNATTENDED = ["--yes", "--allow-step"]

#: On the server, part of each checkpoint: how far its clock was off.
OFFSET = "/run/offset"

#: Time servers of the lab, which have the same time; the quickest of all the answers counts.
SETTERS = tuple(str(HOSTS[name].ipv4) for name in ("alpha", "bravo", "charlie", "delta", "foxtrot")) * 4

#: Longer than any test; the next rollback ends what was started for so long.
FOR_EVER = "9999"

#: Holds the locks that apt and dpkg hold, for so many seconds.
LOCKER = """
import fcntl, sys, time
file = open("/var/lib/dpkg/lock-frontend", "w")
fcntl.lockf(file, fcntl.LOCK_EX)
time.sleep(float(sys.argv[1]))
"""

#: What undo does not bring back under /etc, each with its cause. The first three are dpkg's and adduser's own doing.
CAUSES = {
    r"etc: /etc/(passwd|group|shadow|gshadow)-: ": "adduser and deluser keep a copy of the file before their last change",
    r"etc: /etc/apparmor.d/disable: folder .* -> absent": "ntpsec's postrm removes this folder when it is empty",
    r"etc: /etc/firewalld/zones/\w+\.xml(\.old)?: ": "firewalld keeps the file of a zone that was changed; its rules are compared",
    r"etc: /etc/\.pwd\.lock: ": "made by the first program that locks the user database",
}

#: The same where packages of other formats were installed.
FOREIGN_CAUSES = {
    **CAUSES,
    r"etc: /etc/(passwd|group|shadow|gshadow|subuid|subgid)-?: ": "RPMs and pacman's packages leave their users behind",
    r"etc: /etc/ld\.so\.cache: ": "ldconfig writes it anew",
}

#: The same where init scripts are linked by insserv.
SCRIPT_CAUSES = {
    **CAUSES,
    r"etc: /etc/init\.d/\.depend\.(boot|start|stop): ": "insserv works out the order of all scripts anew",
    r"etc: /etc/adjtime: ": "hwclock writes it when the machine goes down",
}


def carry(server: Server) -> None:
    """Put the one file on the server, as an operator would."""
    server.put(PYZ, PROGRAM, mode=0o755)


def ntpjoin(server: Server, *words: str, timeout: float = 60, **options: Any) -> Result:
    """Run ntpjoin on the server; the time limit is for a machine that is not emulated."""
    return server.run([PROGRAM, *words], timeout=timeout * server.slowness, **options)


def background(server: Server, *argv: str) -> None:
    """Start a program on the server that outlives the command."""
    server.run(["sh", "-c", 'setsid "$@" >/dev/null 2>&1 </dev/null &', "sh", *argv], check=True)


def set_up(server: Server, *words: str) -> Result:
    """The unattended set-up with the lab's five upstreams."""
    return ntpjoin(server, "setup", *UNATTENDED, *WISH, *words, timeout=90)


def checkpoint(server: Server, name: str) -> None:
    """Keep the server as it is now, for `rollback`; a running daemon is held still meanwhile."""
    server.run(["pkill", "-STOP", "-x", "ntpd"])
    server.run(["tee", OFFSET], input=str(behind_s(server)), check=True)
    server.checkpoint(name)
    server.run(["pkill", "-CONT", "-x", "ntpd"])


def rollback(server: Server, name: str) -> None:
    """Go back to a checkpoint without a daemon that runs there noticing: before it goes on, the clock is told the time that
    has passed, right to half a millisecond. Where it ran meanwhile, or the clock were some milliseconds off, it would take
    samples unlike those that it has, believe both for minutes, and call every second source a falseticker.
    Where none runs the clock stays as it was.
    """
    server.rollback(name)
    if server.run(["pgrep", "-x", "ntpd"]).code == 0:
        set_behind(server, float(server.run(["cat", OFFSET], check=True).out))
        server.run(["pkill", "-CONT", "-x", "ntpd"])


def behind_s(server: Server, *words: str) -> float:
    """By how many seconds the server's clock is behind, by the quickest of several answers."""
    asked = server.run(["python3", "-", *words, "5", *SETTERS], input=SNTP.read_text(), check=True)
    told = json.loads(asked.out)
    return float(min(told.values(), key=lambda one: one["delay"])["offset"])


def set_behind(server: Server, seconds: float) -> None:
    """Set the server's clock so far behind the right time."""
    behind_s(server, "--behind", str(seconds))


def page(result: Result) -> dict[str, Any]:
    """The one JSON object on stdout."""
    found = json.loads(result.out)
    assert isinstance(found, dict)
    return found


def entries(server: Server) -> list[dict[str, Any]]:
    """The journal's entries, oldest first, read as root from the disk."""
    listing = "glob.glob('/var/lib/ntpjoin/runs/*/[0-9]*.json')"
    script = f"import glob,json;print(json.dumps([json.load(open(path)) for path in sorted({listing})]))"
    found = json.loads(server.run(["python3", "-c", script], check=True).out)
    assert isinstance(found, list)
    return found


def unexplained(before: Snapshot, after: Snapshot, causes: Mapping[str, str] = CAUSES) -> list[str]:
    """The differences between two snapshots that have no listed cause."""
    return [line for line in before.diff(after) if not any(re.match(cause, line) for cause in causes)]


def answers(lab: Lab, address: str) -> bool:
    """Whether ntpdig, from another host, gets the time there; a silence counts only beside a server that answers."""
    said = lab.client.run(["ntpdig", address], timeout=60)
    control = lab.client.run(["ntpdig", "192.0.2.11"], timeout=60)
    assert "no-leap" in control.out, control.out + control.err
    return "no-leap" in said.out


def outside_view(lab: Lab) -> dict[str, str]:
    """What NTP clients and ntpq, written by others, see of the server from another host, per address.

    In an order that leaves more than ten seconds between two clients at one address: all share one source address, and classic
    ntpd tells who comes again within two seconds to go away.
    """
    seen = {}
    for address in (SERVER4, SERVER6):
        chrony = lab.client.run(
            ["chronyd", "-Q", "-t", "30", "-f", "/dev/null", f"server {address} iburst"], timeout=60
        )
        seen[f"chronyd {address}"] = chrony.out + chrony.err
    for address in (SERVER4, SERVER6):
        asked = lab.client.run(["ntpq", "-c", "rv", address], timeout=60)
        seen[f"ntpq {address}"] = asked.out + asked.err
    for address in (SERVER4, SERVER6):
        digged = lab.client.run(["ntpdig", address], timeout=60)
        seen[f"ntpdig {address}"] = digged.out + digged.err
    control = lab.client.run(["ntpq", "-c", "rv", "open.example"], timeout=60)
    return {**seen, "ntpq control": control.out + control.err}


def accepts(seen: dict[str, str], address: str) -> tuple[float, float, int]:
    """Offsets in seconds by chronyd and by ntpdig, and the stratum; fails where one of them does not accept the server."""
    chrony = re.search(r"System clock wrong by (-?[\d.]+) seconds", seen[f"chronyd {address}"])
    digged = re.search(r"([+-][\d.]+) \+/- [\d.]+ \S+ s(\d+) no-leap", seen[f"ntpdig {address}"])
    assert chrony, seen
    assert digged, seen
    return float(chrony[1]), float(digged[1]), int(digged[2])


def wait_until_close(lab: Lab, offset_s: float = 0.050) -> float:
    """Wait until the server's time is that close, as ntpdig sees it; returns the seconds that took.

    A machine boots with what its hardware clock says, right to half a second at best. What is off by more than 128 ms ntpd
    steps at once; what is less it slews, with a time constant of 256 s.
    """
    began = monotonic()
    while monotonic() - began < 400:
        digged = re.search(r"([+-][\d.]+) \+/- ", lab.client.run(["ntpdig", SERVER4], timeout=60).out)
        if digged and abs(float(digged[1])) < offset_s:
            return monotonic() - began
        sleep(10)  # classic ntpd wants eight seconds between two questions on average
    raise AssertionError(f"not within {offset_s} s after 400 s")
