"""Deciding what will be done: pure, from facts, wish, consent and the choice of upstreams to changes, notes and blockers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from ntpjoin.facts import Facts, Row
from ntpjoin.model import Blocker, Choice, Consent, Note, Pin, Wish
from ntpjoin.provision.changes import AllowPort, Change, InstallPackages, RunDaemon, SetUnit, WriteConfig, WriteFile
from ntpjoin.provision.preflight import STEP_LIMIT_S, STEP_S, blockers
from ntpjoin.provision.render import ntp_conf

NTP_PORT = 123


@dataclass(frozen=True)
class Plan:
    """Exactly what will be done, in this order, unless there are blockers: then nothing will."""

    wish: Wish
    pins: tuple[Pin, ...]
    changes: tuple[Change, ...] = ()
    notes: tuple[Note, ...] = ()
    blockers: tuple[Blocker, ...] = ()
    choice: Optional[Choice] = None

    def pending(self, facts: Facts) -> tuple[Change, ...]:
        """The changes that do not hold yet."""
        return tuple(change for change in self.changes if not change.holds(facts))


def decide(facts: Facts, wish: Wish, consent: Consent, *, pins: tuple[Pin, ...], choice: Optional[Choice]) -> Plan:
    """The plan. `choice` is None where the pins of the last run still lead to their names and nothing was measured anew."""
    found = blockers(facts, wish, consent, pins=pins, choice=choice)
    row = facts.system.row
    changes = _changes(facts, row, wish, pins) if row and pins else ()
    return Plan(wish, pins, changes, _notes(facts, wish, choice), found, choice)


def _changes(facts: Facts, row: Row, wish: Wish, pins: tuple[Pin, ...]) -> tuple[Change, ...]:
    packages = InstallPackages(row.packages, facts.packages.install, facts.packages.remove)
    before = () if packages.holds(facts) else _before_packages(facts, row)
    files = (
        WriteConfig(row.config, ntp_conf(row, pins, leapfile=facts.leapfile_valid), row.unit, daemon=row.daemon),
        WriteFile(row.include, "", row.unit, whose="operator"),
    )
    # A daemon that knows no frequency measures it for 300 s, and if it has stepped the clock at its start, it tells its clients all
    # that time that it is not synchronised (seen: NTPsec 1.2.2): after the first start, and after a reboot in the first hour.
    drift = WriteFile(row.drift, "0.000\n", owner=f"{row.user}:{row.user}", whose="daemon")
    firewall = (AllowPort("ufw", NTP_PORT),) if wish.firewall and facts.firewall.manager == "ufw" else ()
    return (*before, packages, *files, drift, _daemon(facts, row, pins, files), *firewall)


def _before_packages(facts: Facts, row: Row) -> tuple[Change, ...]:
    """Rivals stop first, so that undo knows how they were; and the daemon must not serve with the package's own configuration."""
    rivals = [
        SetUnit(rival.unit, f"stop {rival.unit}", active=False)
        for rival in row.rivals
        if facts.unit(rival.unit).exists and facts.unit(rival.unit).running
    ]
    hold = SetUnit(row.unit, f"keep {row.unit} from starting before it is configured", held=True)
    return (*rivals, hold)


def _daemon(facts: Facts, row: Row, pins: tuple[Pin, ...], files: tuple[WriteFile, ...]) -> RunDaemon:
    """The daemon as it shall run; started again if it runs and has not read what is written now, or what a died run wrote."""
    unit = facts.unit(row.unit)
    unread = facts.journal.restart_due or any(file.content and not file.holds(facts) for file in files)
    include = facts.files.get(row.include)
    return RunDaemon(
        unit=row.unit,
        config=row.config,
        peers=tuple(pin.address for pin in pins),
        stale=unit.invocation if unit.running and unread else "",
        fresh=not unit.running,
        others=bool(include and include.content.strip()),
    )


def _notes(facts: Facts, wish: Wish, choice: Optional[Choice]) -> tuple[Note, ...]:
    notes: list[Note] = []
    if choice:
        notes += [Note(f"{dropped.name} is not followed: {dropped.why}", warning=True) for dropped in choice.dropped]
        if choice.offset_s is not None and abs(choice.offset_s) > STEP_S:
            big = abs(choice.offset_s) > STEP_LIMIT_S or choice.offset_s < 0
            limit = "; unattended this needs --allow-step" if big else ""
            notes.append(Note(f"the clock will step {choice.offset_s:+.1f} s{limit}", warning=big))
    config = facts.files.get(facts.system.row.config) if facts.system.row else None
    if config and config.content.strip() and not config.stock and not config.ours:
        notes.append(
            Note(
                f"{facts.system.row.config if facts.system.row else ''} is your own; it will be replaced", warning=True
            )
        )
    notes += _firewall_notes(facts, wish)
    return tuple(notes)


def _firewall_notes(facts: Facts, wish: Wish) -> list[Note]:
    if not wish.firewall:
        return [Note("the firewall is left alone, as you asked; UDP 123 must be let in")]
    manager = facts.firewall.manager
    if manager == "none":
        return []
    if manager == "ufw":
        return (
            []
            if len(facts.firewall.families) == 2
            else [Note("ufw does not filter IPv6 here (IPV6=no in /etc/default/ufw)")]
        )
    what = {"firewalld": "firewalld is active", "rules": "somebody's own packet filter rules are in force"}
    return [
        Note(
            f"{what.get(manager, 'the firewall could not be seen')}; it is left alone: let UDP 123 in by hand",
            warning=True,
        )
    ]
