"""The verdict as a plugin of Nagios, Icinga, Naemon or checkmk tells it: one line, and an exit code of theirs.

The line is `STATUS: text | performance data`, by the guidelines of the Monitoring Plugins (https://www.monitoring-plugins.org/doc/).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Optional

from ntpjoin.model import CheckState, Measure
from ntpjoin.show.report import Report

OK, WARNING, CRITICAL, UNKNOWN = range(4)
_WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")

#: The text alone: a core takes some thousand bytes with the performance data, a pager less than a hundred.
_LONGEST = 300

_ORDER = (CheckState.FAIL, CheckState.WARN, CheckState.OK, CheckState.UNKNOWN)
_COUNTED = {CheckState.FAIL: "failed", CheckState.WARN: "warned", CheckState.OK: "ok", CheckState.UNKNOWN: "unknown"}


def status(report: Report) -> int:
    """The worst of what could be judged. Some checks are always unknown, so that one is only where nothing could be judged.

    A daemon that is still settling is a warning: it mends itself, or is critical next time. What could not be looked at as it was
    asked for is unknown.
    """
    if report.code == 3:
        return UNKNOWN
    if report.code == 1:
        return CRITICAL
    if report.code == 5 or report.count(CheckState.WARN):
        return WARNING
    return OK if report.count(CheckState.OK) else UNKNOWN


def line(report: Report, words: str = "") -> str:
    """The one line: these words, or else the worst check first, as verify tells it."""
    told = words or "; ".join(_told(report))
    counted = ", ".join(f"{report.count(state)} {_COUNTED[state]}" for state in _ORDER if report.count(state))
    tail = f" ({counted})" if counted else ""
    data = " ".join(_data(report))
    return f"{_WORDS[status(report)]}: {_plain(told, _LONGEST)}{tail}{f' | {data}' if data else ''}\n"


def unknown(message: str) -> str:
    """The one line where nothing could be looked at, and why."""
    return f"{_WORDS[UNKNOWN]}: {_plain(message, _LONGEST)}\n"


def _told(report: Report) -> Iterator[str]:
    """What is wrong; where nothing is, what the clock follows."""
    if report.code == 5:
        yield "still settling"
    wrong = [check for state in _ORDER[:2] for check in report.checks if check.state is state]
    yield from (f"{check.id}: {check.text}" for check in wrong)
    if not wrong:
        good = [check.text for check in report.checks if check.id == "sync.peer" and check.state is CheckState.OK]
        yield from good or ["no check failed" if report.count(CheckState.OK) else "nothing could be judged"]


def _plain(text: str, longest: int) -> str:
    """Text that cannot end the line or begin the performance data; of what is too long the beginning."""
    words = "".join(char if char.isprintable() else " " for char in text.replace("|", "/")).split()
    joined = " ".join(words)
    return joined if len(joined) <= longest else joined[: longest - 3].rstrip() + "..."


def _data(report: Report) -> Iterator[str]:
    """One value for each check that judges a number, and no label twice.

    What is not known has none: the guidelines have `U` for it, which Icinga 2 refuses.
    """
    for name, measure in (*report.measures.items(), *report.numbers.items()):
        yield f"{_label(name)}={_value(measure)}"


def _label(name: str) -> str:
    """In single quotes, one within them doubled; it may not have an equals sign."""
    quoted = name.replace("'", "''").replace("=", "_")
    return f"'{quoted}'"


def _value(measure: Measure) -> str:
    ranges = [_range(measure, measure.warn, measure.most), _range(measure, measure.fail)]
    return ";".join([_number(measure.value) + measure.unit, *ranges]).rstrip(";")


def _range(measure: Measure, limit: Optional[float], most: Optional[float] = None) -> str:
    """The range that is good: it begins at 0 unless that is said, `~` is minus infinity, and it has no end behind a bare colon.

    Both its ends belong to it. Behind an `@` it is the range that is not good: of what falls and is not counted the limit is part.
    """
    if limit is None or not math.isfinite(limit):
        return ""
    if measure.falls and not measure.unit:
        return f"{_number(limit)}:{'' if most is None else _number(most)}"
    upto = f"~:{_number(limit)}" if min(measure.value, limit) < 0 else _number(limit)
    return f"@{upto}" if measure.falls else upto


def _number(value: float) -> str:
    """Digits, sign and point, as the guidelines have it: no exponent."""
    text = f"{value:.9f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
