"""The steps of a set-up alone: a part of the same changes. What is remembered of the last run stays as it is. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Optional

from ntpjoin.facts import Facts
from ntpjoin.model import Blocker, Choice, Note, Wish
from ntpjoin.provision.changes import Change, RestartDaemon
from ntpjoin.provision.firewall import firewall_changes, firewall_notes
from ntpjoin.provision.obstacles import package_blockers, unfinished_blockers, unit_blockers
from ntpjoin.provision.plan import Plan, package_changes
from ntpjoin.provision.preflight import host_blockers
from ntpjoin.systems import Row

StepCommand = Literal["install", "firewall", "restart"]


def decide_step(command: StepCommand, facts: Facts, choice: Optional[Choice]) -> Plan:
    """The plan of one step. `choice` tells how far the clock is off, where upstreams were named or are remembered."""
    last, row = facts.journal.last, facts.system.row
    found = [*unfinished_blockers(facts, command), *host_blockers(facts)]
    if row:
        found += _blockers(command, facts, row)
    return Plan(
        wish=last.wish if last else Wish(),
        pins=last.pins if last else (),
        changes=_changes(command, facts, row) if row else (),
        notes=tuple(_notes(command, facts, row, choice)) if row else (),
        blockers=tuple(found),
        choice=choice,
        command=command,
    ).on_disk(facts)


def _changes(command: StepCommand, facts: Facts, row: Row) -> tuple[Change, ...]:
    if command == "install":
        return package_changes(facts, row)
    if command == "firewall":
        return firewall_changes(facts)
    unit = facts.unit(row.unit)
    return (RestartDaemon(row.unit, _file_to_read(facts, row), unit.invocation if unit.running else ""),)


def _file_to_read(facts: Facts, row: Row) -> str:
    """Ours, where we have set it up; else the one that the daemon reads now, which its operator has chosen."""
    ours = facts.journal.last is not None and facts.journal.last.pins
    return row.config if ours or facts.daemon is None else facts.daemon.config


def _blockers(command: StepCommand, facts: Facts, row: Row) -> Iterator[Blocker]:
    if command == "install":
        yield from package_blockers(facts, row)
    if command != "firewall":
        yield from unit_blockers(facts, row)
    unit = facts.unit(row.unit)
    if command == "restart" and not unit.exists:
        yield Blocker("no-daemon", f"{row.unit} is not here: there is nothing to restart", "ntpjoin setup")
    elif command == "restart" and unit.held:
        text = f"{row.unit} is held back until it is configured: it would serve with the package's own configuration"
        yield Blocker("held", text, "ntpjoin setup")


def _notes(command: StepCommand, facts: Facts, row: Row, choice: Optional[Choice]) -> Iterator[Note]:
    if command == "firewall":
        yield from firewall_notes(facts, Wish(firewall=True))
        if facts.firewall.manager == "none":
            yield Note("no firewall is active on this host")
    if command == "install":
        dropped = choice.dropped if choice else ()
        yield from (Note(f"{one.name} does not tell the time: {one.why}", warning=True) for one in dropped)
        installed = all(name in facts.packages.installed for name in row.packages)
        if not installed or facts.unit(row.unit).held:
            yield Note(f"{row.unit} is held back, also after a reboot, until `ntpjoin setup` has configured it")
            if not any(facts.unit(one.unit).running and not facts.packages.goes(one.package) for one in row.rivals):
                yield Note("until then nobody keeps the time of this host", warning=True)
    config = facts.files.get(row.config)
    if command == "restart" and config and config.stock:
        yield Note(f"{row.config} is the package's own; `ntpjoin setup` writes a better one", warning=True)
