"""The program as it is typed, on a host that is made up; what its commands are, and the keys of their objects."""

from __future__ import annotations

import contextlib
import json
import sys
from typing import Any, Optional

import click
import pytest

from ntpjoin import cli as cli_module
from ntpjoin.board import Billboard
from ntpjoin.cli import cli
from ntpjoin.commands import common, detect, plan, render, resolve, setup, step, undo, verify, web_redirect
from ntpjoin.errors import Blocked
from ntpjoin.facts import Facts
from ntpjoin.host.journal import Entry, Journal, Run
from ntpjoin.host.machine import Host
from ntpjoin.model import Consent, Undone
from ntpjoin.provision.apply import Outcome
from ntpjoin.provision.plan import Plan, decide, decide_configuration
from ntpjoin.provision.prepare import Prepared
from ntpjoin.provision.steps import StepCommand, decide_step
from ntpjoin.provision.undo import TakenBack
from tests.judged import GOOD
from tests.sample import BOARD, NAMES, PINS, WISH, changed, choice, converged, fresh

#: Where a command looks up what it calls.
MODULES = (common, detect, plan, render, resolve, setup, step, undo, verify, web_redirect)


class Typed:
    """Runs the program as `main` does, with the host made up."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.monkeypatch = monkeypatch
        self.capsys = capsys
        self.out = self.err = ""
        self.given: dict[str, Any] = {}

    def __call__(self, line: str) -> int:
        self.monkeypatch.setattr(sys, "argv", ["ntpjoin", *line.split()])
        code = cli_module._main()
        self.out, self.err = self.capsys.readouterr()
        return code

    def json(self, line: str) -> tuple[int, dict[str, Any]]:
        code = self(f"{line} --json")
        page = json.loads(self.out)
        assert isinstance(page, dict)
        assert page["exit"] == code
        words = line.split()
        assert page["command"] == " ".join(words[: 2 if words[0] == "upstreams" else 1])
        assert page["schema"] == 1
        return code, page

    def command(self, name: str, value: Any) -> None:
        """Every command that calls this calls `value` instead."""
        found = [module for module in MODULES if hasattr(module, name)]
        assert found, name
        for module in found:
            self.monkeypatch.setattr(module, name, value)

    def host(self, facts: Facts, *, chosen: bool = True, board: Billboard = BOARD, root: bool = True) -> None:
        """This is what looking finds; deciding and judging are the real ones."""

        def prepare(_host: Host, given: Any, consent: Consent, _tell: Any, **_: Any) -> Prepared:
            self.given = dict(given)
            measured = choice() if chosen else None
            return Prepared(facts, decide(facts, WISH, consent, pins=PINS, choice=measured))

        self.command("prepare", prepare)

        def prepare_step(_host: Host, command: StepCommand, given: Any, _consent: Any, _tell: Any) -> Prepared:
            self.given = dict(given)
            return Prepared(facts, decide_step(command, facts, None))

        def prepare_configuration(_host: Host, given: Any, _tell: Any, *, survey_anew: bool) -> Prepared:
            self.given = {**given, "survey": survey_anew}
            measured = choice() if chosen else None
            return Prepared(facts, decide_configuration(facts, WISH, pins=PINS, choice=measured))

        self.command("prepare_step", prepare_step)
        self.command("prepare_configuration", prepare_configuration)
        self.command("look", lambda _: facts)
        self.command("look_again", lambda *_: converged())
        self.command("look_billboard", lambda *_: facts.daemon.board if facts.daemon else Billboard())
        self.command("gather", lambda *_: GOOD)
        self.command("settle", lambda *_: board)
        self.monkeypatch.setattr(Host, "is_root", lambda _: root)
        self.command("locked", lambda _: contextlib.nullcontext())

    def applied(self, error: Optional[Exception] = None, *states: str) -> None:
        """So ends the acting: well, or with this error and these states of what was taken back."""

        class Applier:
            def __init__(self, *_: Any) -> None:
                pass

            def apply(self, plan: Plan, facts: Facts) -> Outcome:
                back = tuple(TakenBack(1, plan.changes[0], Undone(state, "x")) for state in states)  # type: ignore[arg-type]
                ends = tuple((change, "failed" if error else "done") for change in plan.changes)
                opened = facts if error else changed(facts, firewall__admits=dict.fromkeys(facts.firewall.opens, True))
                return Outcome(opened, ends, Run(1, "open", {}, ()), error, back)  # type: ignore[arg-type]

            def take_back(self, outcome: Outcome) -> Outcome:
                return outcome

            def finish(self, run: Run) -> Run:
                return run

        self.command("Applier", Applier)


#: Commands and those of groups; a group alone tells what it has.
LEAVES = {
    f"{above}{name}": command
    for above, group in [
        ("", cli),
        *((f"{name} ", one) for name, one in cli.commands.items() if isinstance(one, click.Group)),
    ]
    for name, command in group.commands.items()
    if not isinstance(command, click.Group)
}
COMMANDS = sorted(LEAVES)
STEPS = ("install", "firewall", "restart")
ENVELOPE = {"schema", "command", "exit", "errors"}
PLANNED = {"changed", "changes", "packages", "upstreams", "dropped", "waived", "letters", "offset_ms", "remember"}
PLANNED |= {"notes", "blockers"}
CHECKED = {"checks", "settled", "system", "counters", "peers"}


#: Four upstreams, named.
FOUR = " ".join(f"--upstream {name}" for name in NAMES[:4])
#: A firewall that lets one family in, where the rule for the other is left to the operator.
LEFT = {"firewall__admits": {"IPv4": False, "IPv6": True}, "firewall__opens": (), "firewall__remedy": ("type this",)}


def busy(_: Host) -> None:
    raise Blocked("another ntpjoin (process 7) is changing this host", "wait until it has ended; look at: ps 7")


def asked(typed: Typed, answer: str) -> None:
    """There is somebody at a terminal, who answers so."""
    typed.monkeypatch.setattr("ntpjoin.show.screen.Screen.asks", lambda _: True)
    typed.monkeypatch.setattr(sys.stdin, "readline", lambda: answer, raising=False)


def undoable(typed: Typed, *states: str) -> None:
    typed.host(converged())
    change = decide(fresh(), WISH, Consent(), pins=PINS, choice=None).changes[-1]
    entry = Entry(1, change.kind, change.fields(), {"families": []}, "done")
    run = Run(1, "done", {}, (), (entry,) if states else ())
    typed.monkeypatch.setattr(Journal, "runs", lambda _: (run,) if states else ())
    back = tuple(TakenBack(1, change, Undone(state, "x")) for state in states)  # type: ignore[arg-type]
    typed.command("undo_runs", lambda *_: back)
