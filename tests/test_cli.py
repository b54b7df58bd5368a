"""What is typed and what comes back: help, exit codes, one JSON object whatever happens, and no word on the wrong stream."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import replace
from typing import Any, Optional

import click
import pytest

from ntpjoin import cli as cli_module
from ntpjoin import commands
from ntpjoin.cli import cli
from ntpjoin.errors import Blocked, Interrupted, JournalProblem, StepFailed, UsageProblem
from ntpjoin.facts import Facts
from ntpjoin.host.journal import Entry, Journal, Run
from ntpjoin.host.machine import Host
from ntpjoin.model import Billboard, Consent, Undone
from ntpjoin.provision.apply import Outcome
from ntpjoin.provision.plan import Plan, decide
from ntpjoin.provision.prepare import Prepared
from ntpjoin.provision.undo import TakenBack
from tests.sample import BOARD, NAMES, PINS, WISH, choice, converged, fresh
from tests.test_checks_verify import GOOD


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
        assert page["command"] == line.split(maxsplit=1)[0]
        assert page["schema"] == 1
        return code, page

    def host(self, facts: Facts, *, chosen: bool = True, board: Billboard = BOARD, root: bool = True) -> None:
        """This is what looking finds; deciding and judging are the real ones."""

        def prepare(_host: Host, given: Any, consent: Consent, _tell: Any, **_: Any) -> Prepared:
            self.given = dict(given)
            measured = choice() if chosen else None
            return Prepared(facts, decide(facts, WISH, consent, pins=PINS, choice=measured))

        self.monkeypatch.setattr(commands, "prepare", prepare)
        self.monkeypatch.setattr(commands, "look", lambda _: facts)
        self.monkeypatch.setattr(commands, "look_again", lambda *_: converged())
        self.monkeypatch.setattr(commands, "_clients", lambda: facts.daemon.clients if facts.daemon else 0)
        self.monkeypatch.setattr(commands, "gather", lambda *_: GOOD)
        self.monkeypatch.setattr(commands, "settle", lambda *_: board)
        self.monkeypatch.setattr(Host, "is_root", lambda _: root)
        self.monkeypatch.setattr(commands, "_lock", lambda _: io.BytesIO())

    def applied(self, error: Optional[Exception] = None, *states: str) -> None:
        """So ends the acting: well, or with this error and these states of what was taken back."""

        class Applier:
            def __init__(self, *_: Any) -> None:
                pass

            def apply(self, plan: Plan, facts: Facts) -> Outcome:
                back = tuple(TakenBack(1, plan.changes[0], Undone(state, "x")) for state in states)  # type: ignore[arg-type]
                ends = tuple((change, "failed" if error else "done") for change in plan.changes)
                return Outcome(facts, ends, Run(1, "open", {}, ()), error, back)  # type: ignore[arg-type]

            def take_back(self, outcome: Outcome) -> Outcome:
                return outcome

            def finish(self, run: Run) -> Run:
                return run

        self.monkeypatch.setattr(commands, "Applier", Applier)


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    return Typed(monkeypatch, capsys)


COMMANDS = sorted(cli.commands)
ENVELOPE = {"schema", "command", "exit", "errors"}
PLANNED = {"changed", "changes", "packages", "upstreams", "dropped", "offset_ms", "notes", "blockers"}
CHECKED = {"checks", "settled", "system", "peers"}

# --- help


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_every_command_has_help(typed: Typed, name: str, option: str) -> None:
    assert typed(f"{name} {option}") == 0
    assert typed.out.startswith(f"Usage: ntpjoin {name}")
    assert typed.err == ""


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_every_option_says_what_it_does(name: str) -> None:
    command = cli.commands[name]
    assert (command.help or "").split("\n")[0].endswith(".")
    for option in command.params:
        assert isinstance(option, click.Option)
        assert option.help, option.name
        assert option.help.endswith("."), option.name


def test_an_option_means_the_same_everywhere() -> None:
    meanings: dict[str, set[Optional[str]]] = {}
    for command in cli.commands.values():
        for option in command.params:
            assert isinstance(option, click.Option)
            for name in (*option.opts, *option.secondary_opts):
                meanings.setdefault(name, set()).add(option.help)
    assert {name for name, helps in meanings.items() if len(helps) > 1} == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_takes_the_options_of_all(name: str) -> None:
    taken = {one for option in cli.commands[name].params for one in option.opts}
    assert {"--json", "-v", "--verbose", "-q", "--quiet", "--color"} <= taken
    assert ({"-y", "--yes"} <= taken) is (name in ("setup", "undo"))


def test_the_version_is_told(typed: Typed) -> None:
    assert typed("--version") == 0
    assert typed.out.startswith("ntpjoin, version ")


# --- usage

FOUR = " ".join(f"--upstream {name}" for name in NAMES[:4])


@pytest.mark.parametrize(
    "line",
    [
        "bogus",
        "setup --bogus",
        "setup stray",
        "setup --yes --upstream not_a_name",
        "setup --yes --upstream a.example;reboot",
        "setup --yes --upstream 127.0.0.1",
        "setup --yes --wait soon",
        "setup --yes --wait -1",
        "setup --yes --wait 3601",
        "setup --yes --wait nan",
        "verify --wait nan",
        "setup --yes --wait",
        "setup --yes --public-address here",
        "setup --color blue",
        "setup",
        "undo",
    ],
)
def test_bad_usage_is_2_and_one_object(typed: Typed, line: str) -> None:
    assert typed(line) == 2
    assert typed.out == ""
    assert typed.err
    code, page = typed.json(line)
    assert code == 2
    assert set(page) == ENVELOPE
    [error] = page["errors"]
    assert set(error) == {"message", "remedy"}
    assert error["message"]


def test_a_prompt_without_a_terminal_says_what_to_type(typed: Typed) -> None:
    assert typed("setup") == 2
    assert "--yes" in typed.err
    assert "ntpjoin plan" in typed.err


@pytest.mark.parametrize(
    "line", ["plan --upstream ntp1.example.net", "setup --yes --few --upstream a.example,b.example"]
)
def test_a_wrong_number_of_upstreams_is_2_before_any_packet(typed: Typed, line: str) -> None:
    typed.monkeypatch.setattr("ntpjoin.provision.prepare.look", lambda _: fresh())
    typed.monkeypatch.setattr(Host, "is_root", lambda _: False)
    code, page = typed.json(line)
    assert code == 2
    assert "are needed" in page["errors"][0]["message"]
    many = ",".join(f"ntp{number}.example.net" for number in range(8))
    assert typed(f"plan --upstream {many}") == 2
    assert "no more than 7" in typed.err


def test_only_what_was_given_is_handed_on(typed: Typed) -> None:
    typed.host(fresh())
    typed("plan")
    assert typed.given == {}
    typed("plan --upstream NTP1.example.net.,ntp2.example.net --upstream ntp1.example.net --no-firewall --no-few")
    assert typed.given == {"upstreams": ("ntp1.example.net", "ntp2.example.net"), "firewall": False, "few": False}
    typed("plan --public-address 2001:DB8::7 --public-address 203.0.113.7 --allow-private")
    assert typed.given == {"public_addresses": ("2001:db8::7", "203.0.113.7"), "allow_private": True}
    typed("plan --public-address none")
    assert typed.given == {"public_addresses": ()}


# --- plan and setup


@pytest.mark.parametrize("line", ["plan", "setup --dry-run"])
def test_a_plan(typed: Typed, line: str) -> None:
    typed.host(fresh())
    code, page = typed.json(line)
    assert code == 0
    assert set(page) == ENVELOPE | PLANNED
    assert page["changed"] is True
    assert {key for change in page["changes"] for key in change} == {"kind", "object", "state", "diff", "text"}
    assert {change["state"] for change in page["changes"]} == {"pending"}
    assert [change["kind"] for change in page["changes"]] == ["unit", "unit", "packages", "config", "file", "file", "daemon", "firewall"]  # fmt: skip  # noqa: E501
    assert [one["name"] for one in page["packages"]["added"]] == ["ntpsec", "python3-ntp"]
    assert [one["name"] for one in page["packages"]["removed"]] == ["systemd-timesyncd"]
    assert page["upstreams"][0] == {"name": NAMES[0], "address": PINS[0].address}
    assert page["offset_ms"] == 1.0
    assert typed(line) == 0
    assert "+++ /etc/ntpsec/ntp.conf" in typed.out


def test_a_plan_with_nothing_to_do(typed: Typed) -> None:
    typed.host(converged(), chosen=False)
    code, page = typed.json("plan")
    assert (code, page["changed"], page["offset_ms"]) == (0, False, None)
    assert {change["state"] for change in page["changes"]} == {"unchanged"}
    assert page["packages"] == {"added": [], "removed": []}
    assert typed("plan") == 0
    assert "Nothing to do" in typed.out


@pytest.mark.parametrize("line", ["plan", "setup --yes"])
def test_blocked_is_3_and_nothing_was_touched(typed: Typed, line: str) -> None:
    typed.host(fresh(system__root=False), root=False)
    code, page = typed.json(line)
    assert code == 3
    assert set(page) == ENVELOPE | PLANNED
    assert page["changed"] is False
    [blocker] = page["blockers"]
    assert blocker == {"code": "not-root", "text": "this needs root", "remedy": "type the same with sudo before it"}
    assert typed(line) == 3
    assert "Nothing was touched" in typed.out


def test_setup_that_went_well(typed: Typed) -> None:
    typed.host(fresh())
    typed.applied()
    typed.monkeypatch.setattr(commands, "judge", lambda *_: ())
    code, page = typed.json("setup --yes")
    assert code == 0
    assert set(page) == ENVELOPE | PLANNED | CHECKED
    assert {change["state"] for change in page["changes"]} == {"done"}
    assert page["changed"] is True
    assert typed("setup --yes") == 0
    assert "Ready to join the pool, as far as can be seen from here" in typed.out


def test_setup_that_found_nothing_to_do(typed: Typed) -> None:
    typed.host(converged(), chosen=False)
    code, page = typed.json("setup --yes")
    assert (code, page["changed"]) == (0, False)
    assert {check["id"] for check in page["checks"]} >= {"service.running", "outside"}
    assert {key for check in page["checks"] for key in check} == {"id", "state", "text", "remedy"}


def test_setup_that_is_not_synchronised_yet_is_5(typed: Typed) -> None:
    board = replace(BOARD, system=replace(BOARD.system, peer_associd=0))  # type: ignore[type-var]
    typed.host(converged(daemon__board=board), chosen=False, board=board)
    assert typed.json("setup --yes --wait 1")[0] == 5
    assert typed("setup --yes --wait 1") == 5
    assert "not synchronised yet" in typed.out


@pytest.mark.parametrize(("manager", "code"), [("firewalld", 5), ("rules", 5), ("none", 0)])
def test_a_rule_left_to_the_operator_is_5(typed: Typed, manager: str, code: int) -> None:
    typed.host(converged(firewall__manager=manager), chosen=False)
    assert typed("setup --yes") == code


def test_setup_whose_last_look_finds_a_fault_is_4(typed: Typed) -> None:
    typed.host(converged(), chosen=False)
    evidence = replace(GOOD, tells={**GOOD.tells, "203.0.113.7": True})
    typed.monkeypatch.setattr(commands, "gather", lambda *_: evidence)
    assert typed("setup --yes") == 4


@pytest.mark.parametrize(
    ("error", "states", "code"),
    [
        (StepFailed("no"), ("restored",), 1),
        (StepFailed("no"), (), 1),
        (StepFailed("no"), ("restored", "kept"), 4),
        (StepFailed("no"), ("failed",), 4),
        (Interrupted("interrupted", 2), ("restored",), 130),
        (Interrupted("asked to end", 15), ("restored",), 143),
        (Interrupted("the terminal is gone", 1), ("restored",), 143),
        (Interrupted("interrupted", 2), ("failed",), 4),
    ],
)
def test_setup_that_failed(typed: Typed, error: Exception, states: tuple[str, ...], code: int) -> None:
    typed.host(fresh())
    typed.applied(error, *states)
    found, page = typed.json("setup --yes")
    assert found == code
    assert set(page) == ENVELOPE | PLANNED | {"taken_back"}
    assert page["changed"] is (code == 4)
    assert [one["state"] for one in page["taken_back"]] == list(states)
    assert {key for one in page["taken_back"] for key in one} <= {"run", "kind", "object", "state", "text"}
    assert page["errors"][0]["message"] == str(error)
    assert typed("setup --yes") == code
    assert str(error) in typed.err


def test_upstreams_that_never_answer_ntpd_are_taken_back(typed: Typed) -> None:
    mute = replace(BOARD, peers=tuple(replace(peer, reach=0, tally=" ") for peer in BOARD.peers), system=replace(BOARD.system, peer_associd=0))  # type: ignore[type-var]  # fmt: skip  # noqa: E501
    typed.host(fresh(), board=mute)
    typed.applied()
    code, page = typed.json("setup --yes --wait 30")
    assert code == 1
    assert "filters UDP 123" in page["errors"][0]["message"]
    assert typed("setup --yes --wait 29") == 5


# --- errors that no command shows itself


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageProblem("a", "b"), 2),
        (Blocked("a", "b"), 3),
        (JournalProblem("a", "b"), 3),
        (StepFailed("a", "b"), 1),
        (Interrupted("a", 2), 130),
        (Interrupted("a", 15), 143),
        (Interrupted("a", 1), 143),
        (click.Abort(), 130),
    ],
)
def test_every_error_has_its_code_and_is_one_object(typed: Typed, error: Exception, code: int) -> None:
    def raises(*_: Any, **__: Any) -> None:
        raise error

    typed.monkeypatch.setattr(commands, "prepare", raises)
    found, page = typed.json("plan")
    assert (found, set(page)) == (code, ENVELOPE)
    assert len(page["errors"]) == 1
    assert typed("plan") == code
    assert typed.out == ""
    assert typed.err.startswith("ntpjoin: ")


# --- undo and verify


def undoable(typed: Typed, *states: str) -> None:
    typed.host(converged())
    change = decide(fresh(), WISH, Consent(), pins=PINS, choice=None).changes[-1]
    entry = Entry(1, change.kind, change.fields(), {"families": []}, "done")
    run = Run(1, "done", {}, (), (entry,) if states else ())
    typed.monkeypatch.setattr(Journal, "runs", lambda _: (run,) if states else ())
    back = tuple(TakenBack(1, change, Undone(state, "x")) for state in states)  # type: ignore[arg-type]
    typed.monkeypatch.setattr(commands, "undo_runs", lambda *_: back)


@pytest.mark.parametrize(
    ("states", "code"), [((), 0), (("restored",), 0), (("restored", "kept"), 4), (("failed", "restored"), 4)]
)
def test_undo(typed: Typed, states: tuple[str, ...], code: int) -> None:
    undoable(typed, *states)
    found, page = typed.json("undo --yes")
    assert (found, set(page)) == (code, ENVELOPE | {"taken_back"})
    assert [one["state"] for one in page["taken_back"]] == list(states)
    assert typed("undo --yes") == code
    assert ("Nothing to undo" in typed.out) is (not states)
    assert ("clients have asked this server lately" in typed.out) is bool(states)


@pytest.mark.parametrize(("root", "words"), [(False, "this needs root"), (True, "another ntpjoin")])
def test_undo_is_blocked_without_root_and_beside_another(typed: Typed, root: bool, words: str) -> None:
    typed.host(converged(), root=root)
    typed.monkeypatch.setattr(commands, "_lock", lambda _: None)
    code, page = typed.json("undo --yes")
    assert (code, set(page)) == (3, ENVELOPE)
    assert words in page["errors"][0]["message"]


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ({}, 0),
        ({"firewall__manager": "rules"}, 0),
        ({"holders": ()}, 1),
        ({"daemon__board__system__leap": 3}, 1),
        ({"daemon__board__system__leap": 3, "daemon__age_s": 20.0}, 5),
        ({"daemon__board__system__leap": 3, "daemon__age_s": 20.0, "holders": ()}, 1),
        ({"system__row": None}, 3),
    ],
)
def test_verify(typed: Typed, parts: dict[str, Any], code: int) -> None:
    typed.host(converged(**parts))
    found, page = typed.json("verify")
    assert found == code
    assert set(page) == (ENVELOPE if code == 3 else ENVELOPE | CHECKED)
    assert typed("verify") == code
    if code == 0:
        assert set(page["system"]) == {
            "leap", "stratum", "refid", "peer_associd", "version", "offset_ms", "root_delay_ms", "root_dispersion_ms",
            "sys_jitter_ms", "frequency_ppm",
        }  # fmt: skip
        assert set(page["peers"][0]) == {
            "associd", "tally", "address", "refid", "stratum", "reach", "hmode", "poll_s", "configured", "when_s", "delay_ms",
            "offset_ms", "jitter_ms",
        }  # fmt: skip
        assert page["settled"] is True
        assert NAMES[0] in typed.out


@pytest.mark.parametrize("line", ["setup --yes", "plan", "undo --yes", "verify"])
def test_not_on_a_terminal_there_are_no_escapes_and_no_redrawing(typed: Typed, line: str) -> None:
    undoable(typed, "restored")
    typed(line)
    for text in (typed.out, typed.err):
        assert "\x1b" not in text
        assert "\r" not in text
