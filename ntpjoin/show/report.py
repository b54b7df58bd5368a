"""What `verify` and `probe` answer: one verdict, in the form that was asked for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Literal

from ntpjoin.board import Billboard
from ntpjoin.errors import NtpjoinError
from ntpjoin.model import Check, CheckState, Measure, Pin
from ntpjoin.records import dataclass
from ntpjoin.show.terminal import Style

Form = Literal["text", "json", "nagios", "prometheus"]
FORMS: tuple[Form, ...] = ("text", "json", "nagios", "prometheus")

#: Of several lines of one check the last of these counts.
_WORSE = (CheckState.OK, CheckState.UNKNOWN, CheckState.WARN, CheckState.FAIL)


@dataclass(frozen=True)
class Report:
    """The checks and the billboard that they judged; `code` is the exit code, `pins` name the billboard's addresses.

    `numbers` are such as no check judges, by what they are called.
    """

    code: int
    checks: tuple[Check, ...]
    board: Billboard
    pins: tuple[Pin, ...] = ()
    numbers: Mapping[str, Measure] = field(default_factory=dict)

    def count(self, state: CheckState) -> int:
        """How many checks ended so."""
        return sum(check.state is state for check in self.checks)

    @property
    def states(self) -> dict[str, CheckState]:
        """How each check ended, by its id: the worst of its lines."""
        return {id_: check.state for id_, check in _worst(self.checks).items()}

    @property
    def measures(self) -> dict[str, Measure]:
        """The number that each check judges, where it has one that is known: that of the worst of its lines that have one."""
        known = [check for check in self.checks if check.measure and math.isfinite(check.measure.value)]
        return {id_: check.measure for id_, check in _worst(known).items() if check.measure}


def _worst(checks: Iterable[Check]) -> dict[str, Check]:
    """Of several lines of one check the worst, and of equal ones the last; in the order of the checks."""
    found: dict[str, Check] = {}
    for check in checks:
        former = found.setdefault(check.id, check)
        if _WORSE.index(check.state) >= _WORSE.index(former.state):
            found[check.id] = check
    return found


def form_of(words: Sequence[str]) -> Form:
    """The form that was asked for, also where the rest of what was typed cannot be understood.

    A monitoring core reads the exit code first, so `nagios` counts before all others.
    """
    pairs = zip(words, (*words[1:], ""))
    named = [
        after if word == "--format" else word.partition("=")[2]
        for word, after in pairs
        if word.partition("=")[0] == "--format"
    ]
    form = named[-1] if named else "text"
    if "--json" in words and form != "nagios":
        return "json"
    return next((known for known in FORMS if known == form), "text")


def answer(form: Form, report: Report, style: Style, now_s: float) -> str:
    """All of it; `now_s` is the time of day, in seconds since 1970. Only the form that is asked for is imported."""
    if form == "json":
        from ntpjoin.show import jsons  # noqa: PLC0415

        return jsons.envelope("verify", report.code, **jsons.checks(report.checks, report.board)) + "\n"
    if form == "nagios":
        from ntpjoin.show import nagios  # noqa: PLC0415

        return nagios.line(report)
    if form == "prometheus":
        from ntpjoin.show import prometheus  # noqa: PLC0415

        return prometheus.page(report, now_s)
    from ntpjoin.show import billboard, text  # noqa: PLC0415

    board = "\n" + billboard.text(report.board, report.pins, style) if report.board.peers else ""
    return "\n".join([text.checks(report.checks, style), *filter(None, [board]), f"\n{verdict(report)}\n"])


def verdict(report: Report) -> str:
    """In a sentence."""
    if report.code == 5:
        return "Still settling; look again in a minute: ntpjoin verify --wait 120"
    failed, warned = report.count(CheckState.FAIL), report.count(CheckState.WARN)
    if failed:
        return f"{failed} of {len(report.checks)} checks failed."
    counted = ", which --strict counts as a fault" if report.code else ""
    return "No check failed" + (f", {warned} warn{counted}." if warned else ".")


def failure(form: Form, command: str, code: int, error: NtpjoinError, now_s: float) -> str:
    """What programs are told where there is no verdict, nor any other answer of a command; people have read it on stderr."""
    if form == "json":
        from ntpjoin.show import jsons  # noqa: PLC0415

        return jsons.envelope(command, code, errors=jsons.error(error)) + "\n"
    if form == "nagios":
        from ntpjoin.show import nagios  # noqa: PLC0415

        return nagios.unknown(error.message)
    if form == "prometheus":
        from ntpjoin.show import prometheus  # noqa: PLC0415

        return prometheus.failed(command if command in ("probe", "score") else "verify", code, now_s)
    return ""


def exit_code(form: Form, report: Report) -> int:
    """The report's own; `nagios` alone has others."""
    if form != "nagios":
        return report.code
    from ntpjoin.show import nagios  # noqa: PLC0415

    return nagios.status(report)


def failure_code(form: Form, code: int) -> int:
    """The same where there is no verdict."""
    if form != "nagios":
        return code
    from ntpjoin.show import nagios  # noqa: PLC0415

    return nagios.UNKNOWN
