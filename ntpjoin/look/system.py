"""Which operating system this is, and whether it can run a time daemon."""

from __future__ import annotations

import re

from ntpjoin.facts import System
from ntpjoin.host import distros
from ntpjoin.host.machine import Host
from ntpjoin.host.reading import environment
from ntpjoin.host.services.manager import init

#: Bit number of CAP_SYS_TIME (capabilities(7), linux/capability.h).
_CAP_SYS_TIME = 25


def look_system(host: Host) -> System:
    """Read os-release, and ask the init and the kernel what this machine may do."""
    # The raw file, for distro rewrites some ids and takes a derivative's own codename.
    raw = environment(host.text("/etc/os-release") or host.text("/usr/lib/os-release"))
    may_set_clock = _may_set_clock(host)
    booted = init(host)
    row = distros.find(raw)
    return System(
        id=raw.get("ID", ""),
        version=raw.get("VERSION_ID", ""),
        codename=distros.codename_of(raw),
        title=raw.get("PRETTY_NAME") or _name(host) or "an unknown system",
        row=distros.with_init(row, booted) if row else None,
        refusal=None if row else distros.refusal(raw),
        init=booted,
        container="" if may_set_clock else _container(host),
        may_set_clock=may_set_clock,
        root=host.is_root(),
    )


def _name(host: Host) -> str:
    """The name of a system whose os-release does not tell it: `distro` knows the files of older ones."""
    import distro  # noqa: PLC0415 - costs as much as starting Python

    return distro.LinuxDistribution(include_lsb=False, include_uname=False, root_dir=str(host.root)).name(pretty=True)


def _container(host: Host) -> str:
    """The kind of container, '' on a machine of its own; asked where it is the reason why the clock may not be set."""
    said = host.run(["systemd-detect-virt", "--container"], check=False)
    return said.out.strip() if said.code == 0 else ""


def _may_set_clock(host: Host) -> bool:
    """Whether this machine's root may set the clock: CAP_SYS_TIME in the bounding set of process 1."""
    found = re.search(r"^CapBnd:\s*([0-9a-f]+)", host.text("/proc/1/status"), re.MULTILINE)
    return found is None or bool(int(found[1], 16) >> _CAP_SYS_TIME & 1)
