"""All of Facts at once, or one part of it again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Callable, Optional

from ntpjoin.facts import Facts, PackageFacts, Row, Unit
from ntpjoin.host import ports, systemd
from ntpjoin.host.machine import Host
from ntpjoin.look.daemon import look_daemon
from ntpjoin.look.files import leapfile_valid, look_files
from ntpjoin.look.firewall import NTP_PORT, look_firewall
from ntpjoin.look.journal import look_journal
from ntpjoin.look.network import look_addresses
from ntpjoin.look.packages import look_installed, look_packages
from ntpjoin.look.system import look_system


def look(host: Host) -> Facts:
    """Everything but what installing would do (`with_packages`). Independent questions are asked at once."""
    system = look_system(host)
    with ThreadPoolExecutor(max_workers=4) as pool:
        addresses = pool.submit(look_addresses, host)
        journal = pool.submit(look_journal, host)
        firewall = pool.submit(look_firewall, host)
        installed = pool.submit(look_installed, host) if system.row else None
    facts = Facts(
        system=system,
        packages=installed.result() if installed else PackageFacts(),
        holders=ports.holders(host, NTP_PORT),
        firewall=firewall.result(),
        addresses=addresses.result(),
        journal=journal.result(),
    )
    for part in ("files", "daemon"):
        facts = look_again(host, facts, part)
    return facts


def with_packages(host: Host, facts: Facts, *, clock_behind_s: Optional[float], say: Callable[[str], None]) -> Facts:
    """The same facts, with what installing the daemon would do."""
    if facts.system.row is None or not facts.system.root:
        return facts
    packages = look_packages(host, facts.system.row, facts.packages, clock_behind_s=clock_behind_s, say=say)
    return replace(facts, packages=packages)


def look_again(host: Host, facts: Facts, part: str) -> Facts:
    """The facts with one part of them looked at anew: packages, files, units, daemon or firewall."""
    row = facts.system.row
    if row is None:
        return facts
    if part == "packages":
        now = look_installed(host)
        return replace(facts, packages=replace(facts.packages, installed=now.installed, unfinished=now.unfinished))
    if part == "files":
        files = look_files(host, row, (row.config, row.include, row.drift), facts.journal.written)
        return replace(facts, files=files, leapfile_valid=leapfile_valid(host.text(row.leapfile)))
    if part == "firewall":
        return replace(facts, firewall=look_firewall(host))
    units = systemd.show(host, units_of(row)) if facts.system.systemd else {}
    if part == "units":
        return replace(facts, units=units)
    if part == "daemon":
        return replace(
            facts,
            units=units,
            holders=ports.holders(host, NTP_PORT),
            daemon=look_daemon(host, row, units.get(row.unit, Unit(row.unit))),
        )
    raise ValueError(part)


def units_of(row: Row) -> tuple[str, ...]:
    """The units that a set-up on this system has to do with."""
    return (row.unit, *(rival.unit for rival in row.rivals))
