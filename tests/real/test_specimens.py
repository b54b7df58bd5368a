"""lint finds in configurations as Debian's packages have them exactly what was expected, line by line."""

from __future__ import annotations

import shutil
from functools import lru_cache
from pathlib import Path

import jinja2
import pytest

from ntpjoin.checks.lint.lint import lint
from ntpjoin.host.machine import Host
from ntpjoin.look.texts import look_texts
from tests.lab.specimens import unpacked
from tests.lint.corpus import Case, cases, dialect_of, told

pytestmark = pytest.mark.real

CASES = cases("packages.txt")
SERVERS = [f"ntp{number}.example.net" for number in range(1, 6)]


@lru_cache(maxsize=8)
def packages(suite: str) -> Path:
    """What these tests want of a release, fetched at once."""
    mine = [case for case in CASES if case.words[0] == suite]
    names = {name for case in mine for name in case.words[1].split("+")}
    return unpacked(suite, names, sorted({case.words[2].split("/")[0] for case in mine}), print)


def rendered(template: str) -> str:
    """A configuration as cloud-init makes it of its template (cloudinit/templater.py)."""
    head, text = template.split("\n", 1)
    assert head == "## template:jinja"
    return jinja2.Environment(trim_blocks=True).from_string(text).render(servers=SERVERS, pools=[])


@pytest.mark.parametrize("case", CASES, ids=str)
def test_exactly_what_was_expected_is_found(case: Case, tmp_path: Path) -> None:
    suite, names, path, engine = case.words
    for name in names.split("+"):
        shutil.copytree(packages(suite) / name, tmp_path, symlinks=True, dirs_exist_ok=True)
    text = (tmp_path / path).read_text()
    dialect = dialect_of(engine)
    texts = look_texts(
        Host(root=tmp_path), f"/{path}", rendered(text) if path.endswith(".tmpl") else text, dialect.engine
    )
    assert told(lint(texts, dialect), f"/{path}") == case.expected


def test_there_are_enough_files() -> None:
    assert len({case.words[:3] for case in CASES if not case.words[2].endswith(".tmpl")}) >= 8
