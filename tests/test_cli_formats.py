"""`verify` in every form: what is printed or put into a file, which code it ends with, and what is left when it fails."""

from __future__ import annotations

import contextlib
import json
import os
import stat
from pathlib import Path
from typing import Any, Callable

import pytest

from ntpjoin.errors import CommandFailed, Interrupted
from ntpjoin.host.machine import NEW
from ntpjoin.show import prometheus
from tests.read_back import metrics_page, plugin_line, value
from tests.sample import NAMES, converged
from tests.typed import Typed

FAILING = {"holders": ()}
SETTLING = {"daemon__board__system__leap": 3, "daemon__age_s": 20.0}
UNSUPPORTED = {"system__row": None}
FORMS = ("text", "json", "nagios", "prometheus")


def failing_look(error: BaseException) -> Callable[[Any], Any]:
    def look(_: Any) -> Any:
        raise error

    return look


def test_a_form_named_twice_means_the_same(typed: Typed) -> None:
    typed.host(converged())
    assert typed("verify") == 0
    text = typed.out
    assert typed("verify --format text") == 0
    assert typed.out == text
    assert NAMES[0] in text
    pages = [typed.json(f"verify {words}")[1] for words in ("", "--format json")]
    assert typed("verify --format json") == 0
    assert [json.loads(typed.out)] * 2 == pages


@pytest.mark.parametrize("form", ["text", "prometheus"])
def test_two_forms_contradict_each_other(typed: Typed, form: str) -> None:
    typed.host(converged())
    code, page = typed.json(f"verify --format {form}")
    assert code == 2
    assert page["errors"][0]["message"] == f"--json and --format {form} contradict each other"


@pytest.mark.parametrize(
    ("options", "parts", "code"),
    [
        ("", {}, 0),
        ("", FAILING, 2),
        ("", SETTLING, 1),
        ("--strict", SETTLING, 1),
        ("", {"setters": None}, 1),
        ("--strict", {"setters": None}, 2),
        ("", UNSUPPORTED, 3),
        ("--bogus", {}, 3),
        ("--wait soon", {}, 3),
        ("--json", {}, 3),
        ("stray", {}, 3),
        ("--output /no/such/folder/file", {}, 3),
    ],
)
def test_a_core_reads_one_line_and_its_own_codes(
    typed: Typed,
    options: str,
    parts: dict[str, Any],
    code: int,
) -> None:
    from ntpjoin.facts import Setter

    typed.host(
        converged(**{name: (Setter("x", "y", "z"),) if value is None else value for name, value in parts.items()})
    )
    for words in (f"verify --format nagios {options}", f"verify {options} --format=nagios"):
        assert typed(words) == code
        status = plugin_line(typed.out)[0]
        assert status == ["OK", "WARNING", "CRITICAL", "UNKNOWN"][code]
        assert bool(typed.err) is (code == 3)


@pytest.mark.parametrize(
    "error", [Interrupted("asked to end", 15), CommandFailed("systemctl x\nsaid | no"), RuntimeError("x")]
)
def test_a_core_is_never_told_less(typed: Typed, error: Exception) -> None:
    typed.host(converged())
    typed.command("look", failing_look(error))
    assert typed("verify --format nagios") == 3
    assert plugin_line(typed.out)[0] == "UNKNOWN"
    assert ("Traceback" in typed.err) is isinstance(error, RuntimeError)


def test_a_fault_of_ntpjoin_is_told_to_others_as_python_does(typed: Typed) -> None:
    typed.host(converged())
    typed.command("look", failing_look(RuntimeError("x")))
    for form in ("text", "json", "prometheus"):
        with pytest.raises(RuntimeError):
            typed(f"verify --format {form}")


def test_a_core_that_asks_what_is_not_there_is_told_so(typed: Typed) -> None:
    assert typed("verfy --format nagios") == 3
    assert plugin_line(typed.out)[0] == "UNKNOWN"
    assert typed("setup --format nagios --yes") == 3
    assert typed("verify --format NAGIOS") == 2


@pytest.mark.parametrize(("parts", "code"), [({}, 0), (FAILING, 1), (SETTLING, 5), (UNSUPPORTED, 3)])
def test_metrics_tell_verifys_own_code(typed: Typed, parts: dict[str, Any], code: int) -> None:
    typed.host(converged(**parts))
    assert typed("verify --format prometheus") == code
    found = metrics_page(typed.out)
    assert value(found, "ntpjoin_verify_exit_code") == code
    assert value(found, "ntpjoin_verify_timestamp_seconds") > 1_700_000_000
    assert ("ntpjoin_check_state" in typed.out) is (code != 3)


# --- into a file


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("parts", "code"), [({}, 0), (FAILING, 1)])
def test_a_file_takes_what_would_have_been_printed(
    typed: Typed,
    tmp_path: Path,
    form: str,
    parts: dict[str, Any],
    code: int,
) -> None:
    typed.host(converged(**parts))
    typed.monkeypatch.setattr("time.time", lambda: 1_800_000_000.0)
    ends = 2 * code if form == "nagios" else code
    assert typed(f"verify --format {form}") == ends
    printed = typed.out
    file = tmp_path / "ntpjoin.prom"
    before = os.umask(0o077)
    try:
        for _ in range(2):  # the second one replaces the first
            assert typed(f"verify --format {form} --output {file}") == ends
            assert (typed.out, typed.err) == ("", "")
            assert file.read_text() == printed
            assert stat.S_IMODE(file.stat().st_mode) == 0o644
            assert [one.name for one in tmp_path.iterdir()] == [file.name]
    finally:
        os.umask(before)


def test_a_file_is_named_from_where_one_is(typed: Typed, tmp_path: Path) -> None:
    typed.host(converged())
    typed.monkeypatch.chdir(tmp_path)
    assert typed("verify --output ../x.txt --color always") == 0
    assert "\x1b[32m✓" in (tmp_path.parent / "x.txt").read_text()


def unusable(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "link").symlink_to("elsewhere")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    return {
        "missing/x": "there is no folder",
        "file/x": "there is no folder",
        "link": "is not a plain file",
        "folder": "is not a plain file",
        "pipe": "is not a plain file",
        "folder/": "is no file",
    }


def test_what_cannot_take_it_is_refused_before_anything_is_asked(typed: Typed, tmp_path: Path) -> None:
    typed.host(converged())
    typed.command("look", failing_look(AssertionError("it was looked")))
    for name, words in unusable(tmp_path).items():
        code, page = typed.json(f"verify --output {tmp_path}/{name}")
        assert code == 2, name
        assert words in page["errors"][0]["message"]
        assert page["errors"][0]["remedy"]
        assert words in typed.err
    typed.monkeypatch.setattr("os.access", lambda *_: False)
    assert typed(f"verify --output {tmp_path}/x") == 2
    assert "nothing may be put into its folder" in typed.err
    assert sorted(one.name for one in tmp_path.iterdir()) == ["folder", "link", "pipe"]
    assert typed.json("verify --output=")[0] == 2


def test_what_cannot_be_written_after_all_leaves_the_former(typed: Typed, tmp_path: Path) -> None:
    typed.host(converged())
    file = tmp_path / "x.prom"
    file.write_text("former\n")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    typed.monkeypatch.setattr("os.fsync", full)
    assert typed(f"verify --format prometheus --output {file}") == 3
    assert "could not be written: No space left" in typed.err
    assert value(metrics_page(typed.out), "ntpjoin_verify_exit_code") == 3, "somebody may hear it so"
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [(file.name, "former\n")]


@pytest.mark.parametrize(("form", "code"), [("json", 3), ("nagios", 3), ("prometheus", 3)])
def test_a_file_that_programs_read_does_not_tell_of_better_days(
    typed: Typed,
    tmp_path: Path,
    form: str,
    code: int,
) -> None:
    file = tmp_path / "x"
    typed.host(converged(**UNSUPPORTED))
    file.write_text("all is well\n")
    assert typed(f"verify --format {form} --output {file}") == code
    assert typed.out == ""
    assert "is not supported" in typed.err
    if form == "json":
        assert json.loads(file.read_text())["exit"] == code
    elif form == "nagios":
        assert plugin_line(file.read_text())[0] == "UNKNOWN"
    else:
        assert value(metrics_page(file.read_text()), "ntpjoin_verify_exit_code") == code


@pytest.mark.parametrize("error", [RuntimeError("x"), OSError(5, "Input/output error")])
def test_a_fault_of_ntpjoin_is_told_in_the_file_too(typed: Typed, tmp_path: Path, error: Exception) -> None:
    files = {form: tmp_path / form for form in FORMS}
    typed.host(converged())
    typed.command("look", failing_look(error))
    for form, file in files.items():
        file.write_text("all is well\n")
        with contextlib.nullcontext() if form == "nagios" else pytest.raises(type(error)):
            assert typed(f"verify --format {form} --output {file}") == 3
    assert typed.out == ""
    assert json.loads(files["json"].read_text())["exit"] == 1
    assert value(metrics_page(files["prometheus"].read_text()), "ntpjoin_verify_exit_code") == 1
    assert plugin_line(files["nagios"].read_text())[0] == "UNKNOWN"
    assert files["text"].read_text() == "all is well\n", "people have read it on stderr"


def test_who_interrupts_leaves_the_file_as_it_was(typed: Typed, tmp_path: Path) -> None:
    file = tmp_path / "x"
    typed.host(converged())
    file.write_text("all is well\n")
    typed.command("look", failing_look(Interrupted("interrupted", 2)))
    assert typed(f"verify --format prometheus --output {file}") == 130
    assert file.read_text() == "all is well\n"


def test_a_half_written_file_is_none_that_a_collector_reads() -> None:
    assert not f"ntpjoin.prom{NEW}".endswith(".prom")
    assert prometheus.failed("verify", 3, 0.0).endswith("\n")
