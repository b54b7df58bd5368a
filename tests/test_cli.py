"""What is typed and what comes back: help, exit codes, one JSON object whatever happens, and no word on the wrong stream."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Optional

import click
import pytest

from ntpjoin import cli as cli_module
from ntpjoin.board import Billboard
from ntpjoin.cli import cli
from ntpjoin.commands import common, detect, plan, render, resolve, setup, step, undo, verify, web_redirect
from ntpjoin.commands import upstreams as upstreams_command
from ntpjoin.errors import Blocked, Interrupted, JournalProblem, StepFailed, UsageProblem
from ntpjoin.facts import Facts, Holder, JournalFacts, RunFact, Setter
from ntpjoin.host.journal import Entry, Journal, Run
from ntpjoin.host.machine import Host
from ntpjoin.model import Asked, Candidate, Consent, Resolved, Undone
from ntpjoin.provision.apply import Outcome
from ntpjoin.provision.plan import Plan, decide, decide_configuration
from ntpjoin.provision.prepare import Prepared
from ntpjoin.provision.render import ntp_conf
from ntpjoin.provision.steps import StepCommand, decide_step
from ntpjoin.provision.undo import TakenBack
from ntpjoin.upstreams.catalogue import Server
from tests.conftest import put
from tests.sample import BOARD, NAMES, PINS, ROW, WISH, changed, choice, converged, fresh, sample
from tests.test_checks_verify import GOOD
from tests.test_look_detect import found as detected

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


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    return Typed(monkeypatch, capsys)


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

# --- help


def options_of(command: click.Command) -> list[click.Option]:
    found = [param for param in command.params if isinstance(param, click.Option)]
    words = ("resolve", "survey", "score", "probe", "lint")
    assert len(command.params) - len(found) == (command.name in words), "only these take words"
    return found


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_every_command_has_help(typed: Typed, name: str, option: str) -> None:
    assert typed(f"{name} {option}") == 0
    assert typed.out.startswith(f"Usage: ntpjoin {name}")
    assert typed.err == ""


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_every_option_says_what_it_does(name: str) -> None:
    command = LEAVES[name]
    assert (command.help or "").split("\n")[0].endswith(".")
    for option in options_of(command):
        assert option.help, option.name
        assert option.help.endswith("."), option.name


def test_an_option_means_the_same_everywhere() -> None:
    meanings: dict[str, set[Optional[str]]] = {}
    for command in LEAVES.values():
        for option in options_of(command):
            for name in (*option.opts, *option.secondary_opts):
                meanings.setdefault(name, set()).add(option.help)
    assert {name for name, helps in meanings.items() if len(helps) > 1} == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_takes_the_options_of_all(name: str) -> None:
    taken = {one for option in LEAVES[name].params for one in option.opts}
    assert {"--json", "-v", "--verbose", "-q", "--quiet", "--color"} <= taken
    assert ({"-y", "--yes"} <= taken) is (name in ("setup", "undo", "web-redirect", *STEPS))
    assert ("--dry-run" in taken) is (name in ("setup", "web-redirect", *STEPS))


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
        *STEPS,
        "install --yes --upstream not_a_name",
        "resolve",
        "resolve not_a_name",
        "resolve 127.0.0.1",
        "resolve --upstream ntp1.example.net",
        "resolve ntp1.example.net --resolver localhost",
        "resolve ntp1.example.net --resolver 127.0.0.53:53",
        "resolve ntp1.example.net --resolver",
        "render --upstream not_a_name",
        "render --replace",
        "detect ntp1.example.net",
        "firewall --yes --no-firewall",
        "restart --upstream ntp1.example.net",
        "web-redirect ntp1.example.net",
        "web-redirect --apply",
        "web-redirect --yes",
        "web-redirect --dry-run",
        "web-redirect --take-default",
        "upstreams list ntp1.example.net",
        "upstreams list --country Germany",
        "upstreams list --near 52.5",
        "upstreams list --near 91,0",
        "upstreams list --country ZZ",
        "upstreams list --catalogue /no/such/file",
        "upstreams list --catalogue /dev/null",
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


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize(
    "words", ["--json --bogus", "--bogus --json", "--json --color blue", "--color --json", "--json --wait"]
)
def test_whatever_is_refused_every_command_prints_exactly_one_object(typed: Typed, name: str, words: str) -> None:
    assert typed(f"{name} {words}") == 2
    page = json.loads(typed.out)  # two objects, or a word beside one, would not be JSON
    assert (page["command"], page["exit"], len(page["errors"])) == (name, 2, 1)


def test_a_prompt_without_a_terminal_says_what_to_type(typed: Typed) -> None:
    assert typed("setup") == 2
    assert "--yes" in typed.err
    assert "--dry-run" in typed.err


@pytest.mark.parametrize(
    "line", ["plan --upstream ntp1.example.net", "setup --yes --few --upstream a.example --upstream b.example"]
)
def test_a_wrong_number_of_upstreams_is_2_before_any_packet(typed: Typed, line: str) -> None:
    typed.monkeypatch.setattr("ntpjoin.provision.prepare.look", lambda _: fresh())
    typed.monkeypatch.setattr(Host, "is_root", lambda _: False)
    code, page = typed.json(line)
    assert code == 2
    assert "are needed" in page["errors"][0]["message"]
    many = " ".join(f"--upstream ntp{number}.example.net" for number in range(8))
    assert typed(f"plan {many}") == 2
    assert "no more than 7" in typed.err


def test_only_what_was_given_is_handed_on(typed: Typed) -> None:
    typed.host(fresh())
    typed("plan")
    assert typed.given == {}
    typed(
        "plan --upstream NTP1.example.net. --upstream ntp2.example.net --upstream ntp1.example.net --no-firewall --no-few"
    )
    assert "ntp1.example.net is named more than once; it counts once" in typed.err
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
    assert [change["kind"] for change in page["changes"]] == ["unit", "unit", "packages", "config", "file", "file", "setting", "daemon", "firewall"]  # fmt: skip  # noqa: E501
    assert [one["name"] for one in page["packages"]["added"]] == ["ntpsec", "python3-ntp"]
    assert [one["name"] for one in page["packages"]["removed"]] == ["systemd-timesyncd"]
    pin = {"name": NAMES[0], "address": PINS[0].address, "minpoll": 0, "iburst": True}
    assert page["upstreams"][0] == pin
    assert page["offset_ms"] == 1.0
    assert typed(line) == 0
    assert "+++ /etc/ntpsec/ntp.conf" in typed.out


def test_a_plan_with_nothing_to_do(typed: Typed) -> None:
    typed.host(converged(), chosen=False)
    code, page = typed.json("plan")
    assert (code, page["changed"], page["offset_ms"]) == (0, False, None)
    assert {change["state"] for change in page["changes"]} == {"unchanged"}
    assert page["packages"] == {"added": [], "upgraded": [], "removed": []}
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


def busy(_: Host) -> None:
    raise Blocked("another ntpjoin (process 7) is changing this host", "wait until it has ended; look at: ps 7")


def test_beside_another_run_setup_is_blocked_before_it_looks(typed: Typed) -> None:
    typed.host(fresh())
    typed.command("locked", busy)
    code, page = typed.json("setup --yes")
    assert (code, set(page)) == (3, ENVELOPE)
    assert "another ntpjoin (process 7)" in page["errors"][0]["message"]
    assert typed("setup --yes") == 3
    assert "Nothing was changed.\n  wait until it has ended; look at: ps 7\n" in typed.err


def test_the_lock_is_held_while_a_command_works_and_dropped_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run").mkdir()
    host = Host(root=tmp_path)
    monkeypatch.setattr(Host, "is_root", lambda _: True)
    with common.locked(host), pytest.raises(Blocked), common.locked(host):
        pass
    with common.locked(host):
        monkeypatch.setattr(Host, "is_root", lambda _: False)
        with common.locked(host):
            pass


def asked(typed: Typed, answer: str) -> None:
    """There is somebody at a terminal, who answers so."""
    typed.monkeypatch.setattr("ntpjoin.show.screen.Screen.asks", lambda _: True)
    typed.monkeypatch.setattr(sys.stdin, "readline", lambda: answer, raising=False)


@pytest.mark.parametrize("line", ["setup", "undo"])
def test_with_json_too_the_plan_is_shown_before_it_is_asked_for(typed: Typed, line: str) -> None:
    undoable(typed, "restored")
    typed.host(fresh())
    asked(typed, "n\n")
    code, _ = typed.json(line)
    assert code == 130
    assert typed.err.index("123/udp in ufw") < typed.err.index("Go ahead?")
    assert typed(line) == 130
    assert "123/udp in ufw" in typed.out
    assert "123/udp in ufw" not in typed.err


def test_setup_that_went_well(typed: Typed) -> None:
    typed.host(fresh())
    typed.applied()
    typed.command("judge", lambda *_: ())
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
    assert {key for check in page["checks"] for key in check} == {"id", "state", "text", "remedy", "measure"}


def test_setup_that_is_not_synchronised_yet_is_5(typed: Typed) -> None:
    board = replace(BOARD, system=replace(BOARD.system, peer_associd=0))  # type: ignore[type-var]
    typed.host(converged(daemon__board=board), chosen=False, board=board)
    assert typed.json("setup --yes --wait 1")[0] == 5
    assert typed("setup --yes --wait 1") == 5
    assert "not synchronised yet" in typed.out


def test_setup_that_only_had_to_wait_is_judged_by_what_it_waited_for(typed: Typed) -> None:
    early = replace(BOARD, system=replace(BOARD.system, peer_associd=0))  # type: ignore[type-var]
    typed.host(converged(daemon__board=early), chosen=False)
    code, page = typed.json("setup --yes")
    assert (code, page["changed"], page["settled"]) == (0, False, True)
    assert not [check for check in page["checks"] if check["state"] == "fail"]


@pytest.mark.parametrize("broken", ["look_again", "settle"])
def test_an_error_after_the_last_change_takes_all_of_it_back(typed: Typed, broken: str) -> None:
    def hangs(*_: Any) -> Any:
        raise StepFailed("systemctl show did not end within 30 s")

    typed.host(fresh())
    typed.applied(None, "restored")
    taken: list[Outcome] = []

    def take_back(_: Any, outcome: Outcome) -> Outcome:
        taken.append(outcome)
        return outcome

    typed.monkeypatch.setattr(vars(setup)["Applier"], "take_back", take_back)
    typed.command(broken, hangs)
    assert typed("setup --yes") == 1
    assert "did not end within 30 s" in typed.err
    assert "Nothing was changed" not in typed.err
    assert len(taken) == 1


def test_the_next_step_names_an_address_that_others_can_ask(typed: Typed) -> None:
    addresses = ("10.0.0.5", "172.17.0.1", "1.2.3.4")
    holders = tuple(Holder(812, "ntpd", address) for address in addresses)
    typed.host(changed(converged(), addresses=addresses, holders=holders), chosen=False)
    assert typed("setup --yes") == 0
    assert "run `ntpjoin probe 1.2.3.4 --mine` on another machine" in typed.out


LEFT = {"firewall__admits": {"IPv4": False, "IPv6": True}, "firewall__opens": (), "firewall__remedy": ("type this",)}


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ({"firewall__manager": "firewalld"}, 0),
        ({"firewall__manager": "nftables"}, 0),
        ({"firewall__manager": "none"}, 0),
        ({"firewall__manager": "unknown"}, 5),
        ({"firewall__manager": "nftables", **LEFT}, 5),
        ({"firewall__manager": "ufw", **LEFT}, 5),
        ({"firewall__manager": "iptables", **LEFT, "firewall__admits": {"IPv4": True, "IPv6": None}}, 5),
        ({"firewall__families": ("IPv4",), "firewall__closed": ("IPv6",)}, 0),
    ],
)
def test_a_rule_left_to_the_operator_is_5(typed: Typed, parts: dict[str, Any], code: int) -> None:
    typed.host(converged(**parts), chosen=False)
    assert typed("setup --yes") == code
    assert ("UDP 123 is still to be let in, by hand.\n  next   type this" in typed.out) is ("firewall__remedy" in parts)


def test_a_rule_left_to_the_operator_does_not_hide_a_fault(typed: Typed) -> None:
    typed.host(converged(firewall__manager="nftables", **LEFT), chosen=False)
    typed.command("gather", lambda *_: replace(GOOD, tells={**GOOD.tells, "203.0.113.7": (6,)}))
    assert typed("setup --yes") == 4


def test_setup_whose_last_look_finds_a_fault_is_4(typed: Typed) -> None:
    typed.host(converged(), chosen=False)
    evidence = replace(GOOD, tells={**GOOD.tells, "203.0.113.7": (6,)})
    typed.command("gather", lambda *_: evidence)
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


# --- one step alone


@pytest.mark.parametrize("name", STEPS)
def test_a_step_that_would_be_done(typed: Typed, name: str) -> None:
    typed.host(fresh() if name != "restart" else converged())
    code, page = typed.json(f"{name} --dry-run")
    assert (code, set(page)) == (0, ENVELOPE | PLANNED)
    assert page["changed"] is True
    assert {change["state"] for change in page["changes"]} == {"pending"}
    assert typed(f"{name} --dry-run") == 0
    assert "`ntpjoin undo --last` takes all of this back." in typed.out


@pytest.mark.parametrize("name", STEPS)
def test_a_step_that_was_done(typed: Typed, name: str) -> None:
    typed.host(fresh() if name != "restart" else converged())
    typed.applied()
    code, page = typed.json(f"{name} --yes")
    assert (code, set(page), page["changed"]) == (0, ENVELOPE | PLANNED, True)
    assert {change["state"] for change in page["changes"]} == {"done"}
    assert typed(f"{name} --yes") == 0
    assert "  next   ntpjoin " in typed.out


@pytest.mark.parametrize("name", ["install", "firewall"])
def test_a_step_with_nothing_to_do_says_so(typed: Typed, name: str) -> None:
    typed.host(converged())
    code, page = typed.json(f"{name} --yes")
    assert (code, page["changed"]) == (0, False)
    assert typed(name + " --yes") == 0
    assert typed.out.rstrip().endswith("Nothing to do: all of it is so already.")


@pytest.mark.parametrize("name", STEPS)
def test_a_step_that_failed(typed: Typed, name: str) -> None:
    typed.host(fresh() if name != "restart" else converged())
    typed.applied(StepFailed("no"), "restored")
    code, page = typed.json(f"{name} --yes")
    assert (code, set(page)) == (1, ENVELOPE | PLANNED | {"taken_back"})


@pytest.mark.parametrize(("name", "code"), [("restart", "no-daemon"), ("install", "packages")])
def test_a_step_that_is_blocked(typed: Typed, name: str, code: str) -> None:
    typed.host(fresh(packages__problem="E: x"))
    for line in (f"{name} --yes", f"{name} --dry-run"):
        found, page = typed.json(line)
        assert (found, [one["code"] for one in page["blockers"]]) == (3, [code])


@pytest.mark.parametrize("manager", ["firewalld", "nftables"])
def test_a_rule_that_is_left_to_the_operator_is_5_for_the_step_too(typed: Typed, manager: str) -> None:
    typed.host(fresh(firewall__manager=manager, **LEFT))
    assert typed.json("firewall --yes")[0] == 5
    assert typed("firewall --yes") == 5
    assert "by hand.\n  next   type this" in typed.out
    typed.host(fresh(firewall__manager=manager, **LEFT))
    typed.applied()
    assert typed("install --yes") == 0


def test_a_step_is_asked_for_as_setup_is(typed: Typed) -> None:
    typed.host(fresh())
    asked(typed, "n\n")
    assert typed("firewall") == 130
    assert typed.json("firewall")[0] == 130
    assert "allow 123/udp in ufw" in typed.err


def test_install_asks_whom_it_is_told_to_ask(typed: Typed) -> None:
    typed.host(fresh())
    typed(f"install --dry-run --few --allow-private {FOUR}")
    assert typed.given == {"upstreams": NAMES[:4], "few": True, "allow_private": True}


# --- what changes nothing


def test_detect(typed: Typed) -> None:
    typed.command("detect", lambda _: detected(fresh(), unknown=("the moon",)))
    code, page = typed.json("detect")
    assert code == 0
    assert set(page) == ENVELOPE | {
        "os", "machine", "package_manager", "ntpd", "files", "firewall", "time_daemons", "setters",
        "udp_123", "unknown",
    }  # fmt: skip
    assert page["unknown"] == ["the moon"]
    assert typed("detect") == 0
    assert typed.out.splitlines()[-1] == "? the moon"


def upstreams(typed: Typed, *, unseen: bool = False) -> list[dict[str, Any]]:
    """Four good servers, a silent one, a private one and one of the pool; returns what the survey is told."""
    good = [Candidate(Resolved(f"ntp{n}.example.net", (), (f"9.9.9.{n}",), 300), (Asked(f"9.9.9.{n}", sample(f"9.9.9.{n}")),)) for n in range(1, 5)]  # fmt: skip  # noqa: E501
    silent = Candidate(Resolved("silent.example.net", ("real.example.net",), ("9.9.9.9",), 60), (Asked("9.9.9.9", problem="no answer"),))  # fmt: skip  # noqa: E501
    every = {one.name: one for one in (*good, silent)}
    every["private.example.net"] = Candidate(Resolved("private.example.net", (), ("10.9.8.7",), 60))
    every["0.pool.ntp.org"] = Candidate(Resolved("0.pool.ntp.org", (), ("9.9.9.1",), 60))
    every["nx.example.net"] = Candidate(Resolved("nx.example.net", problem="no such name"))
    told: list[dict[str, Any]] = []

    def survey(names: tuple[str, ...], **how: Any) -> tuple[Candidate, ...]:
        told.append(how)
        return tuple(every[name] for name in names)

    wish = replace(WISH, public_addresses=("198.51.100.7",))
    remembered = JournalFacts() if unseen else JournalFacts((RunFact(1, "done", wish, PINS),))
    typed.command("look_journal", lambda _: replace(remembered, unseen=unseen))
    typed.command("look_addresses", lambda _: ("203.0.113.7",))
    typed.command("survey", survey)
    return told


def test_resolve_names_that_can_be_followed(typed: Typed) -> None:
    told = upstreams(typed)
    code, page = typed.json("resolve ntp1.example.net NTP2.example.net. ntp1.example.net")
    assert (code, set(page)) == (0, ENVELOPE | {"names", "unknown"})
    assert [(one["name"], one["followed"], one["ttl_s"]) for one in page["names"]] == [
        ("ntp1.example.net", True, 300),
        ("ntp2.example.net", True, 300),
    ]
    [address] = page["names"][0]["addresses"]
    assert (address["address"], address["stratum"], address["problem"]) == ("9.9.9.1", 2, "")
    assert (address["offset_ms"], address["delay_ms"]) == (1.0, 10.0)
    own = ("203.0.113.7", "198.51.100.7")
    how: dict[str, Any] = {"refused": {}, "nameservers": None, "gaps_s": {}}
    assert told == [{"own_addresses": own, "allow_private": True, **how}]
    assert page["unknown"] == []
    assert typed("resolve ntp1.example.net") == 0
    assert typed.out == (
        "ntp1.example.net  (TTL 300 s)\n  9.9.9.1  stratum 2, offset +1.0 ms, delay 10.0 ms\n  ✓ can be followed\n"
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("silent.example.net", ("alias of real.example.net", "9.9.9.9  no answer", "✗ cannot be followed: no answer")),
        ("0.pool.ntp.org", ("not asked: a rule forbids the name", "a name of the pool itself")),
        ("nx.example.net", ("cannot be followed: no such name",)),
    ],
)
def test_resolve_a_name_that_cannot_be_followed(typed: Typed, name: str, words: tuple[str, ...]) -> None:
    upstreams(typed)
    code, page = typed.json(f"resolve ntp1.example.net {name}")
    assert code == 1
    assert [one["followed"] for one in page["names"]] == [True, False]
    assert page["names"][1]["why"]
    assert typed(f"resolve {name}") == 1
    for word in words:
        assert word in typed.out


def test_resolve_tells_which_option_would_help(typed: Typed) -> None:
    told = upstreams(typed)
    code, page = typed.json("resolve private.example.net --no-allow-private")
    assert (code, page["names"][0]["remedy"]) == (1, "--allow-private")
    assert page["names"][0]["addresses"][0]["problem"] == "not asked: a private address (RFC 1918)"
    assert told[-1]["allow_private"] is False
    assert typed("resolve private.example.net --no-allow-private") == 1
    assert "add --allow-private" in typed.out


def test_resolve_asks_the_dns_servers_that_are_named(typed: Typed) -> None:
    told = upstreams(typed)
    assert typed("resolve ntp1.example.net --resolver 2001:DB8::53 --resolver 127.0.0.53 --resolver 127.0.0.53") == 0
    assert told[-1]["nameservers"] == ("2001:db8::53", "127.0.0.53")


def test_resolve_names_what_it_cannot_read(typed: Typed) -> None:
    told = upstreams(typed, unseen=True)
    code, page = typed.json("resolve ntp1.example.net")
    assert code == 0
    assert "root" in page["unknown"][0]
    assert told[-1]["allow_private"] is False
    assert typed("resolve ntp1.example.net") == 0
    assert typed.out.splitlines()[-1].startswith("? ")


def test_render_prints_the_file_and_nothing_else(typed: Typed) -> None:
    typed.host(fresh())
    code, page = typed.json("render")
    assert (code, set(page)) == (0, ENVELOPE | PLANNED | {"content"})
    assert [change["object"] for change in page["changes"]] == [ROW.config]
    assert page["content"] == ntp_conf(ROW, PINS, leapfile=True)
    assert typed("render --survey") == 0
    assert typed.out == ntp_conf(ROW, PINS, leapfile=True)
    assert typed.err == ""
    assert typed.given == {"survey": True}


def test_render_the_difference(typed: Typed) -> None:
    typed.host(fresh())
    assert typed("render --diff") == 0
    assert typed.out.startswith(f"--- /dev/null\n+++ {ROW.config}\n")
    typed.host(converged(), chosen=False)
    assert typed("render --diff") == 0
    assert typed.out == ""
    assert typed.json("render --diff")[1]["changed"] is False


def test_render_says_beside_the_file_what_is_to_be_known(typed: Typed) -> None:
    typed.host(fresh(journal=JournalFacts(unseen=True)))
    assert typed("render") == 0
    assert typed.out == ntp_conf(ROW, PINS, leapfile=True)
    assert "can only be read by root" in typed.err


@pytest.mark.parametrize(
    ("parts", "code"), [({"system__row": None}, "system"), ({"journal": JournalFacts(problem="corrupt")}, "journal")]
)
def test_render_that_cannot_be_told_is_3(typed: Typed, parts: dict[str, Any], code: str) -> None:
    typed.host(fresh(**parts))
    found, page = typed.json("render")
    assert (found, page["content"], [one["code"] for one in page["blockers"]]) == (3, "", [code])
    assert typed("render") == 3
    assert typed.out == ""
    assert "cannot be told" in typed.err


SERVERS = """host,country,place,lat,lon,stratum,operator,access,notify,use_name,gap_s,minpoll,smears,anycast,note
ntp1.paris.example,FR,Paris,48.86,2.35,1,Alpha,open,yes,yes,16,8,no,no,one host a site
ntp2.berlin.example,DE,Berlin,52.52,13.4,2,Bravo,open,no,no,,,,no,
ntp3.berlin.example,DE,Berlin,52.52,13.4,,Charlie,closed,no,no,,,,no,
ntp4.example,US,,,,3,Delta,open,no,no,,,,yes,
ntp5.rome.example,IT,Rome,41.9,12.5,1,Echo,open,no,no,,,yes,no,
0.pool.ntp.org,DE,Berlin,52.52,13.4,2,Pool,open,no,no,,,,no,
"""


@pytest.fixture
def listing(typed: Typed, tree: Host, monkeypatch: pytest.MonkeyPatch) -> Typed:
    """A host in Berlin whose operator has a catalogue of his own."""
    put(tree, "/etc/timezone", "Europe/Berlin\n")
    put(tree, "/usr/share/zoneinfo/zone.tab", "DE\t+5230+01322\tEurope/Berlin\nFR\t+4852+00220\tEurope/Paris\n")
    put(tree, "/srv/servers.csv", SERVERS)
    monkeypatch.setattr(upstreams_command, "Host", lambda _: tree)
    return typed


LIST = "upstreams list --catalogue /srv/servers.csv"


def test_a_group_alone_tells_what_it_has(typed: Typed) -> None:
    assert typed("upstreams") == 0
    assert typed.out.startswith("Usage: ntpjoin upstreams")
    assert "list    List the servers" in typed.out
    code, page = typed("upstreams lost --json"), json.loads(typed.out)
    assert (code, page["command"], page["errors"][0]["remedy"]) == (2, "upstreams", "type: ntpjoin upstreams --help")
    assert typed("upstreams list --lost") == 2
    assert "type: ntpjoin upstreams list --help" in typed.err


def test_servers_that_may_be_used_nearest_first(listing: Typed) -> None:
    assert listing(LIST) == 0
    assert listing.err == ""
    near, far, anywhere, last = listing.out.splitlines()
    assert near.split() == ["ntp2.berlin.example", "3", "km", "DE", "Berlin", "stratum", "2", "open", "Bravo"]
    assert far.startswith("ntp1.paris.example   874 km   FR Paris   stratum 1  open  Alpha  ")
    assert far.endswith(
        "asks for a mail; 16 s between packets; 256 s between polls; by name, not by address; one host a site"
    )
    assert anywhere.split() == ["ntp4.example", "anycast", "US", "stratum", "3", "open", "Delta"]
    assert last == "0 more may be used, 3 may not: add --all to see them"


def test_every_server_with_the_reason_that_speaks_against_it(listing: Typed) -> None:
    assert listing(f"{LIST} --all") == 0
    lines = {line.split()[0]: line for line in listing.out.splitlines()}
    assert list(lines) == [
        "0.pool.ntp.org", "ntp2.berlin.example", "ntp3.berlin.example", "ntp1.paris.example", "ntp5.rome.example", "ntp4.example",
    ]  # fmt: skip
    assert "a name of the pool itself" in lines["0.pool.ntp.org"]
    assert "stratum ?" in lines["ntp3.berlin.example"]
    assert "closed: not offered to the public" in lines["ntp3.berlin.example"]
    assert "it smears leap seconds" in lines["ntp5.rome.example"]


@pytest.mark.parametrize("where", ["--country FR", "--country fr", "--near 48.8,2.3", "--country DE --near 48.8,2.3"])
def test_where_this_host_stands_can_be_told(listing: Typed, where: str) -> None:
    assert listing(f"{LIST} {where}") == 0
    assert listing.out.startswith("ntp1.paris.example")


def test_without_a_place_the_list_goes_by_country_and_says_so(listing: Typed, tree: Host) -> None:
    put(tree, "/etc/timezone", "Etc/UTC\n")
    assert listing(LIST) == 0
    hosts = [line.split()[0] for line in listing.out.splitlines()]
    assert hosts[:-1] == ["ntp2.berlin.example", "ntp1.paris.example", "ntp4.example"]
    assert " km" not in listing.out
    assert "--country CC or --near LAT,LON" in listing.err
    assert listing.json(LIST)[1]["place"] is None


def test_a_list_as_one_object(listing: Typed) -> None:
    code, page = listing.json(LIST)
    assert (code, set(page)) == (0, ENVELOPE | {"place", "upstreams", "more"})
    assert page["more"] == 3
    assert page["place"]["what"] == "the time zone Europe/Berlin"
    fields = {field.name for field in dataclasses.fields(Server)}
    assert all(set(one) == fields | {"distance_km", "refused"} for one in page["upstreams"])
    assert [(one["host"], one["refused"]) for one in page["upstreams"]] == [
        ("ntp2.berlin.example", ""), ("ntp1.paris.example", ""), ("ntp4.example", ""),
    ]  # fmt: skip
    assert [one["distance_km"] for one in page["upstreams"]] == [3.2, 874.1, None]
    assert len(listing.json(f"{LIST} --all")[1]["upstreams"]) == 6


def test_our_own_catalogue_is_shown_in_part(listing: Typed) -> None:
    assert listing("upstreams list") == 0
    assert len(listing.out.splitlines()) == 21
    code, page = listing.json("upstreams list --all")
    assert code == 0
    assert len(page["upstreams"]) >= 300
    assert page["more"] == 0


def test_a_file_that_is_wrong_is_told_line_by_line(listing: Typed, tree: Host) -> None:
    put(tree, "/srv/servers.csv", "host,access\nntp1.example.net,x\nntp2.example.net,y\n")
    assert listing(LIST) == 2
    assert [line.split(":")[0] for line in listing.err.splitlines()] == [
        "ntpjoin", "  line 2", "  line 3", "  docs/reference/catalogue.md tells the columns and their values.",
    ]  # fmt: skip


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

    typed.command("prepare", raises)
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
    typed.command("undo_runs", lambda *_: back)


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
    typed.command("locked", busy)
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
            "sys_jitter_ms", "frequency_ppm", "smear_interval_s", "event",
        }  # fmt: skip
        assert set(page["peers"][0]) == {
            "associd", "tally", "address", "refid", "stratum", "reach", "hmode", "poll_s", "configured", "when_s", "delay_ms",
            "offset_ms", "jitter_ms", "source", "flash", "event", "nts_cookies", "type",
        }  # fmt: skip
        assert page["settled"] is True
        assert NAMES[0] in typed.out


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ({}, 0),
        ({"daemon__board__system__leap": 3, "daemon__age_s": 20.0}, 5),
        ({"setters": (Setter("x", "y", "z"),)}, 1),
        ({"setters": (Setter("x", "y", "z"),), "daemon__board__system__leap": 3, "daemon__age_s": 20.0}, 1),
    ],
)
def test_where_it_is_strict_verify_counts_warnings(typed: Typed, parts: dict[str, Any], code: int) -> None:
    typed.host(converged(**parts))
    assert typed("verify --strict --quiet") == code
    assert "sync.peer" in typed.out
    assert ("1 warn, which --strict counts as a fault" in typed.out) is (code == 1 and len(parts) == 1)


@pytest.mark.parametrize(("option", "wished"), [("--monitor", True), ("--no-monitor", False)])
def test_a_daily_check_is_wished_for_and_switched_off(typed: Typed, option: str, wished: bool) -> None:
    typed.host(converged())
    for command in ("plan", "setup --yes --dry-run"):
        assert typed(f"{command} {option}") == 0
        assert typed.given == {"monitor": wished}
    assert typed("plan") == 0
    assert typed.given == {}


PROM = "/var/lib/prometheus/node-exporter/ntpjoin.prom"


@pytest.mark.parametrize(
    ("words", "path"), [(PROM, PROM), ("/var/lib/../lib/x/y.prom", "/var/lib/x/y.prom"), ("none", "")]
)
def test_metrics_of_the_daily_check_are_wished_for_and_switched_off(typed: Typed, words: str, path: str) -> None:
    typed.host(converged())
    for command in ("plan", "setup --yes --dry-run"):
        assert typed(f"{command} --metrics {words}") == 0
        assert typed.given == {"metrics": path}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("/var/lib/x/ntpjoin.txt", "does not end in .prom"),
        ("/tmp/ntpjoin.prom", "has a /tmp of its own"),
        ("/var/lib/../tmp/ntpjoin.prom", "has a /tmp of its own"),
        ("/srv/100%/ntpjoin.prom", "characters that mean something"),
        ("/srv/$HOME/x.prom", "characters that mean something"),
        ("", "'' is no file"),
    ],
)
def test_metrics_that_cannot_work_are_refused(typed: Typed, words: str, why: str) -> None:
    typed.host(converged())
    code, page = typed.json(f"setup --yes --metrics={words}")
    assert code == 2
    assert why in page["errors"][0]["message"]


def test_metrics_without_a_daily_check_are_refused() -> None:
    from ntpjoin.provision.wishes import merged

    with pytest.raises(UsageProblem, match="is written by the daily check, which is not wished for"):
        merged(JournalFacts(), {"metrics": PROM})
    assert merged(JournalFacts(), {"metrics": PROM, "monitor": True}).metrics == PROM
    assert merged(JournalFacts(), {"metrics": ""}).metrics == ""
    daily = JournalFacts((RunFact(1, "done", dataclasses.replace(WISH, monitor=True, metrics=PROM), PINS),))
    assert merged(daily, {"monitor": False}).metrics == PROM, "remembered for another day"
    with pytest.raises(UsageProblem, match="not wished for"):
        merged(daily, {"monitor": False, "metrics": PROM})


@pytest.mark.parametrize("line", ["setup --yes", "plan", "undo --yes", "verify"])
def test_not_on_a_terminal_there_are_no_escapes_and_no_redrawing(typed: Typed, line: str) -> None:
    undoable(typed, "restored")
    typed(line)
    for text in (typed.out, typed.err):
        assert "\x1b" not in text
        assert "\r" not in text


def test_nobody_who_listens_does_not_change_the_exit_code(real_programs: None) -> None:
    """As on a terminal that is gone: every write fails, also the one with which Python takes its leave."""
    del real_programs
    with Path("/dev/full").open("w") as full:
        words = [sys.executable, "-m", "ntpjoin", "setup", "--yes", "--upstream", "a b"]
        done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=full, stderr=full, check=False)
    assert done.returncode == 2


def test_the_shells_strict_umask_does_not_reach_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def command() -> int:
        seen.append(os.umask(0o022))
        return 0

    monkeypatch.setattr(cli_module, "_main", command)
    before = os.umask(0o077)
    try:
        with pytest.raises(SystemExit):
            cli_module.main()
    finally:
        os.umask(before)
    assert seen == [0o022]
