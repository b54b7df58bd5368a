"""Reading what the kernel and others write: processes, and files of KEY=value lines."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator

from ntpjoin.host.machine import Host


def processes(host: Host) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Every process of this machine that has a command line: its id and words."""
    for name in host.names("/proc"):
        if name.isdigit():
            words = host.read(f"/proc/{name}/cmdline")
            if words:
                yield int(name), tuple(word.decode(errors="replace") for word in words.rstrip(b"\0").split(b"\0"))


def environment(text: str) -> dict[str, str]:
    """A file of KEY=value lines as systemd and shells write them (os-release(5)): quotes taken off, comments left out."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        key, sign, value = line.strip().partition("=")
        if sign and key.isidentifier():
            with contextlib.suppress(ValueError):
                words = shlex.split(value, comments=True)
                found[key] = words[0] if words else ""
    return found
