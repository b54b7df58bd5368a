"""Fedora, and Red Hat Enterprise Linux with those built from its sources: dnf, or yum that leads to it."""

from __future__ import annotations

from dataclasses import replace

from ntpjoin.host.rows.rivals import RPM_RIVALS
from ntpjoin.systems import Match, Repository, Row

FEDORA = Row(
    # ntpsec.spec of Fedora (rawhide, f34 on) read.
    name="fedora",
    title="Fedora 34 and newer",
    match=Match(("fedora",), versions=tuple(range(34, 100))),
    manager="dnf",
    packages=("ntpsec",),
    engine="ntpsec",
    unit="ntpd.service",
    daemon="/usr/sbin/ntpd",
    config="/etc/ntp.conf",
    include="/etc/ntp.d/local.conf",
    snippets="/etc/ntp.d",
    # SELinux lets ntpd_t write only below /var/lib/ntp and to /var/log/ntp*.
    drift="/var/lib/ntp/ntp.drift",
    leapfile="/usr/share/zoneinfo/leap-seconds.list",
    leap_package="tzdata",
    stats="/var/log/ntpstats/",
    user="ntp",
    rivals=RPM_RIVALS,
    # No hook of dhclient or NetworkManager touches it.
    dhcp=(),
    dhcp_config="",
    former_config="",
    python="3.9 and newer",
    evidence="read",
)

EL = ("rhel", "centos", "almalinux", "rocky", "ol")

EL_9 = replace(
    # The same ntpsec.spec, built for EPEL 9; the base has chrony only.
    FEDORA,
    name="el-9",
    title="RHEL, CentOS Stream, AlmaLinux, Rocky Linux and Oracle Linux 9",
    match=Match(EL, versions=(9,)),
    python="3.9",
    evidence="modelled",
    repository=Repository(
        "EPEL",
        "epel-release",
        "add --enable-epel, and EPEL is enabled as part of the plan",
        "enable EPEL by hand: on Oracle Linux dnf install oracle-epel-release-elN, on RHEL dnf install "
        "https://dl.fedoraproject.org/pub/epel/epel-release-latest-N.noarch.rpm (N: its version); where EPEL is enabled, it has none",
    ),
)

EL_8 = replace(
    # Whether EPEL 8 has ntpsec was not seen; if not, that is seen when EPEL is enabled, and EPEL is taken back.
    EL_9,
    name="el-8",
    title="RHEL, CentOS Stream, AlmaLinux, Rocky Linux and Oracle Linux 8",
    match=Match(EL, versions=(8,)),
    python="3.6",
    evidence="read",
)

EL_10 = replace(
    # Whether EPEL 10 has ntpsec was not seen; if not, that is seen when EPEL is enabled, and EPEL is taken back.
    EL_9,
    name="el-10",
    title="RHEL, CentOS Stream, AlmaLinux, Rocky Linux and Oracle Linux 10",
    match=Match(EL, versions=(10,)),
    python="3.12",
    evidence="read",
)

ROWS = (EL_8, EL_9, EL_10, FEDORA)
