"""Deciding what will be done: pure, from facts, wish, consent and the choice of upstreams to changes, notes and blockers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Optional

from ntpjoin.board import STEP_S
from ntpjoin.checks.sources import sources
from ntpjoin.facts import JOURNAL_UNSEEN, Facts
from ntpjoin.model import Blocker, Choice, Consent, Note, Pin, Wish
from ntpjoin.provision import existing
from ntpjoin.provision.changes import (
    Assign,
    Change,
    InstallPackages,
    RunDaemon,
    SetUnit,
    WriteConfig,
    WriteFile,
)
from ntpjoin.provision.firewall import firewall_changes, firewall_notes
from ntpjoin.provision.monitor import monitor_changes
from ntpjoin.provision.notrack import notrack_changes, notrack_notes
from ntpjoin.provision.obstacles import space_blockers
from ntpjoin.provision.preflight import STEP_LIMIT_S, blockers, configuration_blockers
from ntpjoin.provision.wishes import unlike
from ntpjoin.records import dataclass
from ntpjoin.systems import Row

NTP_PORT = 123


@dataclass(frozen=True)
class Plan:
    """Exactly what will be done, in this order, unless there are blockers: then nothing will.

    `remember` are the options that are not yet remembered from the last run, and will be; `command` is what was typed; `letters`
    are mails that operators of the upstreams ask for.
    """

    wish: Wish
    pins: tuple[Pin, ...]
    changes: tuple[Change, ...] = ()
    notes: tuple[Note, ...] = ()
    blockers: tuple[Blocker, ...] = ()
    choice: Optional[Choice] = None
    remember: tuple[str, ...] = ()
    command: str = "setup"
    letters: tuple[str, ...] = ()

    def pending(self, facts: Facts) -> tuple[Change, ...]:
        """The changes that do not hold yet."""
        return tuple(change for change in self.changes if not change.holds(facts))

    def room(self, facts: Facts) -> int:
        """How many bytes are set aside while it is done, so that a full disk does not keep it from being taken back; 0: none."""
        return max((change.room for change in self.pending(facts)), default=0)

    def on_disk(self, facts: Facts) -> Plan:
        """The same with what keeps its changes from being written."""
        return replace(self, blockers=(*space_blockers(facts, self.room(facts)), *self.blockers))


def decide(
    facts: Facts,
    wish: Wish,
    consent: Consent,
    *,
    pins: tuple[Pin, ...],
    choice: Optional[Choice],
    barriers: tuple[Blocker, ...] = (),
) -> Plan:
    """The plan. `choice` is None where the pins of the last run still lead to their names and nothing was measured anew.

    `barriers` say why no upstreams could be looked for.
    """
    found = blockers(facts, wish, consent, pins=pins, choice=choice, barriers=barriers)
    row = facts.system.row
    changes = _changes(facts, row, wish, pins) if row and pins else ()
    last = facts.journal.last
    remember = unlike(wish, last.wish) if last and last.pins else ()
    notes = tuple(_choice_notes(facts, wish, choice, told=_told(found))) + _notes(facts, wish, consent, pins, choice)
    if row:
        interrupts = any(change.part == "daemon" and not change.holds(facts) for change in changes)
        notes += tuple(existing.serving_notes(facts, row, interrupts=interrupts))
    return Plan(wish, pins, changes, notes, found, choice, remember).on_disk(facts)


def decide_configuration(
    facts: Facts,
    wish: Wish,
    *,
    pins: tuple[Pin, ...],
    choice: Optional[Choice],
    barriers: tuple[Blocker, ...] = (),
) -> Plan:
    """The part of the plan that is the daemon's configuration; only what hinders that blocks it."""
    row = facts.system.row
    found = configuration_blockers(facts, wish, pins, choice, barriers)
    changes = (_configuration(facts, row, pins),) if row and not found else ()
    return Plan(
        wish,
        pins,
        changes,
        tuple(_choice_notes(facts, wish, choice, told=_told(found))),
        found,
        choice,
        command="render",
    )


def _changes(facts: Facts, row: Row, wish: Wish, pins: tuple[Pin, ...]) -> tuple[Change, ...]:
    files = (
        _configuration(facts, row, pins),
        WriteFile(row.include, "", row.unit, whose="operator"),
    )
    # A daemon that knows no frequency measures it for 300 s, and if it has stepped the clock at its start, it tells its clients all
    # that time that it is not synchronised (seen: NTPsec 1.2.2): after the first start, and after a reboot in the first hour.
    drift = WriteFile(row.drift, "0.000\n", owner=f"{row.user}:{row.user}", whose="daemon")
    firewall = firewall_changes(facts) if wish.firewall else ()
    packages, daemon = package_changes(facts, row), _daemon(facts, row, pins, files)
    # What is let in is let in tracked first: so it is seen that it still is without.
    last = (*monitor_changes(facts, wish), *firewall, *notrack_changes(facts, wish))
    return (*packages, *_retire(facts, row), *files, drift, *_dhcp(row), daemon, *last)


def _configuration(facts: Facts, row: Row, pins: tuple[Pin, ...]) -> WriteConfig:
    content = existing.config(facts, row, pins)
    return WriteConfig(row.config, content, row.unit, row.config_owner, row.config_mode, daemon=row.daemon)


def _dhcp(row: Row) -> tuple[Assign, ...]:
    """Whatever DHCP says, the daemon reads our file.

    Always, on systems that need it: a host with a fixed address today may get a client, a second card or NetworkManager tomorrow,
    and the daemon would change its upstreams unseen.
    """
    why = "DHCP shall not replace the configuration"
    return tuple(Assign(one.path, one.key, one.value, why, row.unit) for one in row.dhcp)


def package_changes(facts: Facts, row: Row) -> tuple[Change, ...]:
    """The daemon's packages, and what must come before them where they are not there yet."""
    packages = InstallPackages(
        wanted=row.packages,
        install=facts.packages.install,
        remove=facts.packages.remove,
        upgrade=facts.packages.upgrade,
        unit=row.unit,
        leapfile=row.leapfile if existing.leapfile_comes(facts, row) else "",
        paths=(row.config, row.include, *(one.path for one in row.dhcp)),
        idle=tuple(
            rival.unit for rival in row.rivals if facts.unit(rival.unit).exists and not facts.unit(rival.unit).running
        ),
        manager=row.manager,
        makes=row.makes,
    )
    if packages.holds(facts):
        return (packages,)
    before = _before_packages(facts, row)
    if not facts.packages.enables or row.repository is None:
        return (*before, packages)
    repository = InstallPackages((row.repository.package,), facts.packages.enables, (), manager=row.manager)
    return (repository, *before, replace(packages, source=row.repository.name))


def _before_packages(facts: Facts, row: Row) -> tuple[Change, ...]:
    """Rivals that go stop first, so that undo knows how they were; and the daemon must not serve with the package's configuration."""
    rivals = [
        SetUnit(rival.unit, f"stop {rival.unit}", active=False)
        for rival in row.rivals
        if facts.packages.goes(rival.package) and facts.unit(rival.unit).running
    ]
    hold = SetUnit(row.unit, f"keep {row.unit} from starting before it is configured", held=True)
    return (*rivals, hold)


def _retire(facts: Facts, row: Row) -> tuple[SetUnit, ...]:
    """Rivals that stay installed neither run nor start at boot."""
    units = [facts.unit(rival.unit) for rival in row.rivals if not facts.packages.goes(rival.package)]
    return tuple(
        SetUnit(unit.name, f"stop and disable {unit.name}: it sets the clock, too", active=False, enabled=False)
        for unit in units
        if unit.exists and (unit.running or unit.enabled == "enabled")
    )


def _daemon(facts: Facts, row: Row, pins: tuple[Pin, ...], files: tuple[WriteFile, ...]) -> RunDaemon:
    """The daemon as it shall run; started again if it runs and has not read what is written now, or what a died run wrote."""
    unit = facts.unit(row.unit)
    unread = facts.journal.restart_due or any(file.content and not file.holds(facts) for file in files)
    return RunDaemon(
        unit=row.unit,
        config=row.config,
        peers=tuple(pin.address for pin in pins),
        stale=unit.invocation if unit.running and unread else "",
        fresh=not unit.running,
        others=bool(sources(facts.directives)),
    )


def _told(found: tuple[Blocker, ...]) -> bool:
    """Whether the blockers tell already who is not followed."""
    return any(blocker.code == "upstreams" for blocker in found)


def _choice_notes(facts: Facts, wish: Wish, choice: Optional[Choice], *, told: bool) -> Iterator[Note]:
    """What is not known of the wish, and which of those who were named is not followed, unless that is `told`."""
    if facts.journal.unseen:
        yield Note(JOURNAL_UNSEEN, warning=True)
    for dropped in choice.dropped if choice and wish.upstreams and not told else ():
        yield Note(f"{dropped.name} is not followed: {dropped.why}", warning=True)


def _notes(
    facts: Facts, wish: Wish, consent: Consent, pins: tuple[Pin, ...], choice: Optional[Choice]
) -> tuple[Note, ...]:
    notes: list[Note] = []
    if choice and choice.offset_s is not None and abs(choice.offset_s) > STEP_S:
        big = abs(choice.offset_s) > STEP_LIMIT_S or choice.offset_s < 0
        limit = "; unattended this needs --allow-step" if big else ""
        notes.append(Note(f"the clock will step {choice.offset_s:+.1f} s{limit}", warning=big))
    row = facts.system.row
    if row:
        notes += existing.notes(facts, row, consent, pins)
    notes += [*firewall_notes(facts, wish), *notrack_notes(facts, wish)]
    return tuple(notes)
