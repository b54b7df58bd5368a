"""The time daemon that runs: what it reads, and what it says of itself."""

from __future__ import annotations

import os
from typing import Optional

from ntpjoin.errors import WireError
from ntpjoin.facts import Daemon, Row, Unit
from ntpjoin.host import ntpd
from ntpjoin.host.machine import Host
from ntpjoin.model import Billboard

LOOPBACK = "127.0.0.1"


def look_daemon(host: Host, row: Row, unit: Unit) -> Optional[Daemon]:
    """The running ntpd, None where none runs. The unit's own process counts first: anybody may call a process of his ntpd."""
    running = sorted(ntpd.running(host, row.daemon), key=lambda process: process[0] != unit.pid)
    if not running:
        return None
    pid, words = running[0]
    board, heard = ask_daemon()
    return Daemon(pid, words, ntpd.config_of(words, row.config), board, heard, _age_s(host, pid))


def look_billboard() -> Billboard:
    """What the daemon says on the loopback address, over mode 6."""
    return ask_daemon()[0]


def ask_daemon() -> tuple[Billboard, int]:
    """The billboard, and how many addresses the daemon has heard of lately."""
    from ntpjoin.wire.control import ControlClient, billboard  # noqa: PLC0415 - sockets only where a daemon runs

    try:
        with ControlClient(LOOPBACK) as client:
            system, peers = billboard(client)
            heard = client.variables(0, ("mru_depth",)).get("mru_depth", "")
    except WireError:
        return Billboard(), 0
    return Billboard(system, peers), int(heard) if heard.isdigit() else 0


def _age_s(host: Host, pid: int) -> float:
    """How long a process has run, in seconds: clocks that nobody sets (proc(5), field 22 of stat)."""
    words = host.text(f"/proc/{pid}/stat").rpartition(")")[2].split()
    uptime = host.text("/proc/uptime").split()
    if len(words) < 20 or not uptime:
        return 0.0
    return float(uptime[0]) - int(words[19]) / os.sysconf("SC_CLK_TCK")
