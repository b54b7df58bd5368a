"""Debian, Ubuntu, and those that take their packages: apt."""

from __future__ import annotations

from dataclasses import replace

from ntpjoin.host.rows.rivals import OPENNTPD, TIMESYNCD
from ntpjoin.systems import Match, Rival, Row, Setting

#: Every package that sets the clock on Debian, by `apt-cache showpkg time-daemon`, with its unit.
DEBIAN_RIVALS = (TIMESYNCD, Rival("chrony", "chrony.service"), OPENNTPD)

#: What AppArmor shall allow the daemon besides: its profile includes it, and fails without.
_ALLOWED = "/etc/apparmor.d/local/usr.sbin.ntpd"

DEBIAN_12 = Row(
    # ntpsec 1.2.2+dfsg1-1+deb12u1: package contents, maintainer scripts and AppArmor profile read, and run in a VM.
    name="debian-12",
    title="Debian 12 (bookworm)",
    match=Match(("debian", "linuxmint", "raspbian", "devuan"), ("bookworm", "daedalus")),
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
    rivals=DEBIAN_RIVALS,
    # The package's hooks for dhclient, NetworkManager and networkd write a configuration with the servers that DHCP named, and
    # the unit's wrapper and the init script pass that one while it is there, unless they are told not to.
    dhcp=(Setting("/etc/default/ntpsec", "IGNORE_DHCP", "yes"),),
    dhcp_config="/run/ntpsec/ntp.conf.dhcp",
    # preinst makes the first configuration from this one, where it is there.
    former_config="/etc/ntp.conf",
    # postinst copies a former package's keys, which nothing takes away; and what it makes for AppArmor, empty, a purge takes away
    # whatever its operator has written there.
    makes=("/etc/ntpsec/ntp.keys", _ALLOWED),
    python="3.11",
    evidence="run",
)

DEBIAN_13 = replace(
    # ntpsec 1.2.3+dfsg1-8: package contents read, and run in a VM. What is newer than trixie packs it alike, until seen otherwise.
    DEBIAN_12,
    name="debian-13",
    title="Debian 13 (trixie) and newer",
    match=Match(("debian", "raspbian", "devuan", "linuxmint"), ("trixie", "forky", "duke", "sid", "excalibur")),
    python="3.13",
)

DEBIAN_11 = replace(
    # ntp 1:4.2.8p15+dfsg-1: package contents, maintainer scripts, wrapper and AppArmor profile read, and run in a VM.
    DEBIAN_12,
    name="debian-11",
    title="Debian 11 (bullseye)",
    match=Match(("debian", "linuxmint", "raspbian", "devuan"), ("bullseye", "chimaera")),
    packages=("ntp",),
    engine="classic",
    unit="ntp.service",
    config="/etc/ntp.conf",
    # Classic ntpd reads what ours names; of /etc, the AppArmor profile allows /etc/ntp/** beside the configuration.
    include="/etc/ntp/local.conf",
    snippets="",
    drift="/var/lib/ntp/ntp.drift",
    stats="/var/log/ntpstats/",
    user="ntp",
    # There is no switch: wrapper and init script pass DHCP's configuration whenever it is there. But both read this file first, as
    # shell, so what it assigns is evaluated just before they look.
    dhcp=(Setting("/etc/default/ntp", "NTPJOIN_IGNORE_DHCP", "$(rm -f /run/ntp.conf.dhcp)"),),
    dhcp_config="/run/ntp.conf.dhcp",
    former_config="",
    makes=(_ALLOWED,),
    python="3.9",
)

UBUNTU_24_04 = replace(
    # ntpsec 1.2.2 of universe: package contents read; the same packaging as Debian 12.
    DEBIAN_12,
    name="ubuntu-24.04",
    title="Ubuntu 24.04 (noble)",
    match=Match(("ubuntu", "linuxmint", "pop"), ("noble", "oracular")),
    python="3.12",
    evidence="read",
)

UBUNTU_26_04 = replace(
    # ntpsec 1.2.3 of universe: package contents read; the same packaging as Debian 13. chrony is there from the start.
    UBUNTU_24_04,
    name="ubuntu-26.04",
    title="Ubuntu 25.04 to 26.04",
    match=Match(("ubuntu", "linuxmint", "pop"), ("plucky", "questing", "resolute")),
    python="3.14",
)

UBUNTU_22_04 = replace(
    # ntp 1:4.2.8p15 of universe: package contents read; the same packaging as Debian 11.
    DEBIAN_11,
    name="ubuntu-22.04",
    title="Ubuntu 22.04 (jammy)",
    match=Match(("ubuntu", "linuxmint", "pop"), ("jammy",)),
    python="3.10",
    evidence="read",
)

UBUNTU_20_04 = replace(
    # ntp 1:4.2.8p12 of universe: package contents read; the same packaging as Debian 11.
    UBUNTU_22_04,
    name="ubuntu-20.04",
    title="Ubuntu 20.04 (focal)",
    match=Match(("ubuntu", "linuxmint", "pop"), ("focal",)),
    python="3.8",
)

ROWS = (DEBIAN_12, DEBIAN_13, DEBIAN_11, UBUNTU_20_04, UBUNTU_22_04, UBUNTU_24_04, UBUNTU_26_04)
