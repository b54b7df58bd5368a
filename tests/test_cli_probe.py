"""`probe` as it is typed: whom it is told to look at, in which form it answers, and which code it ends with."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ntpjoin.checks.probing import Seen, Task
from ntpjoin.errors import Interrupted
from ntpjoin.model import Tell
from tests.probed import FOUR, NAME, OTHER, SEEN, asked, seen, silent
from tests.read_back import metrics_page, plugin_line, value
from tests.typed import ENVELOPE, Typed

UNSEEN = seen(silent(problem="this host has no IPv4 route to it", sent=0))


class Outside:
    """What looking finds; it notes what it was to look at."""

    def __init__(self, typed: Typed) -> None:
        self.found: Seen = seen(asked())
        self.tasks: list[Task] = []
        typed.monkeypatch.setattr("ntpjoin.commands.probe.gather", self)

    def __call__(self, task: Task, _tell: Tell) -> Seen:
        self.tasks.append(task)
        return self.found


@pytest.fixture
def outside(typed: Typed) -> Outside:
    return Outside(typed)


@pytest.mark.parametrize(("found", "code"), [(seen(asked()), 0), (SEEN, 1), (UNSEEN, 3), (seen(asked(lost=1)), 0)])
def test_the_code_tells_whether_a_check_failed(typed: Typed, outside: Outside, found: Seen, code: int) -> None:
    outside.found = found
    assert typed(f"probe {FOUR}") == code
    assert FOUR in typed.out
    same, page = typed.json(f"probe {FOUR}")
    assert same == code
    assert set(page) == ENVELOPE | {"probed", "reference", "doubt"}
    assert typed(f"probe {FOUR} --format prometheus") == code
    assert value(metrics_page(typed.out), "ntpjoin_probe_exit_code") == code
    plugin = 1 if found.asked[FOUR].heard == 2 else {0: 0, 1: 2, 3: 3}[code]
    assert typed(f"probe {FOUR} --format nagios") == plugin
    assert plugin_line(typed.out)[0] == ["OK", "WARNING", "CRITICAL", "UNKNOWN"][plugin]


def test_only_what_is_asked_for_is_done(typed: Typed, outside: Outside) -> None:
    assert typed(f"probe {NAME.upper()}. 2A00::2 {NAME}") == 0
    assert outside.tasks[-1] == Task((NAME, "2a00::2"))
    words = "--mine --from-pool --allow-private --resolver 5.0.0.53 --reference NTP9.example.net --reference 5.9.0.2"
    assert typed(f"probe {FOUR} {words}") == 0
    assert outside.tasks[-1] == Task(
        (FOUR,),
        ("ntp9.example.net", "5.9.0.2"),
        mine=True,
        from_pool=True,
        allow_private=True,
        nameservers=("5.0.0.53",),
    )


# --- lists


def test_a_list_has_one_a_line_with_comments_and_empty_lines(typed: Typed, outside: Outside, tmp_path: Path) -> None:
    file = tmp_path / "servers.txt"
    file.write_text(f"# ours\n\n  {NAME}  # the first\r\n{OTHER}\n\t\n{NAME}\n2A00::2")
    assert typed(f"probe {FOUR} --list {file}") == 0
    assert outside.tasks[-1].names == (FOUR, NAME, OTHER, "2a00::2")
    assert typed(f"probe --list {file}") == 0
    assert outside.tasks[-1] == Task((NAME, OTHER, "2a00::2"))
    file.write_text(f"\ufeff{NAME}\n")  # as some editors begin a file
    assert typed(f"probe --list {file}") == 0
    assert outside.tasks[-1] == Task((NAME,))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"ntp1.example.net\na b\n", ", line 2: 'a b' cannot be probed"),
        (b"ntp1.example.net ntp2.example.net\n", ", line 1: 'ntp1.example.net ntp2.example.net' cannot be probed"),
        (b"\n\n127.0.0.1\n", ", line 3: '127.0.0.1' cannot be probed: it is a loopback address"),
        (b"ntp\xff.example.net", ", line 1: "),
        (b"# nobody\n\n", " names no server"),
        (b"", " names no server"),
        (b"x" * (1 << 20) + b"x", " has more than 1048576 bytes"),
    ],
)
def test_a_bad_list_is_refused_with_its_line_before_anything_is_asked(
    typed: Typed,
    outside: Outside,
    tmp_path: Path,
    content: bytes,
    words: str,
) -> None:
    file = tmp_path / "servers.txt"
    file.write_bytes(content)
    code, page = typed.json(f"probe {FOUR} --list {file}")
    assert code == 2
    assert f"{file}{words}" in page["errors"][0]["message"]
    assert page["errors"][0]["remedy"]
    assert outside.tasks == []


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("probe", "no server is named"),
        ("probe --mine", "no server is named"),
        ("probe not_a_name", "'not_a_name' cannot be probed"),
        ("probe 127.0.0.1", "'127.0.0.1' cannot be probed: it is a loopback address"),
        ("probe 5.0.1.2:123", "cannot be probed"),
        ("probe https://ntp1.example.net/", "cannot be probed"),
        ("probe 5.0.1.2 --list /no/such/file", "there is no file /no/such/file"),
        ("probe 5.0.1.2 --list /dev/null", "/dev/null is not a plain file"),
        ("probe 5.0.1.2 --list=", "'' is no file"),
        (
            "probe 5.0.1.2 --reference 0.pool.ntp.org",
            "'0.pool.ntp.org' cannot be a reference: it is a name of the pool",
        ),
        ("probe 5.0.1.2 --reference time.google.com", "'time.google.com' cannot be a reference"),
        ("probe 5.0.1.2 --reference x", "'x' cannot be a reference: it has no domain"),
        ("probe 5.0.1.2 --resolver localhost", "cannot be a DNS server"),
        ("probe 5.0.1.2 --format xml", "xml"),
        ("probe 5.0.1.2 --yes", "--yes"),
        ("probe 5.0.1.2 --format nagios --json", "--json and --format nagios contradict each other"),
    ],
)
def test_bad_usage_is_2_and_nobody_is_asked(typed: Typed, outside: Outside, line: str, words: str) -> None:
    assert typed(line) == (3 if "nagios" in line else 2)
    assert words in typed.err
    if "nagios" not in line:
        code, page = typed.json(line)
        assert (code, set(page), len(page["errors"])) == (2, ENVELOPE, 1)
        assert words in page["errors"][0]["message"]
    assert outside.tasks == []


# --- forms and files


def test_a_file_takes_the_answer_and_also_what_goes_wrong(typed: Typed, outside: Outside, tmp_path: Path) -> None:
    file = tmp_path / "probe.prom"
    assert typed(f"probe {FOUR} --format prometheus --output {file}") == 0
    assert (typed.out, typed.err) == ("", "")
    assert value(metrics_page(file.read_text()), "ntpjoin_probe_exit_code") == 0
    assert typed(f"probe {FOUR} --list /no/such/file --format prometheus --output {file}") == 2
    found = metrics_page(file.read_text())
    assert value(found, "ntpjoin_probe_exit_code") == 2
    assert {name for name, _ in found} == {"ntpjoin_probe_exit_code", "ntpjoin_probe_timestamp_seconds"}
    assert typed(f"probe {FOUR} --format text --output {tmp_path}") == 2
    assert len(outside.tasks) == 1


def test_a_core_is_told_of_an_interruption(typed: Typed) -> None:
    def broken(_task: Task, _tell: Tell) -> Seen:
        raise Interrupted("asked to end", 15)

    typed.monkeypatch.setattr("ntpjoin.commands.probe.gather", broken)
    assert typed(f"probe {FOUR} --format nagios") == 3
    assert typed.out == "UNKNOWN: asked to end\n"
    assert typed(f"probe {FOUR}") == 143
    assert "Nothing was changed." in typed.err


def test_it_needs_no_root_and_looks_at_nothing_of_this_host(typed: Typed, outside: Outside) -> None:
    def forbidden(*_: Any, **__: Any) -> None:
        raise AssertionError("a program was started")

    typed.monkeypatch.setattr("ntpjoin.host.machine.Host.run", forbidden)
    typed.monkeypatch.setattr("ntpjoin.host.machine.Host.is_root", forbidden)
    assert typed(f"probe {FOUR}") == 0
    assert len(outside.tasks) == 1


def test_the_next_run_is_no_faster_than_two_seconds_after_the_last_answer(typed: Typed, outside: Outside) -> None:
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        raise KeyboardInterrupt  # who does not wait gets the code all the same

    typed.monkeypatch.setattr(time, "sleep", sleep)
    outside.found = replace(SEEN, heard_s=time.monotonic())
    assert typed(f"probe {FOUR}") == 1
    assert 1.0 < slept[0] <= 2.0
    outside.found = SEEN
    assert typed(f"probe {FOUR}") == 1
    assert slept[1] == 0.0, "nobody has answered lately"
