"""The time daemon that runs: what it reads, whom it follows, who asks it."""

from __future__ import annotations

import os
from typing import Optional

from ntpjoin.errors import WireError
from ntpjoin.facts import Daemon, Row
from ntpjoin.host import ntpd
from ntpjoin.host.machine import Host

LOOPBACK = "127.0.0.1"


def look_daemon(host: Host, row: Row) -> Optional[Daemon]:
    """The running ntpd, None where none runs."""
    running = ntpd.running(host, row.daemon)
    if not running:
        return None
    pid, words = running[0]
    peers, silent, clients = _ask()
    return Daemon(pid, words, ntpd.config_of(words, row.config), peers, silent, clients, _age_s(host, pid))


def _ask() -> tuple[Optional[tuple[str, ...]], tuple[str, ...], int]:
    """Its peers' addresses over mode 6, the silent ones among them, and about how many others have asked it lately."""
    from ntpjoin.wire.control import ControlClient, billboard  # noqa: PLC0415 - sockets only where a daemon runs

    try:
        with ControlClient(LOOPBACK) as client:
            system, peers = billboard(client)
            seen = int(client.variables(0, ("mru_depth",)).get("mru_depth", "0") or 0)
    except (WireError, ValueError):
        return None, (), 0
    addresses = tuple(peer.address for peer in peers)
    # A reach of 0 says something only when the daemon has had the time to poll everybody.
    silent = tuple(peer.address for peer in peers if peer.reach == 0) if system.peer_associd else ()
    return addresses, silent, max(0, seen - len(peers) - 1)


def _age_s(host: Host, pid: int) -> float:
    """How long a process has run, in seconds: clocks that nobody sets (proc(5), field 22 of stat)."""
    words = host.text(f"/proc/{pid}/stat").rpartition(")")[2].split()
    uptime = host.text("/proc/uptime").split()
    if len(words) < 20 or not uptime:
        return 0.0
    return float(uptime[0]) - int(words[19]) / os.sysconf("SC_CLK_TCK")
