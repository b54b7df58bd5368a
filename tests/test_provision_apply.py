"""The loop: journal first, then act, then look; and if it does not hold, all of this run is taken back."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Optional

import pytest

from ntpjoin import records
from ntpjoin.errors import Interrupted, JournalProblem, StepFailed
from ntpjoin.facts import Facts, FileFact, JournalFacts, Pinned, RunFact, Unit
from ntpjoin.host.interrupts import Interrupts
from ntpjoin.host.journal import Entry, Journal, Run
from ntpjoin.host.machine import Host
from ntpjoin.host.packages import apt
from ntpjoin.host.services import systemd
from ntpjoin.model import Before, Event, Pin, Step, Undone, Wish
from ntpjoin.provision import apply as apply_module
from ntpjoin.provision import changes as changes_module
from ntpjoin.provision import undo as undo_module
from ntpjoin.provision.apply import Applier, Outcome
from ntpjoin.provision.changes import Change, InstallPackages, Site
from ntpjoin.provision.plan import Plan
from ntpjoin.provision.undo import TakenBack, in_effect, undo_runs
from tests.sample import NTPSEC, PINS, SYSTEM, TIMESYNCD, WISH


@dataclass
class World:
    """A machine that knows only which fakes are there; what shall go wrong is named here."""

    host: Host
    there: set[str] = field(default_factory=set)
    log: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    apply_fails: dict[str, BaseException] = field(default_factory=dict)
    does_not_hold: set[str] = field(default_factory=set)
    undo_fails: dict[str, Exception] = field(default_factory=dict)
    undo_keeps: set[str] = field(default_factory=set)
    signals: dict[str, int] = field(default_factory=dict)

    def tell(self, event: Event) -> None:
        self.events.append(event)

    def facts(self) -> Facts:
        return Facts(SYSTEM, files={name: FileFact(b"", 0, "") for name in self.there})

    @property
    def entries(self) -> list[tuple[str, str]]:
        """The newest run's entries as they are on disk."""
        [*_, run] = Journal(self.host).runs()
        return [(entry.fields["name"], entry.state) for entry in run.entries]


WORLD: Optional[World] = None


def world_now() -> World:
    assert WORLD is not None
    return WORLD


@records.dataclass(frozen=True)
class Fake(Change):
    """A change that notes what is asked of it."""

    kind: ClassVar[str] = "fake"
    part: ClassVar[str] = "files"
    step: ClassVar[Step] = Step.CONFIG

    name: str
    unit: str = ""

    @property
    def object(self) -> str:
        return self.name

    def describe(self) -> str:
        return f"make {self.name}"

    def done(self, facts: Facts) -> str:
        assert self.name in facts.files, "told as done before it was seen"
        return f"made {self.name}"

    def holds(self, facts: Facts) -> bool:
        return self.name in facts.files

    def before(self, site: Site) -> Before:
        del site
        world_now().log.append(f"before {self.name}")
        return {"was": "nothing"}

    def apply(self, site: Site) -> None:
        world = world_now()
        on_disk = [entry.fields["name"] for entry in Journal(site.host).runs()[-1].entries if entry.state == "begun"]
        assert self.name in on_disk, "applied before the journal knew"
        world.log.append(f"apply {self.name}")
        if self.name in world.signals:
            os.kill(os.getpid(), world.signals[self.name])
            world.log.append(f"survived {self.name}")
        if self.name in world.apply_fails:
            raise world.apply_fails[self.name]
        if self.name not in world.does_not_hold:
            world.there.add(self.name)

    def undo(self, site: Site, before: Before) -> Undone:
        del site
        world = world_now()
        assert before == {"was": "nothing"}
        world.log.append(f"undo {self.name}")
        if self.name in world.undo_fails:
            raise world.undo_fails[self.name]
        if self.name in world.undo_keeps:
            return Undone("kept", f"{self.name} was edited")
        world.there.discard(self.name)
        return Undone("restored", f"{self.name} is gone")

    def read_by(self) -> str:
        return self.unit


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    (tmp_path / "var/lib").mkdir(parents=True)
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    made = World(Host(root=tmp_path))
    monkeypatch.setattr(f"{__name__}.WORLD", made)
    monkeypatch.setitem(changes_module._KINDS, "fake", Fake)
    monkeypatch.setattr(apply_module, "look_again", lambda _host, _facts, _part: made.facts())
    return made


A, B, C = Fake("a"), Fake("b"), Fake("c")


def do(world: World, *changes: Change, facts: Optional[Facts] = None, wish: Wish = WISH, pins: tuple[Pin, ...] = PINS) -> Outcome:  # fmt: skip  # noqa: E501
    with Interrupts(world.tell) as interrupts:
        applier = Applier(world.host, interrupts, world.tell)
        outcome = applier.apply(Plan(wish, pins, changes), facts or world.facts())
        if outcome.run and not outcome.error:
            applier.finish(outcome.run)
        return outcome


def runs(world: World) -> tuple[Run, ...]:
    return Journal(world.host).runs()


def states(outcome: Outcome) -> list[str]:
    return [state for _, state in outcome.changes]


def taken(outcome: Outcome) -> list[tuple[str, str]]:
    return [(back.change.object, back.undone.state) for back in outcome.taken_back]


# --- applying


def test_changes_are_made_in_order_each_journalled_first(world: World) -> None:
    outcome = do(world, A, B)
    assert outcome.error is None
    assert outcome.changed
    assert world.log == ["before a", "apply a", "before b", "apply b"]
    assert states(outcome) == ["done", "done"]
    assert world.entries == [("a", "done"), ("b", "done")]
    assert [event.kind for event in world.events] == ["begin", "done", "begin", "done"]
    [run] = runs(world)
    assert (run.number, run.state, run.wish["upstreams"]) == (1, "done", list(WISH.upstreams))
    assert [pin["address"] for pin in run.pins] == [pin.address for pin in PINS]


def test_what_holds_is_left_alone_and_said(world: World) -> None:
    world.there.add("a")
    outcome = do(world, A, B)
    assert states(outcome) == ["unchanged", "done"]
    assert world.log == ["before b", "apply b"]
    assert world.entries == [("b", "done")]
    assert [(event.kind, event.text) for event in world.events] == [
        ("unchanged", "a: so already"),
        ("begin", "make b"),
        ("done", "made b"),
    ]


def test_where_there_is_nothing_to_do_there_is_no_run(world: World) -> None:
    world.there |= {"a", "b"}
    outcome = do(world, A, B)
    assert states(outcome) == ["unchanged", "unchanged"]
    assert not outcome.changed
    assert outcome.run is None
    assert runs(world) == ()


@pytest.mark.parametrize(
    ("last", "recorded"),
    [
        (RunFact(1, "done", WISH, PINS), False),
        (RunFact(1, "mixed", WISH, PINS), False),
        (RunFact(1, "open", WISH, PINS), True),
        (RunFact(1, "done", replace(WISH, few=True), PINS), True),
        (RunFact(1, "done", WISH, PINS[:4]), True),
    ],
)
def test_another_wish_is_recorded_though_nothing_changes(world: World, last: RunFact, recorded: bool) -> None:
    world.there.add("a")
    facts = replace(world.facts(), journal=JournalFacts(runs=(last,)))
    outcome = do(world, A, facts=facts)
    assert len(runs(world)) == recorded
    assert not outcome.changed


def test_a_step_that_fails_is_taken_back_last_first_each_once(world: World) -> None:
    world.apply_fails["c"] = StepFailed("no c today")
    outcome = do(world, A, B, C, Fake("d"))
    assert str(outcome.error) == "no c today"
    assert states(outcome) == ["done", "done", "failed", "not reached"]
    assert taken(outcome) == [("c", "restored"), ("b", "restored"), ("a", "restored")]
    assert [word for word in world.log if word.startswith("undo")] == ["undo c", "undo b", "undo a"]
    assert world.there == set()
    assert not outcome.changed
    assert world.entries == [("a", "undone"), ("b", "undone"), ("c", "undone")]
    assert runs(world)[-1].state == "undone"
    assert [event.kind for event in world.events][-4:] == ["failed", "undo", "undo", "undo"]


def test_what_does_not_hold_is_taken_back(world: World) -> None:
    world.does_not_hold.add("b")
    outcome = do(world, A, B)
    assert str(outcome.error) == "it does not hold: make b"
    assert taken(outcome) == [("b", "restored"), ("a", "restored")]


@pytest.mark.parametrize("fault", [ValueError("ours"), OSError(28, "No space left"), KeyError("x"), RecursionError()])
def test_a_fault_of_ours_is_taken_back_too(world: World, fault: Exception) -> None:
    world.apply_fails["b"] = fault
    outcome = do(world, A, B)
    assert outcome.error is not None
    assert outcome.error.message.startswith("unexpected: ")
    assert outcome.error.exit_code == 1
    assert taken(outcome) == [("b", "restored"), ("a", "restored")]


@pytest.mark.parametrize("fault", [StepFailed("no"), OSError("no"), KeyError("no"), ValueError("no"), TypeError("no")])
def test_every_undo_is_tried_though_another_failed(world: World, fault: Exception) -> None:
    world.apply_fails["c"] = StepFailed("no c today")
    world.undo_fails["b"] = fault
    outcome = do(world, A, B, C)
    assert taken(outcome) == [("c", "restored"), ("b", "failed"), ("a", "restored")]
    assert "make b" in outcome.taken_back[1].undone.text
    assert world.entries == [("a", "undone"), ("b", "failed"), ("c", "undone")]
    assert runs(world)[-1].state == "mixed"


def test_what_was_kept_is_marked(world: World) -> None:
    world.apply_fails["b"] = StepFailed("no")
    world.undo_keeps.add("a")
    outcome = do(world, A, B)
    assert taken(outcome) == [("b", "restored"), ("a", "kept")]
    assert world.entries == [("a", "kept"), ("b", "undone")]
    assert runs(world)[-1].state == "mixed"


def test_a_full_disk_does_not_keep_anything_from_being_taken_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    class Full(StepFailed):
        """When this is raised the disk is full."""

        def __init__(self) -> None:
            super().__init__("full")
            monkeypatch.setattr(os, "fsync", full)

    class Fills(dict[str, BaseException]):
        def __getitem__(self, key: str) -> BaseException:
            del key
            return Full()

    world.apply_fails = Fills(c=Full.__new__(Full))
    outcome = do(world, A, B, C)
    assert str(outcome.error) == "full"
    assert [word for word in world.log if word.startswith("undo")] == ["undo c", "undo b", "undo a"]
    assert world.there == set()
    monkeypatch.undo()


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_waits_for_the_end_of_the_step_then_all_is_taken_back(world: World, sign: int) -> None:
    world.signals["b"] = sign
    outcome = do(world, A, B, C)
    assert isinstance(outcome.error, Interrupted)
    assert outcome.error.signal == sign
    assert "survived b" in world.log
    assert "apply c" not in world.log
    assert states(outcome) == ["done", "done", "not reached"]
    [heard] = [event.text for event in world.events if event.kind == "heard"]
    assert heard.endswith(": this step ends first, then all is taken back")
    assert taken(outcome) == [("b", "restored"), ("a", "restored")]


def test_a_signal_before_the_first_step_leaves_no_run(world: World) -> None:
    with Interrupts() as interrupts, interrupts.deferred("later"):
        os.kill(os.getpid(), signal.SIGHUP)
        with pytest.raises(Interrupted):
            Applier(world.host, interrupts, world.tell).apply(Plan(WISH, PINS, (A,)), world.facts())
    assert (world.log, runs(world)) == ([], ())


@pytest.mark.parametrize("fault", [None, StepFailed("no")])
def test_the_room_that_was_set_aside_is_given_back(world: World, fault: Optional[StepFailed]) -> None:
    seen = []
    real = Fake.undo if fault else Fake.apply

    def watch(self: Fake, site: Site, *rest: Any) -> Any:
        seen.append(site.host.exists(f"{site.folder}/reserve"))
        return real(self, site, *rest)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Fake, "undo" if fault else "apply", watch)
        world.apply_fails = {"b": fault} if fault else {}
        do(world, A, B)
    # While it is done the room is taken; for taking back it is free.
    assert set(seen) == {not fault}
    assert list(world.host.root.rglob("reserve")) == []


def test_a_signal_in_the_last_step_takes_it_back(world: World) -> None:
    world.signals["b"] = signal.SIGTERM
    outcome = do(world, A, B)
    assert isinstance(outcome.error, Interrupted)
    assert taken(outcome) == [("b", "restored"), ("a", "restored")]
    assert states(outcome) == ["done", "done"]


def test_a_second_signal_does_not_hurt_the_taking_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.signals["b"] = signal.SIGTERM
    real = Fake.undo

    def undo(self: Fake, site: Site, before: Before) -> Undone:
        os.kill(os.getpid(), signal.SIGINT)
        return real(self, site, before)

    monkeypatch.setattr(Fake, "undo", undo)
    outcome = do(world, A, B)
    assert taken(outcome) == [("b", "restored"), ("a", "restored")]


def test_a_journal_that_cannot_be_opened_stops_before_anything(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(JournalProblem):
        do(world, A)
    assert world.log == []


def test_a_died_run_is_continued_under_its_number(world: World) -> None:
    class Killed(BaseException):
        pass

    world.apply_fails["b"] = Killed()
    with pytest.raises(Killed):
        do(world, A, B)
    assert world.entries == [("a", "done"), ("b", "begun")]
    world.apply_fails.clear()
    outcome = do(world, A, B, C)
    assert outcome.error is None
    [run] = runs(world)
    assert (run.number, run.state) == (1, "done")
    # The entry that was begun stays: its `before` is the true one.
    assert world.entries == [("a", "done"), ("b", "begun"), ("b", "done"), ("c", "done")]


def test_a_continued_run_that_fails_takes_back_what_the_died_one_did(world: World) -> None:
    class Killed(BaseException):
        pass

    world.apply_fails["b"] = Killed()
    with pytest.raises(Killed):
        do(world, A, B)
    world.apply_fails["b"] = StepFailed("no")
    outcome = do(world, A, B)
    assert taken(outcome) == [("b", "restored"), ("b", "restored"), ("a", "restored")]
    assert world.there == set()


# --- undoing


def undo(world: World, *, last: bool = False) -> tuple[TakenBack, ...]:
    return undo_runs(world.host, in_effect(runs(world), last_only=last), world.tell)


def two_runs(world: World) -> None:
    do(world, A, B)
    do(world, A, B, C)
    assert [run.number for run in runs(world)] == [1, 2]


def test_undo_goes_back_to_before_the_first_run(world: World) -> None:
    two_runs(world)
    back = undo(world)
    assert [(one.run, one.change.object, one.undone.state) for one in back] == [
        (2, "c", "restored"),
        (1, "b", "restored"),
        (1, "a", "restored"),
    ]
    assert [run.state for run in runs(world)] == ["undone", "undone"]
    assert world.there == set()


def test_a_second_undo_does_nothing(world: World) -> None:
    two_runs(world)
    undo(world)
    world.log.clear()
    assert undo(world) == ()
    assert world.log == []


def test_the_last_run_alone_can_be_taken_back(world: World) -> None:
    two_runs(world)
    assert [one.change.object for one in undo(world, last=True)] == ["c"]
    assert [run.state for run in runs(world)] == ["done", "undone"]
    assert [one.change.object for one in undo(world, last=True)] == ["b", "a"]


def test_a_run_of_which_only_kept_things_are_left_does_not_stand_before_the_others(world: World) -> None:
    two_runs(world)
    world.undo_keeps.add("c")
    assert [(one.run, one.undone.state) for one in undo(world, last=True)] == [(2, "kept")]
    assert [one.run for one in undo(world, last=True)] == [1, 1]
    assert [(one.run, one.undone.state) for one in undo(world, last=True)] == [(2, "kept")]  # no other is left
    world.undo_keeps.clear()
    assert [one.run for one in undo(world)] == [2]


def test_a_run_of_which_something_failed_is_still_the_last(world: World) -> None:
    two_runs(world)
    world.undo_fails["c"] = StepFailed("no")
    assert [one.run for one in undo(world, last=True)] == [2]
    assert [one.run for one in undo(world, last=True)] == [2]


def test_what_failed_and_what_was_kept_is_tried_again(world: World) -> None:
    do(world, A, B, C)
    world.undo_fails["a"] = StepFailed("no")
    world.undo_keeps.add("b")
    assert [one.undone.state for one in undo(world)] == ["restored", "kept", "failed"]
    assert [run.state for run in runs(world)] == ["mixed"]
    world.undo_fails.clear()
    assert [(one.change.object, one.undone.state) for one in undo(world)] == [("b", "kept"), ("a", "restored")]
    world.undo_keeps.clear()
    assert [(one.change.object, one.undone.state) for one in undo(world)] == [("b", "restored")]
    assert undo(world) == ()
    assert [run.state for run in runs(world)] == ["undone"]


def test_a_run_that_died_is_undone_too(world: World) -> None:
    run = Journal(world.host).open({}, ())
    assert [one.number for one in in_effect(runs(world), last_only=False)] == [1]
    undo(world)
    assert runs(world)[0].state == "undone"
    assert run.number == 1


def test_an_undo_that_died_behind_the_last_entry_of_a_run_that_had_kept_some_is_done_to_its_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(_site: Site, _name: str) -> None:
        raise SystemExit

    unit = Unit("x.service", "loaded", active="active")
    monkeypatch.setattr(systemd, "show", lambda _host, names: dict.fromkeys(names, unit))
    monkeypatch.setattr(undo_module, "restart", lambda _site, name: world.log.append(f"restart {name}"))
    do(world, A)
    do(world, Fake("b", "x.service"))
    world.undo_keeps.add("b")
    undo(world, last=True)
    world.undo_keeps.clear()
    with monkeypatch.context() as once:
        once.setattr(undo_module, "restart", dies)
        with pytest.raises(SystemExit):
            undo(world)
    world.log.clear()
    undo(world, last=True)
    assert world.log == ["restart x.service"]
    assert [run.state for run in runs(world)] == ["done", "undone"]


def test_each_entry_is_taken_back_by_its_own_number(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is yet to be done of one lies beside it under its number, and a run may have several of packages."""
    numbers: list[int] = []

    def noted(_change: Fake, site: Site, _before: Before) -> Undone:
        numbers.append(site.number)
        return Undone("restored", "")

    do(world, A, B, C)
    monkeypatch.setattr(Fake, "undo", noted)
    undo(world)
    assert numbers == [3, 2, 1]


def test_the_daemon_is_restarted_once_and_last(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    running = {"x.service": Unit("x.service", "loaded", active="active"), "y.service": Unit("y.service")}
    monkeypatch.setattr(systemd, "show", lambda _host, names: {name: running[name] for name in names})
    monkeypatch.setattr(undo_module, "restart", lambda _site, name: world.log.append(f"restart {name}"))
    do(world, Fake("a", "x.service"), Fake("b", "x.service"), Fake("c", "y.service"))
    do(world, Fake("d", "x.service"))
    world.log.clear()
    undo(world)
    assert world.log == ["undo d", "undo c", "undo b", "undo a", "restart x.service"]


def test_a_restart_that_fails_is_told_and_stops_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_site: Site, _name: str) -> None:
        raise StepFailed("port taken")

    unit = Unit("x.service", "loaded", active="active")
    monkeypatch.setattr(systemd, "show", lambda _host, names: dict.fromkeys(names, unit))
    monkeypatch.setattr(undo_module, "restart", fails)
    do(world, Fake("a", "x.service"))
    assert [one.undone.state for one in undo(world)] == ["restored", "failed"]
    assert "x.service did not come up again: port taken" in world.events[-1].text


class Staying:
    """ntpsec, which was installed instead of systemd-timesyncd and cannot be taken back; its unit runs until an undo stops it."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch, *, there: tuple[Pinned, ...] = ()) -> None:
        self.unit = Unit("ntpsec.service", "loaded", "enabled", "active")
        self.there = {package.name: package.version for package in there}
        packages = InstallPackages(("ntpsec",), (NTPSEC,), (TIMESYNCD,), unit=self.unit.name)
        monkeypatch.setattr(systemd, "show", lambda _host, names: dict.fromkeys(names, self.unit))
        monkeypatch.setattr(systemd, "set_enabled", lambda _host, _name, *, enabled: world.log.append(f"on {enabled}"))
        monkeypatch.setattr(apt, "installed", lambda _host: (self.there, ()))
        monkeypatch.setattr(InstallPackages, "undo", lambda *_: Undone("kept", "ntpsec stays: ntpviz needs it"))
        monkeypatch.setattr(undo_module, "restart", lambda _site, name: world.log.append(f"start {name}"))
        do(world, A)
        journal = Journal(world.host)
        [run] = journal.runs()
        journal.put(run, Entry(9, "packages", packages.fields(), {}, "done"))
        monkeypatch.setattr(Fake, "undo", self.stop)
        world.log.clear()

    def stop(self, *_: object) -> Undone:
        self.unit = Unit(self.unit.name, "loaded", "disabled")
        return Undone("restored", "does not run")


def test_a_daemon_that_has_to_stay_runs_on_where_nothing_else_would_keep_the_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    Staying(world, monkeypatch)
    kept, _ = undo(world)
    assert kept.undone.state == "kept"
    assert kept.undone.text == (
        "ntpsec stays: ntpviz needs it; ntpsec.service runs on, with the configuration that it has now"
    )
    assert world.log == ["on True", "start ntpsec.service"]


def test_what_to_type_is_told_where_it_cannot_run_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_site: Site, _name: str) -> None:
        raise StepFailed("port taken")

    Staying(world, monkeypatch)
    monkeypatch.setattr(undo_module, "restart", fails)
    assert undo(world)[0].undone.text.endswith(
        "ntpsec.service does not run: port taken; nothing keeps the time here; type: systemctl start ntpsec.service"
    )


def test_a_daemon_that_has_to_stay_does_not_drive_out_the_former_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    Staying(world, monkeypatch, there=(TIMESYNCD,))
    assert undo(world)[0].undone.text == "ntpsec stays: ntpviz needs it"
    assert world.log == []


def test_a_daemon_that_did_not_run_is_not_started_by_undo(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    Staying(world, monkeypatch).stop()
    assert undo(world)[0].undone.text == "ntpsec stays: ntpviz needs it"
    assert world.log == []


def test_an_entry_of_an_unknown_kind_is_refused(world: World) -> None:
    do(world, A)
    [run] = runs(world)
    strange = replace(run, entries=(replace(run.entries[0], kind="teleport"),))
    with pytest.raises(JournalProblem, match="teleport"):
        undo_runs(world.host, (strange,), world.tell)
