"""openSUSE and SUSE Linux Enterprise: zypper."""

from __future__ import annotations

from dataclasses import replace

from ntpjoin.host.rows.rivals import RPM_RIVALS
from ntpjoin.systems import Match, Repository, Row, Setting

#: /var/run/ntp may be a link to the disk, where what lies there survives a reboot.
_SERVERS = "/run/ntp/servers-netconfig /var/lib/ntp/var/run/ntp/servers-netconfig"

LEAP = Row(
    # ntp.spec and start-ntpd of openSUSE (SLE-15-SP6) read: classic 4.2.8p17.
    name="opensuse-leap-15",
    title="openSUSE Leap 15",
    match=Match(("opensuse-leap",), versions=(15,)),
    manager="zypper",
    packages=("ntp",),
    engine="classic",
    unit="ntpd.service",
    daemon="/usr/sbin/ntpd",
    config="/etc/ntp.conf",
    # AppArmor's profile lets it read nothing below /etc but ntp.conf and ntp.keys.
    include="/var/lib/ntp/etc/local.conf",
    snippets="",
    drift="/var/lib/ntp/drift/ntp.drift",
    leapfile="/usr/share/zoneinfo/leap-seconds.list",
    leap_package="timezone",
    stats="/var/log/ntpstats/",
    user="ntp",
    rivals=RPM_RIVALS,
    # netconfig hands DHCP's servers to start-ntpd, which adds them to the running daemon: an empty policy stops that. What it has
    # left would be added again at each start; start-ntpd reads this other file just before it looks.
    dhcp=(
        Setting("/etc/sysconfig/network/config", "NETCONFIG_NTP_POLICY", ""),
        Setting("/etc/sysconfig/ntp", "NTPJOIN_IGNORE_DHCP", f"$(rm -f {_SERVERS})"),
    ),
    # The package's scripts make a key, and write these lines into any configuration that lacks them, at every update, when they also
    # give it this owner.
    config_owner="root:ntp",
    config_mode=0o640,
    makes=("/etc/ntp.keys", "/etc/sysconfig/ntp"),
    lines=("keys /etc/ntp.keys", "trustedkey 1", "requestkey 1", "controlkey 1"),
    dhcp_config="",
    former_config="",
    python="3.6",
    evidence="modelled",
)

TUMBLEWEED = replace(
    LEAP,
    name="opensuse-tumbleweed",
    title="openSUSE Tumbleweed",
    match=Match(("opensuse-tumbleweed",)),
    python="3.13",
    evidence="read",
)

SLES_15 = replace(
    LEAP,
    name="sles-15",
    title="SUSE Linux Enterprise Server 15",
    match=Match(("sles", "sles_sap"), versions=(15,)),
    evidence="read",
    repository=Repository(
        "the Legacy Module",
        "",
        "enable it: SUSEConnect -p sle-module-legacy/VERSION/ARCHITECTURE; SUSEConnect -l lists it",
    ),
)

ROWS = (LEAP, TUMBLEWEED, SLES_15)
