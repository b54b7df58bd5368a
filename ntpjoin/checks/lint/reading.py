"""The statements of a configuration, in the order in which the daemon reads them, and what it does not get to read. Pure."""

from __future__ import annotations

import contextlib
from dataclasses import replace

from ntpjoin.checks.lint.language import Dialect
from ntpjoin.checks.lint.parser import Parsed, parse
from ntpjoin.facts import Directive
from ntpjoin.host import ntpconf
from ntpjoin.look.texts import MOST, Texts, reparented
from ntpjoin.model import Check, CheckState
from ntpjoin.records import dataclass

WARN, UNKNOWN = CheckState.WARN, CheckState.UNKNOWN

_AS_ROOT = "sudo ntpjoin lint"

#: Both engines give up there (ntp_config.h and ntp_scanner.h, MAXINCLUDELEVEL).
_DEEPEST = 5


@dataclass(frozen=True)
class Statement:
    """A line that says something: as it is `written`, and what the daemon makes of it."""

    written: Directive
    text: str
    parsed: Parsed

    @property
    def understood(self) -> Directive:
        """The words that count."""
        return replace(self.written, words=self.parsed.words) if self.parsed.wrong else self.written

    def says(self, rule: str, state: CheckState, text: str, remedy: str, *, lost: bool = False) -> Said:
        """Something that is to be said of this line."""
        return Said(Check(rule, state, f"{text}: {self.written}", remedy, lines=(self.written,)), lost)


@dataclass(frozen=True)
class Said:
    """What is said of a statement; `lost`: because of it the daemon takes nothing of the line."""

    check: Check
    lost: bool = False


@dataclass(frozen=True)
class Reading:
    """All statements, and what is to be said of the reading itself: files that are missing, lines that are never read."""

    statements: tuple[Statement, ...]
    checks: tuple[Check, ...]


def read(texts: Texts, dialect: Dialect, *, here: bool) -> Reading:
    """The file, all that it includes, and what is read after it. `here`: the daemon would run where these files were looked at."""
    reader = _Reader(texts, dialect, here=here)
    reader.run((texts.main,), level=0)
    reader.run(texts.beside, level=1)
    return Reading(tuple(reader.statements), tuple(reader.checks))


def _words(path: str, line: str, parsed: Parsed) -> tuple[str, ...]:
    """All words of a line, also those that are not understood."""
    found = ntpconf.directives(path, line) if parsed.wrong else ()
    return found[0].words if found else parsed.words


class _Ended(Exception):
    """An `end`: nothing more of what was begun is read."""


class _Reader:
    def __init__(self, texts: Texts, dialect: Dialect, *, here: bool) -> None:
        self.texts = texts
        self.dialect = dialect
        self.here = here
        self.statements: list[Statement] = []
        self.checks: list[Check] = []
        self._open: list[str] = []
        self._files = 0

    def run(self, paths: tuple[str, ...], level: int) -> None:
        """One file, or all of a folder, to the end or to an `end`."""
        with contextlib.suppress(_Ended):
            self._each(paths, level)
        self._open.clear()

    def _each(self, paths: tuple[str, ...], level: int) -> None:
        """While one of a folder is read the others are open, too, and count as levels."""
        for number, path in enumerate(paths):
            self._file(path, level + len(paths) - number)

    def _file(self, path: str, level: int) -> None:
        text = self.texts.files.get(path)
        if text is None:
            self.checks.append(Check("config.lines", UNKNOWN, f"{path} may not be read, and is not judged", _AS_ROOT))
            return
        self._open.append(path)
        self._files += 1
        lines = ntpconf.lines(text)
        for number, line in enumerate(lines, 1):
            parsed = parse(line, self.dialect)
            if not parsed.taken and not parsed.wrong:
                continue
            statement = Statement(Directive(path, number, _words(path, line, parsed)), line, parsed)
            self.statements.append(statement)
            if parsed.counts and parsed.words[:1] == ("includefile",):
                self._include(statement.written, parsed.words[1], level)
            elif parsed.counts and parsed.words[:1] == ("end",):
                self._end(statement.written, len(ntpconf.directives(path, "\n".join(lines[number:]))))
        self._open.pop()

    def _include(self, line: Directive, name: str, level: int) -> None:
        path = reparented(name, line.path, self.dialect.engine)
        inner = self.texts.folders.get(path, (path,))
        out = f"take line {line.line} of {line.path} out"
        if level > _DEEPEST or path in self._open:
            what = f"ntpd gives up where files include each other more than {_DEEPEST} deep"
            self._says(line, WARN, f"{path} includes itself" if path in self._open else what, out)
        elif self._files >= MOST:
            self._says(line, UNKNOWN, f"{path} is not judged: more than {MOST} files are read", out)
        elif path not in self.texts.files and path not in self.texts.folders:
            gone = f"there is no {path}: ntpd complains, and goes on without it"
            away = f"{path} is not here: what it says is not judged"
            self._says(line, WARN if self.here else UNKNOWN, gone if self.here else away, out if self.here else "")
        elif self.texts.files.get(path, "") is None:
            self._says(line, UNKNOWN, f"{path} may not be read, and is not judged", _AS_ROOT)
        else:
            self._each(inner, level)

    def _says(self, line: Directive, state: CheckState, text: str, remedy: str) -> None:
        self.checks.append(Check("config.lines", state, f"{text}: {line}", remedy, lines=(line,)))

    def _end(self, line: Directive, below: int) -> None:
        lost = [f"{below} line{'s' * (below != 1)} below it"] if below else []
        lost += ["what stands below the line that includes this file"] if len(self._open) > 1 else []
        what = f", not {' nor '.join(lost)}" if lost else ", and ntpd complains of it"
        text = f"nothing is read after `end`{what}: {line}"
        remedy = f"take line {line.line} of {line.path} out"
        self.checks.append(Check("config.unread", WARN, text, remedy, lines=(line,)))
        raise _Ended
