"""All of Facts at once, or one part of it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Optional

from ntpjoin.facts import Facts, PackageFacts
from ntpjoin.host import monitor, notrack, ntpconf, ports
from ntpjoin.host.machine import Host
from ntpjoin.host.reading import Process, processes
from ntpjoin.host.services.manager import services
from ntpjoin.job import Job
from ntpjoin.look.config import look_directives, look_unread, main_directives
from ntpjoin.look.daemon import look_daemon
from ntpjoin.look.files import leapfile_valid, look_files
from ntpjoin.look.firewall import NTP_PORT, look_firewall
from ntpjoin.look.journal import look_journal
from ntpjoin.look.network import look_network
from ntpjoin.look.packages import look_installed, look_packages
from ntpjoin.look.setters import harmless, look_setters
from ntpjoin.look.spaces import look_spaces
from ntpjoin.look.surroundings import look_surroundings
from ntpjoin.look.system import look_system
from ntpjoin.model import Tell
from ntpjoin.systems import Row


def look(host: Host) -> Facts:
    """Everything but what installing would do (`with_packages`). Independent questions are asked at once."""
    system = look_system(host)
    network = Job(lambda: look_network(host))
    journal = Job(lambda: look_journal(host))
    firewall = Job(lambda: look_firewall(host, network.result))
    row = system.row
    running = tuple(processes(host))
    installed = Job(lambda: look_installed(host, row)) if row else None
    facts = Facts(
        system=system,
        packages=installed.result() if installed else PackageFacts(),
        holders=ports.holders(host, NTP_PORT, running) if row is None else (),
        firewall=firewall.result(),
        addresses=network.result().addresses,
        leases=network.result().leases,
        journal=journal.result(),
        spaces=look_spaces(host),
    )
    for part in ("files", "daemon"):
        facts = look_again(host, facts, part, running)
    own = units_of(row) if row else ()
    told = {unit.pid for unit in facts.units.values()}
    setters = look_setters(host, own, told, running=running)
    return replace(facts, setters=setters, harmless=harmless(running), rival_clients=_clients(host, facts))


def _clients(host: Host, facts: Facts) -> dict[str, int]:
    if not any(holder.program == "chronyd" for holder in facts.holders or ()):
        return {}
    from ntpjoin.host import chrony  # noqa: PLC0415 - few hosts have it

    asked = chrony.clients(host)
    return {} if asked is None else {"chronyd": asked}


def with_packages(
    host: Host, facts: Facts, *, clock_behind_s: Optional[float], tell: Tell, enable: bool = False
) -> Facts:
    """The same facts, with what installing the daemon would do; with `enable` from the row's own repository."""
    if facts.system.row is None or not facts.system.root:
        return facts
    row = facts.system.row
    packages = look_packages(host, row, facts.packages, clock_behind_s=clock_behind_s, tell=tell, enable=enable)
    return replace(facts, packages=packages)


def look_again(host: Host, facts: Facts, part: str, running: Sequence[Process] = ()) -> Facts:
    """The facts with one of the parts below looked at anew; `running` are the processes, where they were looked at just now."""
    row = facts.system.row
    if part == "web":
        from ntpjoin.look.web import with_web  # noqa: PLC0415 - few commands have to do with it

        return with_web(host, facts)
    if row is None:
        return facts
    if part == "packages":
        now = look_installed(host, row)
        facts = replace(facts, packages=replace(facts.packages, installed=now.installed, unfinished=now.unfinished))
        # What packages bring was foreseen from the row; here is what they have brought.
        return look_again(host, facts, "unit files")
    if part == "tracking":
        return look_again(host, look_again(host, facts, "unit files"), "firewall")
    if part == "unit files":
        return look_again(host, look_again(host, facts, "files"), "units")
    if part == "journal":
        # Whether a file is as it was written depends on what was written.
        return look_again(host, replace(facts, journal=look_journal(host)), "files")
    if part == "program":
        from ntpjoin.look.program import look_program  # noqa: PLC0415 - only for who sets up a daily check

        return replace(facts, program=look_program(host))
    if part == "files":
        return _with_files(host, facts, row)
    if part == "firewall":
        return replace(facts, firewall=look_firewall(host))
    units = services(host).show(host, units_of(row)) if facts.system.init else {}
    if part == "units":
        return replace(facts, units=units)
    if part == "daemon":
        facts = _with_daemon(host, replace(facts, units=units), row, running or tuple(processes(host)))
        return replace(facts, surroundings=look_surroundings(host, facts, row))
    raise ValueError(part)


def _with_files(host: Host, facts: Facts, row: Row) -> Facts:
    of_metrics = filter(None, (*facts.journal.metrics, facts.metrics))
    files = look_files(host, row, (*files_of(row), *of_metrics), facts.journal.written)
    return replace(
        facts,
        files=files,
        leapfile_valid=leapfile_valid(host.text(row.leapfile)),
        directives=look_directives(host, row),
        unread=look_unread(host, row),
        dhcp_config=bool(row.dhcp_config) and host.exists(row.dhcp_config),
        former_config=bool(row.former_config) and host.exists(row.former_config),
    )


def _with_daemon(host: Host, facts: Facts, row: Row, running: Sequence[Process]) -> Facts:
    minsane = _minsane(facts, row)
    return replace(
        facts,
        holders=ports.holders(host, NTP_PORT, running),
        daemon=look_daemon(host, row.daemon, row.config, facts.unit(row.unit), minsane, running=running),
    )


def units_of(row: Row) -> tuple[str, ...]:
    """The units that a set-up on this system has to do with."""
    return (row.unit, *(rival.unit for rival in row.rivals), *monitor.UNITS, notrack.UNIT)


def files_of(row: Row) -> tuple[str, ...]:
    """The files that a set-up on this system writes, or a line of."""
    return (row.config, row.include, row.drift, *(one.path for one in row.dhcp), *monitor.FILES, notrack.FILE)


#: With how many survivors a daemon is content that was not told (ntp_config.h of both engines: sys_minsane).
MINSANE = 1


def _minsane(facts: Facts, row: Row) -> Optional[int]:
    """What the files say that the daemon reads if it reads ours; its own default where none of them says anything."""
    config = facts.files.get(row.config)
    told = ntpconf.minsane((*main_directives(facts, row), *facts.directives))
    known = config is not None and config.plain and not config.unseen and not facts.unread
    return MINSANE if told is None and known else told
