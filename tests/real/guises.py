"""What the server with package managers of other formats says to be, and what runs there from the start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.lab import Server


@dataclass(frozen=True)
class Guise:
    """An os-release, the units that run and start at boot, those that do not, and files that are there from the start."""

    os_release: str
    files: Mapping[str, str] = field(default_factory=dict)
    on: tuple[str, ...] = ()
    off: tuple[str, ...] = ()


EL_9 = """\
NAME="AlmaLinux"
VERSION="9.4 (Seafoam Ocelot)"
ID="almalinux"
ID_LIKE="rhel centos fedora"
VERSION_ID="9.4"
PLATFORM_ID="platform:el9"
PRETTY_NAME="AlmaLinux 9.4 (Seafoam Ocelot)"
"""
LEAP_15 = """\
NAME="openSUSE Leap"
VERSION="15.6"
ID="opensuse-leap"
ID_LIKE="suse opensuse"
VERSION_ID="15.6"
PRETTY_NAME="openSUSE Leap 15.6"
"""
ARCH = """\
NAME="Arch Linux"
PRETTY_NAME="Arch Linux"
ID=arch
BUILD_ID=rolling
"""
DEVUAN_5 = """\
PRETTY_NAME="Devuan GNU/Linux 5 (daedalus)"
NAME="Devuan GNU/Linux"
VERSION_ID="5"
VERSION="5 (daedalus)"
VERSION_CODENAME="daedalus"
ID=devuan
ID_LIKE=debian
"""

_RPM = (("chronyd", "firewalld"), ("systemd-timesyncd",))
_NETCONFIG = {"/etc/sysconfig/network/config": 'NETCONFIG_NTP_POLICY="auto"\nNETCONFIG_NTP_STATIC_SERVERS=""\n'}
GUISES: dict[str, Guise] = {
    "el-9": Guise(EL_9, {}, *_RPM),
    "leap-15": Guise(LEAP_15, _NETCONFIG, *_RPM),
    "arch": Guise(ARCH, {}, ("systemd-timesyncd",), ("chronyd", "firewalld")),
    "devuan-5": Guise(DEVUAN_5),
}


def put_on(server: Server, name: str) -> None:
    """Let the server be that system, as it is when it has booted."""
    guise = GUISES[name]
    server.run(["tee", "/usr/lib/os-release"], input=guise.os_release, check=True)
    for path, text in guise.files.items():
        server.run(["install", "-D", "-m", "644", "/dev/stdin", path], input=text, check=True)
    for unit in guise.off:
        server.run(["systemctl", "disable", "--now", unit], check=True, timeout=30 * server.slowness)
    for unit in guise.on:
        server.run(["systemctl", "enable", "--now", unit], check=True, timeout=30 * server.slowness)
    server.reboot()
