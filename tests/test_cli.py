"""What is typed and what comes back: help, exit codes, one JSON object whatever happens, and no word on the wrong stream."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Optional

import click
import pytest

from ntpjoin import cli as cli_module
from ntpjoin.errors import Blocked, Interrupted, JournalProblem, StepFailed, UsageProblem
from ntpjoin.host.machine import Host
from tests.sample import converged, fresh
from tests.typed import COMMANDS, ENVELOPE, LEAVES, STEPS, Typed, undoable

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


@pytest.mark.parametrize("command", ["setup --yes", "verify"])
def test_what_to_type_names_the_command_that_was_typed(typed: Typed, command: str) -> None:
    assert typed(f"{command} --wait nan") == 2
    assert typed.err.endswith(f"\n  ntpjoin {command.split(maxsplit=1)[0]} --wait 120\n")


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


# --- streams and modes


@pytest.mark.parametrize("line", ["setup --yes", "plan", "undo --yes", "verify"])
def test_not_on_a_terminal_there_are_no_escapes_and_no_redrawing(typed: Typed, line: str) -> None:
    undoable(typed, "restored")
    typed(line)
    for text in (typed.out, typed.err):
        assert "\x1b" not in text
        assert "\r" not in text


#: With nothing in it that changes how Python writes.
BUFFERED = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}


@pytest.mark.parametrize(("name", "code"), [("ntpjoin-dns", 7), ("other", 0)])
def test_the_interpreter_does_not_end_under_threads_that_nobody_waits_for(
    real_programs: None, name: str, code: int
) -> None:
    """It might crash: they go on resolving names when a command is interrupted."""
    del real_programs
    script = f"""
import sys, threading, time
from ntpjoin import cli
threading.Thread(target=time.sleep, args=(30,), name={name!r}, daemon=True).start()
cli._main = lambda: 7
sys.exit = lambda code: None  # where it goes on, the code is another one
cli.main()
"""
    done = subprocess.run([sys.executable, "-c", script], check=False, timeout=20)
    assert done.returncode == code


def test_nobody_who_listens_does_not_change_the_exit_code(real_programs: None) -> None:
    """As on a terminal that is gone: every write fails, also the one with which Python takes its leave."""
    del real_programs
    with Path("/dev/full").open("w") as full:
        words = [sys.executable, "-m", "ntpjoin", "setup", "--yes", "--upstream", "a b"]
        for more in ([], ["--json"]):
            done = subprocess.run(
                [*words, *more], stdin=subprocess.DEVNULL, stdout=full, stderr=full, check=False, env=BUFFERED
            )
            assert done.returncode == 2


@pytest.mark.parametrize("line", ["lint FILE", "lint --json FILE", "--help", "lint --help", "--version"])
def test_an_answer_for_which_there_is_no_room_is_no_success(real_programs: None, line: str) -> None:
    del real_programs
    words = [sys.executable, "-m", "ntpjoin", *line.replace("FILE", str(Path(__file__))).split()]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=BUFFERED)
    assert done.returncode == 3
    assert done.stderr.splitlines()[0] == "ntpjoin: the answer could not be written: No space left on device"
    assert len(done.stderr.splitlines()) == 3


class Full(io.StringIO):
    """Where nothing can be written."""

    def write(self, _: str) -> int:
        """As on a full disk."""
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_what_was_done_counts_though_its_answer_is_lost(typed: Typed) -> None:
    typed.host(converged())
    typed.monkeypatch.setattr(sys, "stdout", Full())
    assert typed("setup --yes") == 0
    sys.stdout.close()
    assert typed.err.count("the answer could not be written: No space left on device") == 1


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
