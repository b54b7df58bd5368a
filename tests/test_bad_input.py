"""Bad input on the real command line: exit 2, one line that names the value, and not one packet or program before it.

The program runs as a process of its own under an audit hook (PEP 578) that writes down, and forbids, every socket that would send
and every program that would start. With good input the same hook hears of both: its silence means something.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("real_programs")

HOOK = """
import os, sys

def hook(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "subprocess.Popen", "os.exec"):
        with open(os.environ["HEARD"], "a") as heard:
            print(event, file=heard)
        raise FileNotFoundError(2, "forbidden by the test")

sys.addaudithook(hook)
"""

GOOD = [word for number in range(4) for word in ("--upstream", f"192.0.2.{number + 1}")]
LONG = "a" * 300


@dataclass(frozen=True)
class Answer:
    """How the program ended, and which sockets and programs it tried to use."""

    code: int
    out: str
    err: str
    heard: tuple[str, ...]


class Program:
    """`python -m ntpjoin` in an environment of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "sitecustomize.py").write_text(HOOK)

    def __call__(self, *words: str, env: Mapping[str, str] | None = None) -> Answer:
        heard = self.folder / "heard"
        heard.unlink(missing_ok=True)
        path = os.pathsep.join([str(self.folder), str(Path(__file__).parents[1])])
        settings = {**os.environ, "PYTHONPATH": path, "HEARD": str(heard), **(env or {})}
        done = subprocess.run(
            [sys.executable, "-m", "ntpjoin", *words],
            check=False, capture_output=True, stdin=subprocess.DEVNULL, env=settings,
        )  # fmt: skip
        said = tuple(heard.read_text().split()) if heard.exists() else ()
        return Answer(done.returncode, done.stdout.decode(), done.stderr.decode(), said)


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


#: What is typed, and how the message names it.
UPSTREAMS = [
    ("a b", "'a b'"),
    ("a.example,b.example", "'a.example,b.example'"),
    ("ntp.example.org\nrestrict default", r"'ntp.example.org\nrestrict default'"),
    ("ntp.example.org\r", r"'ntp.example.org\r'"),
    ("\x1b[2J.example", r"'\x1b[2J.example'"),
    ("127.0.0.1", "'127.0.0.1'"),
    ("::1", "'::1'"),
    ("300.1.1.1", "'300.1.1.1'"),
    ("192.0.2.010", "'192.0.2.010'"),
    (LONG, f"'{LONG[:57]}...'"),
    ("$" * 5000, f"'{'$' * 57}...'"),
    ("-x", "'-x'"),
    ("--yes", "'--yes'"),
    ("$(id)", "'$(id)'"),
    ("ntp.example.org iburst", "'ntp.example.org iburst'"),
    ("ntp.example.org#x", "'ntp.example.org#x'"),
    ("224.0.0.1", "'224.0.0.1'"),
    ("fe80::1%eth0", "'fe80::1%eth0'"),
    ("fe80::1%a\nb", r"'fe80::1%a\nb'"),
    ("0.debian.pool.ntp.org", "'0.debian.pool.ntp.org'"),
    ("POOL.NTP.ORG.", "'POOL.NTP.ORG.'"),
    ("time.google.com", "'time.google.com'"),
    ("216.239.35.0", "'216.239.35.0'"),
    ("zeit.münchen.example", "'zeit.münchen.example'"),
    ("ntp\u202e.example", r"'ntp\u202e.example'"),
    (os.fsdecode(b"\xff.example"), r"'\udcff.example'"),
    ("", "''"),
    (".", "'.'"),
]
OTHERS: list[tuple[Sequence[str], str]] = [
    (["plan", "--public-address", "here"], "'here'"),
    (["plan", "--public-address", ""], "''"),
    (["plan", "--public-address", "127.0.0.1"], "'127.0.0.1'"),
    (["plan", "--public-address", "ff02::101"], "'ff02::101'"),
    (["plan", "--public-address", "fe80::1%a\nb"], r"'fe80::1%a\nb'"),
    (["plan", "--public-address", "203.0.113.7/24"], "'203.0.113.7/24'"),
    (["plan", "--public-address", "203.0.113.7", "--public-address", "none"], "'none'"),
    (["setup", "--yes", "--wait", "soon"], "'soon'"),
    (["setup", "--yes", "--wait", "a\nb"], r"'a\nb'"),
    (["setup", "--yes", "--wait", ""], "''"),
    (["setup", "--yes", "--wait", "-1"], "-1"),
    (["setup", "--yes", "--wait", "1e999"], "inf"),
    (["setup", "--yes", "--wait", "nan"], "nan"),
    (["verify", "--wait", "3601"], "3601"),
    (["undo", "--wait", "3"], "--wait"),
    (["verify", "--upstream", "ntp.example.org"], "--upstream"),
    (["plan", "--color", "blue\x07"], r"'blue\x07'"),
    (["plan", "--upstream"], "--upstream"),
    (["plan", "--bo\ngus"], r"--bo\ngus"),
    (["plan", "stray\nword"], r"stray\nword"),
    (["plan", "x" * 5000], "xxx..."),
    (["upstreams", "list", "--country", "D\n"], r"'D\n'"),
    (["upstreams", "list", "--country", ""], "''"),
    (["upstreams", "list", "--near", "52.5"], "'52.5'"),
    (["upstreams", "list", "--near", "-91,13.4"], "'-91,13.4'"),
    (["upstreams", "list", "--near", "1,2\x1b[2J"], r"'1,2\x1b[2J'"),
    (["upstreams", "list", "--catalogue", ""], "''"),
    (["upstreams", "list", "--catalogue", "/no/such\nfile"], r"'/no/such\nfile'"),
    (["upstreams", "list", "--catalogue", "/dev/zero"], "/dev/zero"),
    (["upstreams", "list", "--catalogue", "/" + LONG], "aaa..."),
    (["probe"], "no server"),
    (["probe", "a b"], "'a b'"),
    (["probe", "ntp.example.org", "\x1b[2J.example"], r"'\x1b[2J.example'"),
    (["probe", "5.0.1.2", "--reference", "0.pool.ntp.org"], "'0.pool.ntp.org'"),
    (["probe", "--list", "/no/such\nfile"], r"'/no/such\nfile'"),
    (["probe", "--list", "/dev/zero"], "/dev/zero"),
    (["probe", "--list", ""], "''"),
    (["upstreams", "bo\x1bgus"], r"bo\x1bgus"),
    (["bo\x1bgus"], r"bo\x1bgus"),
    (["--bogus"], "--bogus"),
]
ALL = [
    *[(["plan", *GOOD, "--upstream", value], named) for value, named in UPSTREAMS],
    *[([*words, *(GOOD if words[0] in ("plan", "setup") else [])], named) for words, named in OTHERS],
]


@pytest.mark.parametrize(("words", "named"), ALL, ids=range(len(ALL)))
def test_one_line_names_the_value_another_what_to_type_and_nothing_was_asked(
    program: Program, words: list[str], named: str
) -> None:
    answer = program(*words)
    assert (answer.code, answer.out, answer.heard) == (2, "", ()), answer
    message, remedy, end = answer.err.split("\n")
    assert message.startswith("ntpjoin: ")
    assert named in message
    assert len(message) < 250
    assert remedy.startswith("  ")
    assert len(remedy) > 5
    assert end == ""
    assert message.isprintable()


def test_the_hook_hears_of_programs_and_packets_where_the_input_is_good(program: Program) -> None:
    answer = program("plan", *GOOD[2:], "--upstream", "ntp.example.org", "--allow-private")
    assert answer.code == 3, answer.err
    assert {"subprocess.Popen", "socket.connect"} <= set(answer.heard)


def test_very_many_options_are_counted_not_asked(program: Program) -> None:
    words = [word for number in range(20000) for word in ("--upstream", f"ntp{number}.example.org")]
    answer = program("plan", *words, "--upstream", "a b")
    assert (answer.code, answer.heard) == (2, ())
    assert "'a b'" in answer.err


@pytest.mark.parametrize("language", ["C", "POSIX", "de_DE", "de_DE.ISO-8859-1", "C.UTF-8", ""])
def test_an_internationalised_name_is_refused_in_every_language(program: Program, language: str) -> None:
    answer = program("plan", "--upstream", "zeit.münchen.example", env={"LC_ALL": language, "PYTHONUTF8": "0"})
    assert answer.code == 2
    assert "cannot be an upstream: it is not ASCII" in answer.err
    assert answer.err.count("\n") == 2


def test_bad_input_is_one_object_where_json_was_asked_for(program: Program) -> None:
    answer = program("plan", "--json", "--upstream", "a\x00b".replace("\x00", "\n"))
    page = json.loads(answer.out)
    assert (answer.code, page["exit"], page["command"]) == (2, 2, "plan")
    assert r"'a\nb'" in page["errors"][0]["message"]
    assert page["errors"][0]["remedy"]


def test_nothing_typed_is_help(program: Program) -> None:
    answer = program()
    assert (answer.code, answer.err, answer.heard) == (0, "", ())
    assert answer.out.startswith("Usage: ntpjoin")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_no_reason_to_fail(closed: str) -> None:
    argv = ["sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-m", "ntpjoin"]
    assert subprocess.run([*argv, "--help"], check=False, capture_output=True).returncode == 0
    assert subprocess.run([*argv, "verify", "--wait", "nan"], check=False, capture_output=True).returncode == 2
    planned = [*argv, "plan", "--upstream", "a b", "--json"]
    assert subprocess.run(planned, check=False, capture_output=True).returncode == 2
