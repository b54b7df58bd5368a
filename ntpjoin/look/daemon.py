"""The time daemon that runs: what it reads, and what it says of itself."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Optional

from ntpjoin.board import Billboard
from ntpjoin.errors import WireError
from ntpjoin.facts import Daemon, Unit
from ntpjoin.host import ntpd
from ntpjoin.host.machine import Host
from ntpjoin.host.reading import Process

#: A daemon that was told to leave out IPv4 hears the second only.
LOOPBACK = ("127.0.0.1", "::1")


def look_daemon(
    host: Host,
    program: str,
    config: str,
    unit: Unit,
    minsane: Optional[int],
    *,
    running: Optional[Sequence[Process]] = None,
) -> Optional[Daemon]:
    """The running ntpd, None where none runs; `config` is what it reads unless its command line names another file.

    `minsane` is what that configuration says of it; `running` are all processes, where they were looked at just now. The unit's own
    process counts first: anybody may call a process of his ntpd.
    """
    found = sorted(ntpd.running(host, program, running), key=lambda process: process[0] != unit.pid)
    if not found:
        return None
    pid, words = found[0]
    reads = ntpd.config_of(words, config)
    board = look_billboard(minsane if reads == config else None)
    return Daemon(pid, words, reads, board, _age_s(host, pid))


def look_billboard(minsane: Optional[int] = None) -> Billboard:
    """What the daemon says on a loopback address, over mode 6; empty where it says nothing on any."""
    told = next(filter(None, map(_told_at, LOOPBACK)), None)
    return replace(told, minsane=minsane) if told else Billboard()


def _told_at(address: str) -> Optional[Billboard]:
    from ntpjoin.wire.board import billboard  # noqa: PLC0415 - sockets only where a daemon runs
    from ntpjoin.wire.control import ControlClient  # noqa: PLC0415

    try:
        with ControlClient(address) as client:
            return billboard(client)
    except WireError:
        return None


def _age_s(host: Host, pid: int) -> float:
    """How long a process has run, in seconds: by a clock that nobody sets, from the kernel's boot on (proc(5), field 22 of stat).

    /proc/uptime may be that of a container, which began later (lxcfs).
    """
    words = host.text(f"/proc/{pid}/stat").rpartition(")")[2].split()
    if len(words) < 20:
        return 0.0
    return time.clock_gettime(time.CLOCK_BOOTTIME) - int(words[19]) / os.sysconf("SC_CLK_TCK")
