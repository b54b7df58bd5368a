"""What this host is, as far as it concerns a time server; also on systems that are not in the table, and without root."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Optional

from ntpjoin.facts import JOURNAL_UNSEEN, Daemon, Facts, Unit
from ntpjoin.host import ntpd
from ntpjoin.host.machine import Host
from ntpjoin.host.services.manager import services
from ntpjoin.look.daemon import look_daemon
from ntpjoin.look.look import look
from ntpjoin.records import dataclass
from ntpjoin.systems import Engine, Rival, Row

#: Package managers by the program that stands for them; the first that is there counts, for yum and apt-get live on as others' names.
_MANAGERS = (
    ("apt-get", "apt"),
    ("dnf", "dnf"),
    ("yum", "yum"),
    ("zypper", "zypper"),
    ("pacman", "pacman"),
    ("apk", "apk"),
)

#: What distributions call the unit of ntpd, and those of others that set the clock; asked for where no row tells.
_UNITS = ("ntpsec.service", "ntp.service", "ntpd.service")
_RIVALS = ("systemd-timesyncd.service", "chrony.service", "chronyd.service", "openntpd.service")


@dataclass(frozen=True)
class Detection:
    """The facts, and what is told of a host beside them.

    `rivals` has other time daemons that are there, each with its package ('' where no row tells) and unit. `engine` and `version`
    are the installed ntpd's own word, None and '' where there is none. `virtualisation` is systemd's word, 'none' on bare metal,
    '' where it is not known. `unknown` says in words what could not be seen, and why.
    """

    facts: Facts
    manager: str
    virtualisation: str
    unit: Unit
    daemon: Optional[Daemon]
    engine: Optional[Engine]
    version: str
    rivals: tuple[tuple[Rival, Unit], ...]
    unknown: tuple[str, ...]


def detect(host: Host) -> Detection:
    """Look, whatever this host is."""
    facts = look(host)
    # Looking asks for the container only where the clock may not be set.
    container = _virtualisation(host, "--container")
    facts = replace(facts, system=replace(facts.system, container="" if container == "none" else container))
    row = facts.system.row
    names = row.rivals if row else tuple(Rival("", unit) for unit in _RIVALS)
    own = (row.unit,) if row else _UNITS
    asked = (*own, *(rival.unit for rival in names))
    units = services(host).show(host, asked) if facts.system.init else {}
    unit = next((units[name] for name in own if name in units and units[name].exists), Unit(own[0]))
    program = row.daemon if row else host.which("ntpd") or "/usr/sbin/ntpd"
    engine, version = ntpd.version(host, program)
    virtualisation = _virtualisation(host, "--vm")
    there = ((rival, units.get(rival.unit, Unit(rival.unit))) for rival in names)
    return Detection(
        facts=facts,
        manager=row.manager if row else next((name for word, name in _MANAGERS if host.which(word)), ""),
        virtualisation=virtualisation,
        unit=unit,
        daemon=facts.daemon if row else look_daemon(host, program, "", unit, None),
        engine=engine,
        version=version,
        rivals=tuple(
            (rival, unit) for rival, unit in there if unit.exists or rival.package in facts.packages.installed
        ),
        unknown=tuple(_unknown(host, facts, row, virtualisation)),
    )


def _virtualisation(host: Host, kind: str) -> str:
    return host.run(["systemd-detect-virt", kind], check=False).out.strip()


def _unknown(host: Host, facts: Facts, row: Optional[Row], virtualisation: str) -> Iterator[str]:
    if facts.holders is None:
        yield "who holds UDP 123 can only be seen by root"
    if facts.firewall.manager == "unknown":
        yield f"the firewall: {facts.firewall.problem}"
    if facts.journal.unseen:
        yield JOURNAL_UNSEEN
    if facts.journal.problem:
        yield facts.journal.problem
    yield from (f"{path} may not be read" for path, file in facts.files.items() if file and file.unseen)
    if row is None:
        yield "which packages and files make a time server here: this system is in no row of the table"
    if host.which("ip") is None:
        yield "the addresses of this host: ip is not installed"
    if not virtualisation:
        yield "whether this is a virtual machine: systemd-detect-virt is not installed"
