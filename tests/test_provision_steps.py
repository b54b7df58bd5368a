"""A step alone is a part of what setup would do; it changes nothing of what is remembered, and hides no run that died."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Optional

import pytest

from ntpjoin.errors import UsageProblem
from ntpjoin.facts import Facts, FileFact, JournalFacts, PackageFacts, RunFact, Unit
from ntpjoin.host.machine import Host
from ntpjoin.model import Choice, Consent, Dropped, Event, Wish
from ntpjoin.provision import follow, prepare
from ntpjoin.provision.changes import RestartDaemon
from ntpjoin.provision.plan import decide
from ntpjoin.provision.steps import StepCommand, decide_step
from ntpjoin.upstreams import memory
from tests.sample import NAMES, PINS, ROW, WISH, choice, converged, fresh

STEPS: tuple[StepCommand, ...] = ("install", "firewall", "restart")
HELD = Unit(ROW.unit, "loaded", "enabled", held=True)


def whole(facts: Facts) -> tuple[Any, ...]:
    return decide(facts, WISH, Consent(), pins=PINS, choice=choice()).changes


def codes(command: StepCommand, facts: Facts) -> list[str]:
    return [blocker.code for blocker in decide_step(command, facts, None).blockers]


# --- a part of the whole


def test_install_is_the_package_step_of_setup() -> None:
    plan = decide_step("install", fresh(), None)
    assert plan.blockers == ()
    assert plan.changes == tuple(change for change in whole(fresh()) if change.step.value == "package")
    assert [change.kind for change in plan.changes] == ["unit", "unit", "packages"]
    texts = [note.text for note in plan.notes]
    assert any("held back, also after a reboot" in text for text in texts)
    assert any("nobody keeps the time" in text for text in texts)


def test_firewall_is_the_firewall_step_of_setup() -> None:
    plan = decide_step("firewall", fresh(), None)
    assert plan.changes == tuple(change for change in whole(fresh()) if change.step.value == "firewall")
    assert len(plan.changes) == 1


@pytest.mark.parametrize("command", ["install", "firewall"])
def test_on_a_server_that_is_set_up_there_is_nothing_to_do(command: StepCommand) -> None:
    plan = decide_step(command, converged(), None)
    assert (plan.pending(converged()), plan.blockers, plan.notes) == ((), (), ())


def test_without_a_firewall_there_is_nothing_to_open_and_that_is_said() -> None:
    plan = decide_step("firewall", fresh(firewall__manager="none"), None)
    assert plan.changes == ()
    assert [note.text for note in plan.notes] == ["no firewall is active on this host"]


def test_a_firewall_left_alone_by_setup_is_opened_where_that_is_asked_for() -> None:
    run = RunFact(1, "done", replace(WISH, firewall=False), PINS)
    plan = decide_step("firewall", converged(journal=JournalFacts((run,)), firewall__admits={}), None)
    assert [change.kind for change in plan.changes] == ["firewall"]
    assert plan.wish.firewall is False


def test_installed_and_held_back_is_nothing_to_do_and_is_said() -> None:
    plan = decide_step("install", converged(units={ROW.unit: HELD}, daemon=None), None)
    assert plan.pending(converged()) == ()
    assert "held back" in plan.notes[0].text


def test_who_does_not_tell_the_time_is_told() -> None:
    plan = decide_step("install", fresh(), choice(dropped=(Dropped("x.example", "no answer"),)))
    assert "x.example does not tell the time: no answer" in [note.text for note in plan.notes]


# --- restart


def test_restart_wants_another_invocation_and_the_file_that_we_wrote() -> None:
    plan = decide_step("restart", converged(), None)
    assert plan.changes == (RestartDaemon(ROW.unit, ROW.config, "bb"),)
    assert plan.pending(converged()) == plan.changes
    other = converged(daemon__config="/run/ntpsec/ntp.conf.dhcp")
    assert decide_step("restart", other, None).changes == (RestartDaemon(ROW.unit, ROW.config, "bb"),)


def test_an_operators_own_daemon_is_to_read_what_it_reads_now() -> None:
    own = converged(journal=JournalFacts(), daemon__config="/etc/own.conf")
    assert decide_step("restart", own, None).changes == (RestartDaemon(ROW.unit, "/etc/own.conf", "bb"),)


def test_a_daemon_that_does_not_run_is_started() -> None:
    stopped = converged(units={ROW.unit: Unit(ROW.unit, "loaded", "enabled", invocation="bb")}, daemon=None)
    [change] = decide_step("restart", stopped, None).changes
    assert change.describe() == f"start {ROW.unit}"
    assert change.fields()["stale"] == ""


def test_the_packages_own_configuration_is_named() -> None:
    stock = converged(journal=JournalFacts(), files={ROW.config: FileFact(b"pool x\n", 0o644, "root:root", stock=True)})
    [note] = decide_step("restart", stock, None).notes
    assert "the package's own" in note.text
    assert note.warning


# --- what blocks


@pytest.mark.parametrize("command", STEPS)
@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ({"system__root": False}, "not-root"),
        ({"system__row": None}, "system"),
        ({"system__init": None}, "init"),
        ({"journal": JournalFacts(problem="it is corrupt")}, "journal"),
    ],
)
def test_the_host_itself_must_be_fit(command: StepCommand, parts: dict[str, Any], code: str) -> None:
    assert codes(command, converged(**parts)) == [code]


def test_restart_needs_a_daemon_that_is_configured() -> None:
    assert codes("restart", fresh()) == ["no-daemon"]
    assert codes("restart", converged(units={ROW.unit: HELD}, daemon=None)) == ["held"]


def test_install_is_blocked_by_packages_that_cannot_be_had_and_the_others_are_not() -> None:
    broken = PackageFacts(installed={}, problem="E: no route to host")
    assert codes("install", fresh(packages=broken)) == ["packages"]
    assert codes("firewall", fresh(packages=broken)) == []


def test_a_clock_that_is_behind_is_named_as_the_cause() -> None:
    early = PackageFacts(installed={}, problem="E: Release file for x is not valid yet (invalid for another 1h 58min)")
    [blocker] = decide_step("install", fresh(packages=early), None).blockers
    assert "set it" in blocker.remedy
    assert "--upstream" in blocker.remedy


@pytest.mark.parametrize("command", STEPS)
@pytest.mark.parametrize("died", [*STEPS, "setup"])
def test_a_run_that_died_is_continued_by_its_own_command_only(command: StepCommand, died: str) -> None:
    facts = converged(journal=JournalFacts((RunFact(4, "open", WISH, PINS, died),)))
    found = [blocker for blocker in decide_step(command, facts, None).blockers if blocker.code == "unfinished"]
    assert len(found) == (command != died)
    assert all(f"ntpjoin {died} continues it" in one.remedy for one in found)


# --- what is remembered


@pytest.mark.parametrize("command", STEPS)
def test_a_step_leaves_what_is_remembered_as_it_is(command: StepCommand) -> None:
    plan = decide_step(command, converged(), choice())
    assert (plan.wish, plan.pins, plan.remember, plan.command) == (WISH, PINS, (), command)
    first = decide_step(command, fresh(), choice())
    assert (first.wish, first.pins) == (Wish(), ())


def test_a_set_up_after_install_has_nothing_to_tell_of_what_it_remembers() -> None:
    installed = fresh(journal=JournalFacts((RunFact(1, "done", Wish(), (), "install"),)))
    assert decide(installed, WISH, Consent(), pins=PINS, choice=choice()).remember == ()


# --- what is looked at


class Looked:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, facts: Facts, measured: Choice) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.behind: list[Optional[float]] = []
        monkeypatch.setattr(prepare, "look", lambda _: facts)
        monkeypatch.setattr(memory, "recall", lambda *_: None)
        monkeypatch.setattr(memory, "remember", lambda *_: None)

        def ask(wish: Wish, *_: Any) -> Choice:
            self.asked.append(wish.upstreams)
            return measured

        def with_packages(_host: Host, now: Facts, *, clock_behind_s: Optional[float], **_: Any) -> Facts:
            self.behind.append(clock_behind_s)
            return now

        monkeypatch.setattr(follow, "_measured", ask)
        monkeypatch.setattr(prepare, "with_packages", with_packages)


def tell(event: Event) -> None:
    assert event.kind == "looking"


@pytest.mark.parametrize(
    ("facts", "given", "asked", "behind"),
    [
        (fresh(), {}, [], [0.0]),
        (fresh(), {"upstreams": NAMES}, [NAMES], [7200.0]),
        (fresh(journal=JournalFacts((RunFact(1, "done", WISH, PINS),))), {}, [NAMES], [7200.0]),
        (converged(), {"upstreams": NAMES}, [], []),
        (fresh(system__row=None), {"upstreams": NAMES}, [], []),
    ],
    ids=["no upstreams", "given", "remembered", "installed", "not supported"],
)
def test_the_time_is_asked_for_where_packages_are_to_be_had(
    monkeypatch: pytest.MonkeyPatch,
    facts: Facts,
    given: dict[str, Any],
    asked: list[tuple[str, ...]],
    behind: list[float],
) -> None:
    looked = Looked(monkeypatch, facts, choice(7200.0))
    made = prepare.prepare_step(Host(), "install", given, Consent(), tell)
    assert (looked.asked, looked.behind) == (asked, behind)
    assert made.plan.wish == (facts.journal.last.wish if facts.journal.last else Wish())
    looked.behind.clear()
    prepare.prepare_step(Host(), "firewall", {}, Consent(), tell)
    prepare.prepare_step(Host(), "restart", {}, Consent(), tell)
    assert looked.behind == []


def test_upstreams_that_tell_nothing_leave_the_clock_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = Looked(monkeypatch, fresh(), choice(None, chosen=()))
    prepare.prepare_step(Host(), "install", {"upstreams": NAMES}, Consent(), tell)
    assert looked.behind == [0.0]


def test_how_many_upstreams_are_named_is_counted_as_for_setup(monkeypatch: pytest.MonkeyPatch) -> None:
    Looked(monkeypatch, fresh(), choice())
    with pytest.raises(UsageProblem) as caught:
        prepare.prepare_step(Host(), "install", {"upstreams": NAMES[:1]}, Consent(), tell)
    assert caught.value.remedy.startswith("ntpjoin install --upstream")


def test_steps_that_follow_nobody_do_not_count_upstreams(monkeypatch: pytest.MonkeyPatch) -> None:
    three = replace(WISH, upstreams=NAMES[:3])
    Looked(monkeypatch, converged(journal=JournalFacts(runs=(RunFact(1, "done", three, ()),))), choice())
    for command in ("restart", "firewall"):
        assert not prepare.prepare_step(Host(), command, {}, Consent(), tell).plan.blockers
