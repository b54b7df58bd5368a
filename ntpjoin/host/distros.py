"""The table of supported systems: one row each, with its source. What differs between distributions stands here and only here.

A row is found by the *raw* ID of os-release and the codename of the base (see `find`), never by a name that somebody rewrote.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Optional

from ntpjoin.facts import Rival, Row, Setting

#: Every package that sets the clock on Debian, by `apt-cache showpkg time-daemon`, with its unit.
_DEBIAN_RIVALS = (
    Rival("systemd-timesyncd", "systemd-timesyncd.service"),
    Rival("chrony", "chrony.service"),
    Rival("openntpd", "openntpd.service"),
)

ROWS: tuple[Row, ...] = (
    Row(
        # ntpsec 1.2.2+dfsg1-1+deb12u1: package contents, maintainer scripts and AppArmor profile read, and run in a VM.
        name="debian-12",
        title="Debian 12 (bookworm)",
        ids=("debian",),
        codenames=("bookworm",),
        manager="apt",
        packages=("ntpsec",),
        engine="ntpsec",
        # The unit's own name: its aliases ntp and ntpd cannot be enabled.
        unit="ntpsec.service",
        daemon="/usr/sbin/ntpd",
        # The wrapper passes `-c` with this path; the AppArmor profile allows no other name.
        config="/etc/ntpsec/ntp.conf",
        # NTPsec reads every *.conf in ntp.d beside its configuration by itself.
        include="/etc/ntpsec/ntp.d/local.conf",
        snippets="/etc/ntpsec/ntp.d",
        drift="/var/lib/ntpsec/ntp.drift",
        leapfile="/usr/share/zoneinfo/leap-seconds.list",
        leap_package="tzdata",
        # Statistics are off, yet the daemon complains when the default, /var/log/ntpsec, is not there, and the package does not
        # make it; this one is there, and the daemon's user owns it.
        stats="/var/lib/ntpsec/",
        user="ntpsec",
        rivals=_DEBIAN_RIVALS,
        # The package's hooks for dhclient, NetworkManager and networkd write a configuration with the servers that DHCP named, and
        # the unit's wrapper passes that one while it is there, unless it is told not to.
        dhcp=Setting("/etc/default/ntpsec", "IGNORE_DHCP", "yes"),
        dhcp_config="/run/ntpsec/ntp.conf.dhcp",
        # preinst makes the first configuration from this one, where it is there.
        former_config="/etc/ntp.conf",
    ),
)


def find(os_release: Mapping[str, str]) -> Optional[Row]:
    """The row for an os-release(5) file; None where the system is not supported.

    A derivative carries the codename of its base in UBUNTU_CODENAME or DEBIAN_CODENAME.
    """
    codename = codename_of(os_release)
    for row in ROWS:
        if os_release.get("ID", "") in row.ids and codename in row.codenames:
            return row
    return None


def codename_of(os_release: Mapping[str, str]) -> str:
    """The codename of the base distribution, '' where os-release names none."""
    for key in ("UBUNTU_CODENAME", "DEBIAN_CODENAME", "VERSION_CODENAME"):
        if os_release.get(key):
            return os_release[key]
    return ""
