"""The time since this host was started: a clock that nobody sets, by which caches keep their age."""

from __future__ import annotations

import time

from ntpjoin.host.machine import Host


def boot_id(host: Host) -> str:
    """Which start it was; '' where the kernel does not tell."""
    return host.text("/proc/sys/kernel/random/boot_id").strip()


def since_boot_s() -> float:
    """Seconds since then, those suspended too."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
