"""Arch Linux and what follows it: pacman."""

from __future__ import annotations

from ntpjoin.host.rows.rivals import BUILT_IN_TIMESYNCD, CHRONY, OPENNTPD
from ntpjoin.systems import Match, Row

ARCH = Row(
    # ntp 4.2.8p18 of extra: PKGBUILD read.
    name="arch",
    title="Arch Linux, Manjaro and EndeavourOS",
    match=Match(("arch", "manjaro", "manjaro-arm", "endeavouros")),
    manager="pacman",
    packages=("ntp",),
    engine="classic",
    unit="ntpd.service",
    daemon="/usr/bin/ntpd",
    config="/etc/ntp.conf",
    include="/etc/ntp/local.conf",
    snippets="",
    drift="/var/lib/ntp/ntp.drift",
    leapfile="/usr/share/zoneinfo/leap-seconds.list",
    leap_package="tzdata",
    stats="/var/lib/ntp/",
    user="ntp",
    rivals=(BUILT_IN_TIMESYNCD, CHRONY, OPENNTPD),
    dhcp=(),
    dhcp_config="",
    former_config="",
    python="rolling",
    evidence="modelled",
)

ROWS = (ARCH,)
