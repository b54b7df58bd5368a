"""The daily check: planned where it is wished for, taken away where it no longer is; each of its changes made, seen, taken back."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any, Optional

import pytest

from ntpjoin.errors import StepFailed
from ntpjoin.facts import Facts, FileFact, JournalFacts, Program, RunFact, Space, Unit
from ntpjoin.host.machine import FileState
from ntpjoin.host.monitor import COPY, FILES, SERVICE, TIMER, TROUBLE, UNITS
from ntpjoin.host.services.systemd import unit_file
from ntpjoin.model import Wish
from ntpjoin.provision.changes import Change, CopyFile, HaveMetrics, RemoveFile, SetTimer, Site, WriteUnit, from_journal
from ntpjoin.provision.render import unit_text
from tests.conftest import Programs, Systemd
from tests.sample import PINS, SYSTEM, WISH, converged, fresh
from tests.test_provision_plan import codes, plan_for

WATCHED = replace(WISH, monitor=True)
CARRIED = Program("/usr/bin/python3", "/root/ntpjoin.pyz", hashlib.sha256(b"PK").hexdigest())
STAYS = replace(CARRIED, archive="/usr/local/bin/ntpjoin", lasts=True)
INSTALLED = Program("/opt/venv/bin/python")


def monitored(program: Program = CARRIED, **parts: Any) -> Facts:
    """A server that is set up, with its daily check."""
    facts = converged(program=program)
    [*writes] = [change for change in plan_for(facts, WATCHED).changes if isinstance(change, WriteUnit)]
    files = {change.path: FileFact(change.content.encode(), 0o644, "root:root", ours=True) for change in writes}
    written: dict[str, tuple[str, ...]] = dict.fromkeys(files, ("x",))
    if program is CARRIED:
        files[COPY], written[COPY] = FileFact(b"PK", 0o755, "root:root"), ()
    made = converged(
        program=program,
        files={**facts.files, **files},
        units={**facts.units, TIMER: Unit(TIMER, "loaded", "enabled", "active", "waiting")},
        journal=JournalFacts((RunFact(1, "done", WATCHED, PINS),), {**facts.journal.written, **written}),
    )
    found: Facts = replace(made, **parts)
    return found


def of_monitor(facts: Facts, wish: Wish) -> list[Change]:
    return [change for change in plan_for(facts, wish).changes if change.step.value == "monitor"]


# --- planned


def test_a_program_that_was_carried_there_is_copied_first() -> None:
    plan = plan_for(fresh(program=CARRIED), WATCHED)
    assert [(change.kind, change.object) for change in plan.changes][-7:] == [
        ("daemon", "ntpsec.service"),
        ("copy", COPY),
        *(("unit-file", unit_file(unit)) for unit in UNITS),
        ("timer", TIMER),
        ("firewall", "123/udp"),
    ]
    assert codes(plan_for(converged(program=CARRIED), WATCHED)) == []
    assert plan_for(converged(program=CARRIED), WATCHED).remember == ("--monitor",)


@pytest.mark.parametrize(
    ("program", "command", "copied"),
    [
        (CARRIED, f"/usr/bin/python3 {COPY}", True),
        (STAYS, "/usr/bin/python3 /usr/local/bin/ntpjoin", False),
        (replace(STAYS, archive=COPY), f"/usr/bin/python3 {COPY}", False),
        (replace(STAYS, archive="/opt/a b/x.pyz"), f"/usr/bin/python3 {COPY}", True),
        (INSTALLED, "/opt/venv/bin/python -m ntpjoin", False),
    ],
)
def test_the_timer_starts_the_program_from_where_it_stays(program: Program, command: str, copied: bool) -> None:
    changes = of_monitor(converged(program=program), WATCHED)
    [service] = [change for change in changes if isinstance(change, WriteUnit) and change.path == unit_file(SERVICE)]
    assert f"\nExecStart={command} verify --strict --quiet\n" in service.content
    assert any(isinstance(change, CopyFile) for change in changes) is copied


def test_without_the_wish_nothing_of_it_is_planned() -> None:
    assert of_monitor(converged(program=CARRIED), WISH) == []


@pytest.mark.parametrize("program", [CARRIED, STAYS, INSTALLED])
def test_a_second_run_is_quiet(program: Program) -> None:
    facts = monitored(program)
    plan = plan_for(facts, WATCHED)
    assert (plan.pending(facts), plan.remember) == ((), ())


@pytest.mark.parametrize(
    ("parts", "pending"),
    [
        ({COPY: FileFact(b"older", 0o755, "root:root")}, ["copy"]),
        ({COPY: FileFact(b"PK", 0o777, "root:root")}, ["copy"]),
        ({COPY: None}, ["copy"]),
        ({unit_file(SERVICE): FileFact(b"edited", 0o644, "root:root")}, ["unit-file"]),
        ({unit_file(TROUBLE): None}, ["unit-file"]),
    ],
)
def test_what_is_not_so_is_pending_and_nothing_else(parts: dict[str, Optional[FileFact]], pending: list[str]) -> None:
    facts = monitored()
    facts = replace(facts, files={**facts.files, **parts})
    assert [change.kind for change in plan_for(facts, WATCHED).pending(facts)] == pending


@pytest.mark.parametrize(
    ("unit", "pending"),
    [
        (Unit(TIMER, "loaded", "disabled", "active", "waiting"), ["timer"]),
        (Unit(TIMER, "loaded", "enabled", "inactive"), ["timer"]),
        (Unit(TIMER, "loaded", "enabled", "active", "waiting", stale=True), ["unit-file"]),
    ],
)
def test_a_timer_that_does_not_run_or_was_not_read_is_pending(unit: Unit, pending: list[str]) -> None:
    facts = monitored()
    facts = replace(facts, units={**facts.units, TIMER: unit})
    assert [change.kind for change in plan_for(facts, WATCHED).pending(facts)] == pending


# --- switched off


def test_switched_off_all_that_was_written_for_it_goes() -> None:
    plan = plan_for(monitored(), WISH)
    assert plan.remember == ("--no-monitor",)
    assert [(change.kind, change.object) for change in of_monitor(monitored(), WISH)] == [
        ("timer", TIMER),
        *(("remove", path) for path in reversed(FILES)),
    ]
    [off, *_] = of_monitor(monitored(), WISH)
    assert off.describe() == f"stop and disable {TIMER}"


def test_what_an_operator_has_put_there_is_left_alone() -> None:
    facts = monitored(journal=converged().journal)
    assert of_monitor(facts, WISH) == []


def test_what_is_gone_already_is_not_removed_again() -> None:
    facts = monitored()
    files = {**facts.files, unit_file(TIMER): None, COPY: None}
    assert [one.object for one in of_monitor(replace(facts, files=files), WISH)] == [
        unit_file(TROUBLE),
        unit_file(SERVICE),
    ]


def test_a_copy_that_the_timer_no_longer_starts_goes() -> None:
    kinds = [change.kind for change in of_monitor(replace(monitored(), program=INSTALLED), WATCHED)]
    assert kinds == ["unit-file"] * 3 + ["timer", "remove"]
    assert "remove" not in [one.kind for one in of_monitor(monitored(replace(STAYS, archive=COPY)), WATCHED)]


def test_a_copy_stays_the_one_that_is_started_wherever_the_program_is_put_later() -> None:
    later = replace(monitored(), program=STAYS)
    assert all(change.holds(later) for change in of_monitor(later, WATCHED))
    newer = replace(later, program=replace(STAYS, digest=hashlib.sha256(b"newer").hexdigest()))
    pending = [change for change in of_monitor(newer, WATCHED) if not change.holds(newer)]
    assert pending == [CopyFile(STAYS.archive, COPY, newer.program.digest)]
    somebodys = replace(later, journal=replace(later.journal, written={}))
    assert not [change for change in of_monitor(somebodys, WATCHED) if change.kind == "copy"]


# --- what stands in its way


def test_init_scripts_have_no_timers() -> None:
    [blocker] = plan_for(fresh(system__init="init scripts", program=CARRIED), WATCHED).blockers
    assert blocker.code == "monitor"
    assert "--no-monitor" in blocker.remedy
    assert of_monitor(fresh(system__init="init scripts"), WATCHED) == []
    assert codes(plan_for(fresh(system__init="init scripts"), WISH)) == []


@pytest.mark.parametrize("python", ["/opt/my python/bin/python", "/opt/100%/python", "/opt/$x/python", ""])
def test_a_python_that_systemd_would_not_understand_blocks(python: str) -> None:
    plan = plan_for(converged(program=replace(CARRIED, python=python)), WATCHED)
    assert codes(plan) == ["monitor"]


# --- its metrics

PROM = "/var/lib/prometheus/node-exporter/ntpjoin.prom"
MEASURED = replace(WATCHED, metrics=PROM)
COLLECTED = Space(PROM.rpartition("/")[0], writable=True, free=1 << 30)


def measured(program: Program = CARRIED, **parts: Any) -> Facts:
    """A server with a daily check that writes metrics."""
    facts = monitored(program, spaces=(COLLECTED,), metrics=PROM)
    [service] = [change for change in of_monitor(facts, MEASURED) if change.object == unit_file(SERVICE)]
    assert isinstance(service, WriteUnit)
    files = {
        **facts.files,
        PROM: FileFact(b"ntpjoin_verify_exit_code 0\n", 0o644, "root:root"),
        service.path: FileFact(service.content.encode(), 0o644, "root:root", ours=True),
    }
    journal = replace(
        facts.journal, runs=(RunFact(1, "done", MEASURED, PINS),), written={**facts.journal.written, PROM: ("",)}
    )
    found: Facts = replace(facts, files=files, journal=journal, **parts)
    return found


def service_of(facts: Facts, wish: Wish) -> str:
    [text] = [
        change.content
        for change in of_monitor(facts, wish)
        if isinstance(change, WriteUnit) and change.path == unit_file(SERVICE)
    ]
    return text


def test_the_daily_check_puts_its_metrics_where_it_is_told() -> None:
    facts = monitored(spaces=(COLLECTED,), metrics=PROM)
    plan = plan_for(facts, MEASURED)
    assert codes(plan) == []
    assert plan.remember == (f"--metrics {PROM}",)
    pending = plan.pending(facts)
    assert [(one.kind, one.object) for one in pending] == [("metrics", PROM), ("unit-file", unit_file(SERVICE))]
    assert pending[0].describe() == f"create {PROM}, empty, for the metrics of the daily check"
    before, now = service_of(facts, WATCHED).splitlines(), service_of(facts, MEASURED).splitlines()
    assert [line for line in now if line not in before] == [
        "# For Prometheus, first and however it ends: what counts is the next one's exit code.",
        f"ExecStart=-/usr/bin/python3 {COPY} verify --quiet --format prometheus --output {PROM}",
        "# But for the file of metrics, whatever else is closed.",
        "ReadWritePaths=-/var/lib/prometheus/node-exporter",
    ]
    assert [line for line in now if line in before] == before
    starts = [line for line in now if line.startswith("ExecStart=")]
    assert len(starts) == 2
    assert starts[-1].endswith(" verify --strict --quiet"), "the last one's exit code counts"


@pytest.mark.parametrize("program", [CARRIED, STAYS, INSTALLED])
def test_a_second_run_with_metrics_is_quiet(program: Program) -> None:
    facts = measured(program)
    plan = plan_for(facts, MEASURED)
    assert (plan.pending(facts), plan.remember) == ((), ())


def test_what_the_daily_check_wrote_since_is_nobodys_edit() -> None:
    facts = measured()
    gone = replace(facts, files={**facts.files, PROM: None})
    assert [change.kind for change in plan_for(gone, MEASURED).pending(gone)] == ["metrics"]


@pytest.mark.parametrize("wish", [WATCHED, replace(MEASURED, monitor=False), replace(MEASURED, metrics=PROM + ".prom")])
def test_metrics_that_nobody_writes_any_more_go_and_the_collectors_folder_stays(wish: Wish) -> None:
    facts = replace(measured(), metrics=wish.metrics if wish.monitor else "")
    [gone] = [change for change in of_monitor(facts, wish) if change.object == PROM]
    assert gone == RemoveFile(PROM, "", others=True)
    assert [one.others for one in of_monitor(facts, wish) if isinstance(one, RemoveFile)].count(True) == 1


def test_metrics_that_were_there_before_are_left_alone() -> None:
    facts = measured()
    written = {path: contents for path, contents in facts.journal.written.items() if path != PROM}
    facts = replace(facts, journal=replace(facts.journal, written=written))
    assert not [change for change in of_monitor(facts, WATCHED) if change.object == PROM]
    link = replace(facts, metrics="", files={**facts.files, PROM: FileFact(b"", 0, "", plain=False)})
    assert codes(plan_for(link, replace(MEASURED, monitor=False))) == []


def test_metrics_that_nobody_would_collect_block() -> None:
    for spaces, blocked in (
        ((), ["metrics"]),
        ((COLLECTED,), []),
        ((replace(COLLECTED, writable=False),), ["read-only"]),
    ):
        assert codes(plan_for(monitored(spaces=spaces, metrics=PROM), MEASURED)) == blocked
    link = replace(measured(), files={**measured().files, PROM: FileFact(b"", 0, "", plain=False)})
    assert codes(plan_for(link, MEASURED)) == ["not-plain"]
    assert codes(plan_for(monitored(), replace(MEASURED, monitor=False))) == []


# --- made, seen, taken back

SOURCE = "/root/ntpjoin.pyz"
COPIED = CopyFile(SOURCE, COPY, CARRIED.digest)


@pytest.fixture
def carried(site: Site, programs: Programs) -> Site:
    programs.says("systemctl")
    site.host.make_folder("/root")
    site.host.write(SOURCE, FileState(b"PK", 0o644, ""))
    return site


def seen(site: Site, path: str, **units: Unit) -> Facts:
    state = site.host.state(path)
    return Facts(SYSTEM, files={path: FileFact(state.content, state.mode, state.owner) if state else None}, units=units)


def put(site: Site, path: str, content: bytes) -> None:
    site.host.make_folder(path.rpartition("/")[0])
    site.host.write(path, FileState(content, 0o640, "root:root"))


def test_a_copy_is_made_and_taken_away(carried: Site) -> None:
    before = json.loads(json.dumps(COPIED.before(carried)))
    assert before == {"file": None, "folders": ["/usr/local/lib/ntpjoin", "/usr/local/lib", "/usr/local", "/usr"]}
    COPIED.apply(carried)
    assert COPIED.holds(seen(carried, COPY))
    assert carried.host.state(COPY) == FileState(b"PK", 0o755, "root:root")
    assert [COPIED.undo(carried, before).state for _ in range(2)] == ["restored", "restored"]
    assert not carried.host.exists("/usr")


def test_a_former_copy_lies_in_the_runs_folder_and_comes_back(carried: Site) -> None:
    put(carried, COPY, b"older\0")
    before = json.loads(json.dumps(COPIED.before(carried)))
    assert set(before["file"]) == {"digest", "mode", "owner", "context"}
    COPIED.apply(carried)
    assert COPIED.undo(carried, before).state == "restored"
    assert carried.host.state(COPY) == FileState(b"older\0", 0o640, "root:root")
    COPIED.apply(carried)
    carried.host.write(f"{carried.folder}/files/{before['file']['digest']}", FileState(b"", 0o600, ""))
    with pytest.raises(StepFailed, match="gone or damaged"):
        COPIED.undo(carried, before)


def test_a_copy_that_somebody_changed_since_is_kept(carried: Site) -> None:
    before = COPIED.before(carried)
    COPIED.apply(carried)
    put(carried, COPY, b"newer")
    assert not COPIED.holds(seen(carried, COPY))
    assert COPIED.undo(carried, before).state == "kept"
    assert carried.host.read(COPY) == b"newer"


def test_a_program_that_changed_since_it_was_looked_at_is_not_copied(carried: Site) -> None:
    put(carried, SOURCE, b"PK, another one")
    with pytest.raises(StepFailed, match="is not what it was a moment ago"):
        COPIED.apply(carried)
    assert not carried.host.exists(COPY)


def test_a_file_for_metrics_is_made_and_taken_away_with_what_is_in_it(carried: Site) -> None:
    have = HaveMetrics(PROM, "", whose="daemon")
    carried.host.make_folder(COLLECTED.folder)
    before = json.loads(json.dumps(have.before(carried)))
    assert before == {"file": None, "folders": []}
    have.apply(carried)
    assert have.holds(seen(carried, PROM))
    assert carried.host.state(PROM) == FileState(b"", 0o644, "root:root")
    put(carried, PROM, b"ntpjoin_verify_exit_code 0\n")
    assert have.holds(seen(carried, PROM))
    again = from_journal("metrics", json.loads(json.dumps(have.fields())))
    assert [again.undo(carried, before).state for _ in range(2)] == ["restored", "restored"]
    assert not carried.host.exists(PROM)
    assert carried.host.exists(COLLECTED.folder)


def test_a_collectors_folder_stays_when_it_is_empty(carried: Site) -> None:
    put(carried, PROM, b"1\n")
    gone = RemoveFile(PROM, "", others=True)
    before = gone.before(carried)
    gone.apply(carried)
    assert carried.host.exists(COLLECTED.folder)
    assert gone.undo(carried, before).state == "restored"
    assert carried.host.read(PROM) == b"1\n"


UNIT = WriteUnit(unit_file(TIMER), unit_text(TIMER, ()))


def test_a_units_file_is_read_when_it_is_written_and_when_it_is_gone(carried: Site, programs: Programs) -> None:
    before = UNIT.before(carried)
    UNIT.apply(carried)
    assert UNIT.holds(seen(carried, UNIT.path))
    assert not UNIT.holds(seen(carried, UNIT.path, **{TIMER: Unit(TIMER, "loaded", stale=True)}))
    assert UNIT.undo(carried, before).state == "restored"
    assert not carried.host.exists(UNIT.path)
    assert programs.calls() == ["systemctl daemon-reload", f"systemctl reset-failed {TIMER}"] * 2


@pytest.mark.parametrize("unit", ["", TIMER])
def test_a_file_is_removed_and_comes_back(carried: Site, programs: Programs, unit: str) -> None:
    gone = RemoveFile(unit_file(TIMER) if unit else COPY, unit)
    put(carried, gone.path, b"\xff\0")
    before = json.loads(json.dumps(gone.before(carried)))
    assert not gone.holds(seen(carried, gone.path))
    gone.apply(carried)
    assert gone.holds(seen(carried, gone.path))
    assert carried.host.exists(gone.path.rpartition("/")[0]) is bool(unit)
    assert [gone.undo(carried, before).state for _ in range(2)] == ["restored", "restored"]
    assert carried.host.state(gone.path) == FileState(b"\xff\0", 0o640, "root:root")
    assert programs.calls().count("systemctl daemon-reload") == (3 if unit else 0)


def test_what_somebody_has_put_in_its_place_is_kept(carried: Site) -> None:
    gone = RemoveFile(COPY)
    put(carried, COPY, b"older")
    before = gone.before(carried)
    gone.apply(carried)
    put(carried, COPY, b"newer")
    assert gone.undo(carried, before).state == "kept"
    assert carried.host.read(COPY) == b"newer"


STAMP = "/var/lib/systemd/timers/stamp-x.timer"


def test_a_timer_is_started_and_leaves_nothing(site: Site, systemctl: Systemd) -> None:
    on = SetTimer("x.timer", "start it", active=True, enabled=True)
    systemctl.set(UnitFileState="disabled", ActiveState="inactive")
    before = json.loads(json.dumps(on.before(site)))
    on.apply(site)
    assert systemctl.get() == ("enabled", "active")
    put(site, STAMP, b"")
    assert on.undo(site, before).state == "restored"
    assert systemctl.get() == ("disabled", "inactive")
    assert not site.host.exists(STAMP)


def test_a_timer_is_stopped_and_runs_again(site: Site, systemctl: Systemd) -> None:
    off = SetTimer("x.timer", "stop it", active=False, enabled=False)
    put(site, STAMP, b"")
    before = off.before(site)
    off.apply(site)
    assert (systemctl.get(), site.host.exists(STAMP)) == (("disabled", "inactive"), False)
    put(site, STAMP, b"")
    assert off.undo(site, before).state == "restored"
    assert (systemctl.get(), site.host.exists(STAMP)) == (("enabled", "active"), True)
