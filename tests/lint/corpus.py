"""Reading what is expected of lint, and telling what it finds in the same words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ntpjoin.checks.lint.language import Dialect
from ntpjoin.checks.lint.lint import lint
from ntpjoin.host.machine import Host
from ntpjoin.look.texts import look_texts
from ntpjoin.model import Check
from ntpjoin.systems import Engine

HERE = Path(__file__).parent
FILES = HERE / "files"


@dataclass(frozen=True)
class Case:
    """What is expected in one file: the words of its head line, and each finding as a line of text."""

    words: tuple[str, ...]
    expected: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join(self.words)


def cases(name: str) -> list[Case]:
    """All of a file of expectations."""
    found: list[tuple[list[str], list[str]]] = []
    for line in (HERE / name).read_text().splitlines():
        if line.startswith("  "):
            found[-1][1].append(line.strip())
        elif line and not line.startswith("#"):
            found.append((line.split(), []))
    return [Case(tuple(words), tuple(sorted(expected))) for words, expected in found]


def dialect_of(word: str) -> Dialect:
    """`ntpsec-1.2.2` and the like."""
    engine, _, version = word.partition("-")
    named: dict[str, Engine] = {"classic": "classic", "ntpsec": "ntpsec"}
    return Dialect(named[engine], version)


CASES = cases("expected.txt")


def found_in(case: Case) -> tuple[Check, ...]:
    """What lint finds in the file of a case that names an engine."""
    name, word = case.words
    dialect = dialect_of(word)
    texts = look_texts(Host(root=FILES), f"/{name}", (FILES / name).read_bytes().decode(), dialect.engine)
    return lint(texts, dialect)


def told(found: Iterable[Check], main: str) -> tuple[str, ...]:
    """Each finding as the expectations have it: PLACES ID STATE."""
    return tuple(sorted(f"{places(check, main)} {check.id} {check.state.value}" for check in found))


def places(check: Check, main: str) -> str:
    folder = PurePosixPath(main).parent
    names = [
        str(line.line) if line.path == main else f"{PurePosixPath(line.path).relative_to(folder)}:{line.line}"
        for line in check.lines
    ]
    return ",".join(names) or "-"
