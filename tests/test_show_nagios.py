"""The line for a monitoring core: its status, its words, its performance data by the guidelines, and that no text breaks it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Optional

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ntpjoin.checks.verify import judge
from ntpjoin.model import Check, CheckState, Measure
from ntpjoin.show import nagios
from ntpjoin.show.report import Report
from tests.hostile import SETTINGS
from tests.judged import GOOD
from tests.outputs import FAIL, HEALTHY, HOSTILE, MEASURES, OK, SEVERAL, UNKNOWN, WARN, hostile
from tests.read_back import alerts, plugin_line
from tests.sample import BOARD, PINS, WISH, converged, peer

#: Sources that have answered such a share of their polls, in percent.
REACHED = {
    share: tuple(peer(number, reach=reach) for number, reach in enumerate(registers, 1))
    for share, registers in {
        77.5: (0xFF, 0xFF, 0xFE, 0xF0, 0xF0),
        75: (0xFF, 0xFF, 0xFC, 0xF0, 0xF0),
        52.5: (0x8F, 0xF0, 0xF0, 0xF0, 0xF0),
        50: (0xC3, 0xF0, 0xAA, 0x55, 0x3C),
    }.items()
}
#: So many sources.
FOLLOWED = {
    count: tuple(peer(1, associd=n, address=f"192.0.2.{n}") for n in range(1, count + 1)) for count in (2, 3, 4, 7, 8)
}


def report(*checks: Check, code: int = 0) -> Report:
    return Report(code, checks, BOARD)


def check(state: CheckState, id_: str = "x", text: str = "words", **more: Any) -> Check:
    return Check(id_, state, text, **more)


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (report(check(OK)), "OK"),
        (report(check(OK), check(UNKNOWN)), "OK"),
        (report(check(OK), check(WARN)), "WARNING"),
        (report(check(UNKNOWN), check(WARN)), "WARNING"),
        (report(check(OK), check(FAIL), check(WARN), code=1), "CRITICAL"),
        (report(check(OK), check(WARN), code=1), "CRITICAL"),  # --strict
        (report(check(FAIL), code=5), "WARNING"),  # still settling
        (report(check(FAIL), check(WARN), code=5), "WARNING"),
        (report(check(UNKNOWN), check(UNKNOWN)), "UNKNOWN"),
        (report(), "UNKNOWN"),
    ],
)
def test_the_status_is_the_worst_of_what_could_be_judged(found: Report, status: str) -> None:
    assert plugin_line(nagios.line(found))[0] == status
    assert nagios.status(found) == ["OK", "WARNING", "CRITICAL", "UNKNOWN"].index(status)


def test_a_healthy_server() -> None:
    status, text, data = plugin_line(nagios.line(HEALTHY))
    assert status == "OK"
    assert text.startswith("synchronised to ")
    assert text.endswith(", 1 unknown)"), "only that it was not tried from outside"
    assert data["sync.stratum"] == "3;5;7"


def test_the_worst_comes_first_and_all_are_counted() -> None:
    checks = (check(OK, "a", "A"), check(WARN, "b", "B"), check(UNKNOWN, "c", "C"), check(FAIL, "d", "D"))
    assert nagios.line(report(*checks, code=1)) == "CRITICAL: d: D; b: B (1 failed, 1 warned, 1 ok, 1 unknown)\n"
    assert nagios.line(report(*checks, code=5)).startswith("WARNING: still settling; d: D; b: B (")
    assert nagios.line(report(checks[0], checks[2])) == "OK: no check failed (1 ok, 1 unknown)\n"
    assert nagios.line(report(checks[2])) == "UNKNOWN: nothing could be judged (1 unknown)\n"


def test_numbers_have_units_and_ranges_as_the_guidelines_want_them() -> None:
    assert plugin_line(nagios.line(report(*MEASURES)))[2] == {
        "sync.offset": "0.0004s;0.03;0.06",
        "sync.stratum": "3;5;7",
        "sync.survivors": "5;;3:",
        "load.conntrack": "81.25%;80;95",
        "leapfile": "-0.00000015s;~:0.1",
        "huge": "1000000000000",
    }


@pytest.mark.parametrize(
    ("id", "facts"),
    [
        *(("sync.reach", {"daemon__board__peers": REACHED[share]}) for share in REACHED),
        *(("sync.stratum", {"daemon__board__system__stratum": stratum}) for stratum in (1, 5, 6, 7, 8)),
        *(
            ("sync.distance", {"daemon__board__system__root_dispersion_ms": ms})
            for ms in (499.5, 500.5, 1499.5, 1500.5)
        ),
        *(("upstreams.count", {"daemon__board__peers": FOLLOWED[count]}) for count in FOLLOWED),
        *(("leapfile", {"surroundings__leapfile__days": days}) for days in (-1, 0, 27, 28, 29)),
    ],
)
def test_at_its_limits_a_number_alerts_as_the_check_does(id: str, facts: dict[str, Any]) -> None:  # noqa: A002
    pins = () if id == "upstreams.count" else PINS
    found = [check for check in judge(converged(**facts), WISH, pins, GOOD) if check.id == id]
    told = plugin_line(nagios.line(report(*found)))[2][id]
    value, *ranges = (*told.split(";"), "", "")[:3]
    warns, fails = (alerts(float(value.rstrip("s%")), one) for one in ranges)
    assert (FAIL if fails else WARN if warns else OK) is found[0].state


def test_a_label_comes_once_with_the_worst_of_its_numbers() -> None:
    ok, worse = Measure(1, "s", 2), Measure(3, "s", 2)
    found = (check(OK, measure=ok), check(WARN, measure=worse), check(OK, measure=ok), check(WARN), check(UNKNOWN))
    assert plugin_line(nagios.line(report(*found)))[2] == {"x": "3s;2"}


@pytest.mark.parametrize(("checks", "percent"), SEVERAL.values(), ids=SEVERAL)
def test_its_number_is_that_of_the_worst_line_that_has_one(checks: tuple[Check, ...], percent: Optional[float]) -> None:
    assert plugin_line(nagios.line(report(*checks)))[2] == ({} if percent is None else {"x": f"{percent:g}%"})


def test_a_label_keeps_to_its_quotes() -> None:
    line = nagios.line(report(check(OK, "it's=1 x", measure=Measure(1))))
    assert line.endswith(" | 'it''s_1 x'=1\n")
    assert plugin_line(line)[2] == {"it''s_1 x": "1"}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_text_breaks_the_line(text: str) -> None:
    line = nagios.line(hostile(text))
    status, told, data = plugin_line(line)
    assert (status, len(data)) == ("CRITICAL", len(MEASURES) - 1)
    assert len(told) < 400
    assert told.endswith("(1 failed, 3 warned, 5 ok, 1 unknown)")
    assert line.isprintable() or line[:-1].isprintable()
    line.encode()
    assert plugin_line(nagios.unknown(text))[0] == "UNKNOWN"
    assert len(nagios.unknown(text)) < 400


@settings(parent=SETTINGS, max_examples=200)
@given(st.text(), st.floats(), st.one_of(st.none(), st.floats()), st.booleans())
def test_nothing_at_all_breaks_it(text: str, value: float, limit: Any, falls: bool) -> None:
    found = hostile(text)
    measure = Measure(value, "s", limit, limit, falls)
    _, _, data = plugin_line(nagios.line(replace(found, checks=(*found.checks, check(OK, measure=measure)))))
    assert ("x" in data) is math.isfinite(value)
