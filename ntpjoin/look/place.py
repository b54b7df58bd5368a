"""What this host's own settings tell of where it stands: its time zone, and the table that lies beside the zones."""

from __future__ import annotations

import posixpath
import re

from ntpjoin.facts import Zone
from ntpjoin.host.machine import Host
from ntpjoin.host.reading import environment

_FOLDER = "/usr/share/zoneinfo"

#: Names of zones as the tz database has them (theory.html there); nothing else becomes a part of a message.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*")


def look_place(host: Host) -> Zone:
    """Read the name of the zone, the table and the links; '' for each that is not there."""
    # zone.tab gives every country zones of its own; zone1970.tab has Oslo and Stockholm within Europe/Berlin.
    table = host.text(f"{_FOLDER}/zone.tab") or host.text(f"{_FOLDER}/zone1970.tab")
    return Zone(_zone(host), table, host.text(f"{_FOLDER}/tzdata.zi"))


def _zone(host: Host) -> str:
    """The zone: what the C library uses comes first, then where older systems note it."""
    link = host.link_target("/etc/localtime")
    target = posixpath.normpath(posixpath.join("/etc", link)) if link else ""
    noted = host.text("/etc/timezone").strip()
    clock = environment(host.text("/etc/sysconfig/clock"))
    found = (_below_the_zones(target), noted, clock.get("TIMEZONE", ""))
    return next((name for name in found if _NAME.fullmatch(name)), "")


def _below_the_zones(path: str) -> str:
    """The zone whose file this is; posix/ and right/ are the same zones without and with leap seconds."""
    head, _, name = path.partition("/zoneinfo/")
    return re.sub(r"^(posix|right)/", "", name) if head else ""
