"""What the server with package managers of other formats says to be, and what runs there from the start."""

from __future__ import annotations

from dataclasses import dataclass

from tests.lab import Server


@dataclass(frozen=True)
class Guise:
    """An os-release, the units that run and start at boot, and those that do not."""

    os_release: str
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

_CHRONY = {"on": ("chronyd", "firewalld"), "off": ("systemd-timesyncd",)}
GUISES: dict[str, Guise] = {
    "el-9": Guise(EL_9, **_CHRONY),
    "leap-15": Guise(LEAP_15, **_CHRONY),
    "arch": Guise(ARCH, on=("systemd-timesyncd",), off=("chronyd", "firewalld")),
    "devuan-5": Guise(DEVUAN_5),
}


def put_on(server: Server, name: str) -> None:
    """Let the server be that system."""
    guise = GUISES[name]
    server.run(["tee", "/usr/lib/os-release"], input=guise.os_release, check=True)
    for unit in guise.off:
        server.run(["systemctl", "disable", "--now", unit], check=True, timeout=30 * server.slowness)
    for unit in guise.on:
        server.run(["systemctl", "enable", "--now", unit], check=True, timeout=30 * server.slowness)
