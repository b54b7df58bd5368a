"""What lint has found in a configuration, as text for people and as one page of JSON."""

from __future__ import annotations

from typing import Any

from ntpjoin.checks.lint.language import Dialect
from ntpjoin.checks.lint.rules import SOURCES
from ntpjoin.model import Check, CheckState
from ntpjoin.records import dataclass
from ntpjoin.show.terminal import Style
from ntpjoin.show.text import STATES


@dataclass(frozen=True)
class Report:
    """The findings of a file, which was read for an engine; `code` is the exit code."""

    code: int
    path: str
    dialect: Dialect
    findings: tuple[Check, ...]

    def count(self, state: CheckState) -> int:
        """How many findings are of this state."""
        return sum(one.state is state for one in self.findings)


def text(report: Report, style: Style) -> str:
    """Each finding with its remedy and source below; last how many there are."""
    lines: list[str] = []
    for one in report.findings:
        mark, code = STATES[one.state]
        lines.append(f"  {style.mark(mark, code)} {one.id:<22} {one.text}")
        lines += [f"  {'':<24} {words}" for words in (one.remedy, f"({SOURCES[one.id]})") if words]
    return "\n".join([*lines, *([""] if lines else []), _verdict(report)])


def _verdict(report: Report) -> str:
    failed, warned, unknown = map(report.count, (CheckState.FAIL, CheckState.WARN, CheckState.UNKNOWN))
    told = [f"{count} {what}" for count, what in ((failed, "fail"), (warned, "warn"), (unknown, "unknown")) if count]
    counted = ", and --strict counts warnings as faults" if report.code and not failed else ""
    return f"{report.path}, read as {report.dialect} does: {', '.join(told) or 'nothing is wrong with it'}{counted}."


def page(report: Report) -> dict[str, Any]:
    """The same for programs; a finding about no line has neither file nor line."""
    return {
        "file": report.path,
        "engine": report.dialect.engine,
        "version": report.dialect.version or None,
        "findings": [_finding(one) for one in report.findings],
    }


def _finding(found: Check) -> dict[str, Any]:
    places = [{"file": line.path, "line": line.line} for line in found.lines]
    return {
        "id": found.id,
        "state": found.state.value,
        "file": places[0]["file"] if places else None,
        "line": places[0]["line"] if places else None,
        "places": places,
        "text": found.text,
        "remedy": found.remedy,
        "source": SOURCES[found.id],
    }
