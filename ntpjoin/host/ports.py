"""Who holds a port: the kernel's socket tables (proc(5), /proc/net/udp and the like) matched with the open files of processes."""

from __future__ import annotations

import ipaddress
import re
import struct
from collections.abc import Sequence
from typing import Literal, Optional

from ntpjoin.facts import Holder
from ntpjoin.host.machine import Host
from ntpjoin.host.reading import Process, processes, unit_of

#: Who may hold it; looked at first, for then nobody else needs to be.
_LIKELY = ("ntpd", "chronyd", "systemd-timesyncd")


#: States of sockets (linux/tcp_states.h): one that listens, over TCP.
_LISTENS = "0A"


def holders(
    host: Host, port: int, running: Optional[Sequence[Process]] = None, *, transport: Literal["udp", "tcp"] = "udp"
) -> Optional[tuple[Holder, ...]]:
    """The processes that hold this port, over TCP listen on it, one per address; None where it cannot be seen without root.

    `running` are all processes, where they were looked at just now.
    """
    sockets: dict[str, str] = {}
    for table in (f"/proc/net/{transport}", f"/proc/net/{transport}6"):
        sockets.update(_sockets(host.text(table), port, _LISTENS if transport == "tcp" else ""))
    if not sockets:
        return ()
    if not host.is_root():
        return None
    found = []
    for pid, words in sorted(running or processes(host), key=lambda process: program_of(process[1][0]) not in _LIKELY):
        if not sockets:
            break
        links = {host.link_target(f"/proc/{pid}/fd/{name}") for name in host.names(f"/proc/{pid}/fd")}
        held = [inode for inode in sockets if f"socket:[{inode}]" in links]
        unit = unit_of(host, pid) if held else ""
        found += [Holder(pid, program_of(words[0]), sockets.pop(inode), unit) for inode in held]
    return tuple(found)


def program_of(word: str) -> str:
    """The name of a program by its first word, which may be a title that it gave itself: 'ntpd: ntp engine'."""
    return word.partition(":")[0].rpartition("/")[2]


def _sockets(table: str, port: int, state: str) -> dict[str, str]:
    """Inode and local address of each socket on that port, in this state if one is named."""
    found = {}
    for line in table.splitlines()[1:]:
        words = line.split()
        address, _, number = words[1].partition(":")
        if int(number, 16) == port and state in ("", words[3]):
            found[words[9]] = _address(address)
    return found


def _address(text: str) -> str:
    """The kernel prints an address as 32-bit words in its own byte order."""
    words = [int(word, 16) for word in re.findall("[0-9A-F]{8}", text)]
    raw = b"".join(struct.pack("=I", word) for word in words)
    return str(ipaddress.ip_address(raw))
