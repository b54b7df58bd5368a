"""lint: what is typed, and what is answered."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from ntpjoin import cli
from ntpjoin.checks.lint.language import Dialect
from ntpjoin.checks.lint.rules import SOURCES
from ntpjoin.commands.lint import judge
from ntpjoin.errors import Blocked, UsageProblem
from ntpjoin.host.machine import Host
from tests.conftest import Programs
from tests.lint.corpus import FILES

NTPSEC = Dialect("ntpsec")


class Typed:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.monkeypatch, self.capsys = monkeypatch, capsys
        self.out = self.err = ""

    def __call__(self, *words: str) -> int:
        self.monkeypatch.setattr(sys, "argv", ["ntpjoin", "lint", *words])
        code = cli._main()
        self.out, self.err = self.capsys.readouterr()
        return code


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], real_programs: None) -> Typed:
    del real_programs  # it asks which ntpd is installed
    return Typed(monkeypatch, capsys)


GOOD, WARNS, FAILS = (str(FILES / name) for name in ("good-classic.conf", "arch.conf", "bare.conf"))


def test_the_exit_code_is_the_worst_that_is_found(typed: Typed) -> None:
    assert typed("--engine", "classic", GOOD) == 0
    assert typed.out == f"{GOOD}, read as classic ntpd does: nothing is wrong with it.\n"
    assert typed("--engine", "classic", FAILS) == 0
    assert "5 warn" not in typed.err
    assert typed("--engine", "classic", "--strict", FAILS) == 1
    assert typed("--engine", "classic", WARNS) == 1
    assert typed("--engine", "classic-4.2.8p15", GOOD) == 0
    assert "read as classic ntpd 4.2.8p15 does" in typed.out


@pytest.mark.parametrize(
    "engine", ["", "chrony", "ntpsec-", "ntpsec-x", "ntpsec-1", "classic 4.2.8", "NTPSEC", "ntpsec-1.2.3\n"]
)
def test_an_engine_that_is_none_is_refused(typed: Typed, engine: str) -> None:
    assert typed("--engine", engine, GOOD) == 2
    assert "is no engine that is known" in typed.err
    assert "ntpsec-1.2.3" in typed.err


def test_there_has_to_be_something_to_look_at(typed: Typed, tmp_path: Path) -> None:
    assert typed("--engine", "classic", str(tmp_path / "none")) == 3
    assert typed("--engine", "classic", str(tmp_path)) == 3
    large = tmp_path / "large"
    large.write_bytes(b"#" * (1 << 20) + b"\n")
    assert typed("--engine", "classic", str(large)) == 3
    assert typed("--engine", "classic", "") == 2


def test_a_pipe_in_place_of_a_file_has_to_be_piped_in(typed: Typed, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "63")
    assert typed("--engine", "classic", str(tmp_path / "63")) == 3
    assert "is not a plain file" in typed.err
    assert "pipe it in: ntpjoin lint - < FILE" in typed.err
    assert typed("--engine", "classic", str(tmp_path)) == 3
    assert "name a file: ntpjoin lint FILE" in typed.err
    assert "sudo" not in typed.err


def test_what_is_piped_in_is_read(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"server ntp1.example.net\nbogus\n\xff\n")))
    assert typed("--engine", "ntpsec", "-") == 1
    assert "-:2: bogus" in typed.out


def test_one_json_object_with_a_place_for_each_finding(typed: Typed) -> None:
    assert typed("--engine", "ntpsec-1.2.2", "--json", str(FILES / "two-servers.conf")) == 1
    found: dict[str, Any] = json.loads(typed.out)
    assert (found["command"], found["exit"], found["engine"], found["version"]) == ("lint", 1, "ntpsec", "1.2.2")
    [minsane, count] = found["findings"]
    assert (minsane["id"], minsane["line"], minsane["source"]) == ("upstreams.minsane", 3, SOURCES["upstreams.minsane"])
    assert (count["id"], count["line"], count["file"], count["places"]) == ("upstreams.count", None, None, [])


def test_for_whom_it_judges_is_told_by_the_installed_ntpd_else_by_the_row(tree: Host, programs: Programs) -> None:
    programs.says("ip", "[]")
    with pytest.raises(UsageProblem, match="for which ntpd"):
        judge(tree, None, None, b"", strict=False)
    with pytest.raises(Blocked, match=r"no ntp\.conf"):
        judge(tree, None, NTPSEC, None, strict=False)
    tree.make_folder("/etc")
    (tree.root / "etc/os-release").write_text("ID=debian\nVERSION_CODENAME=bookworm\n")
    assert judge(tree, None, None, b"", strict=False).dialect == NTPSEC
    with pytest.raises(Blocked, match=r"there is no /etc/ntpsec/ntp\.conf"):
        judge(tree, None, None, None, strict=False)
    (tree.root / "usr/sbin").mkdir(parents=True)
    (tree.root / "usr/sbin/ntpd").touch()
    programs.says("ntpd", "ntpd 4.2.8p15@1.3728-o Wed Sep 23\n")
    assert judge(tree, None, None, b"", strict=False).dialect == NTPSEC  # of this program nothing is known by its path
