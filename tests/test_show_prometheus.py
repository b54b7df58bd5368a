"""The metrics: each told of before its series, no series twice, base units, labels that no text breaks out of."""

from __future__ import annotations

import io
import math
import re
from dataclasses import replace
from typing import Optional

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ntpjoin.checks.standing import judge
from ntpjoin.look.pool import Checked, Monitor, Record
from ntpjoin.model import Check, Measure
from ntpjoin.show import prometheus, standing_forms
from ntpjoin.show.report import Report
from ntpjoin.show.standings import Scores, Told
from ntpjoin.show.terminal import Style
from tests.documents import REFERENCE, documented
from tests.hostile import SETTINGS
from tests.outputs import FAIL, HEALTHY, HOSTILE, MEASURES, OK, SEVERAL, UNKNOWN, WARN, hostile
from tests.read_back import Key, metrics_page, value
from tests.sample import BOARD, NAMES, OWN4, PINS, SYSTEM_VARS, peer

NOW = 1_800_000_000.25


def states(found: dict[Key, float], id_: str) -> set[str]:
    series = [(dict(labels), number) for (name, labels), number in found.items() if name == "ntpjoin_check_state"]
    assert {labels["state"] for labels, _ in series if labels["id"] == id_} == {"ok", "warn", "fail", "unknown"}
    assert {number for _, number in series} <= {0, 1}
    return {labels["state"] for labels, number in series if labels["id"] == id_ and number}


def test_a_healthy_server() -> None:
    found = metrics_page(prometheus.page(HEALTHY, NOW))
    assert value(found, "ntpjoin_verify_exit_code") == 0
    assert value(found, "ntpjoin_verify_timestamp_seconds") == NOW
    assert states(found, "sync.peer") == {"ok"}
    assert states(found, "outside") == {"unknown"}
    assert value(found, "ntpjoin_check_value", id="sync.stratum") == 3
    assert value(found, "ntpjoin_system_offset_seconds") == 0.0004
    assert value(found, "ntpjoin_system_frequency_ratio") == -3e-6
    for pin in PINS:
        assert value(found, "ntpjoin_peer_offset_seconds", address=pin.address, name=pin.name) == 0.0004
        assert value(found, "ntpjoin_peer_delay_seconds", address=pin.address) == 0.0015
        assert value(found, "ntpjoin_peer_reach_ratio", address=pin.address) == 1
        assert value(found, "ntpjoin_peer_poll_seconds", address=pin.address) == 64
        assert value(found, "ntpjoin_peer_age_seconds", address=pin.address) == 12
    assert value(found, "ntpjoin_peer_info", name=NAMES[0], tally="system peer") == 1
    assert value(found, "ntpjoin_peer_info", name=NAMES[1], tally="candidate") == 1


def test_numbers_are_in_base_units() -> None:
    found = metrics_page(prometheus.page(Report(0, MEASURES, BOARD), NOW))
    assert value(found, "ntpjoin_check_value_seconds", id="sync.offset") == 0.0004
    assert value(found, "ntpjoin_check_value_seconds", id="leapfile") == -1.5e-7
    assert value(found, "ntpjoin_check_value_ratio", id="load.conntrack") == 0.8125
    assert value(found, "ntpjoin_check_value", id="huge") == 1e12
    assert not [key for key in found if "odd" in str(key) and key[0] != "ntpjoin_check_state"], "no number, no series"


@pytest.mark.parametrize(
    ("ended", "counts"),
    [((OK, WARN, OK), WARN), ((UNKNOWN, OK), UNKNOWN), ((FAIL, WARN, UNKNOWN), FAIL), ((OK, OK), OK)],
)
def test_of_several_checks_with_one_id_the_worst_counts(ended: tuple[object, ...], counts: object) -> None:
    checks = tuple(Check("x", state, "x", measure=Measure(number)) for number, state in enumerate(ended))  # type: ignore[arg-type]
    found = metrics_page(prometheus.page(Report(0, checks, BOARD), NOW))
    assert states(found, "x") == {counts.value}  # type: ignore[attr-defined]
    assert value(found, "ntpjoin_check_value", id="x") == max(n for n, state in enumerate(ended) if state is counts)


@pytest.mark.parametrize(("checks", "percent"), SEVERAL.values(), ids=SEVERAL)
def test_its_number_is_that_of_the_worst_line_that_has_one(checks: tuple[Check, ...], percent: Optional[float]) -> None:
    found = metrics_page(prometheus.page(Report(0, checks, BOARD), NOW))
    values = {name: number for (name, _), number in found.items() if name.startswith("ntpjoin_check_value")}
    assert values == ({} if percent is None else {"ntpjoin_check_value_ratio": pytest.approx(percent / 100)})


def test_what_is_not_known_has_no_series() -> None:
    untold = replace(SYSTEM_VARS, offset_ms=None, frequency_ppm=math.inf)
    board = replace(BOARD, system=untold, peers=(peer(1, delay_ms=None, when_s=None, reach=0b101),))
    page = prometheus.page(Report(1, (), board), NOW)
    found = metrics_page(page)
    for name in ("system_offset", "system_frequency", "peer_delay", "peer_age", "check_state", "check_value"):
        assert f"ntpjoin_{name}" not in page
    assert value(found, "ntpjoin_peer_reach_ratio") == 0.25
    assert set(metrics_page(prometheus.failed("verify", 3, NOW))) == {
        ("ntpjoin_verify_exit_code", ()),
        ("ntpjoin_verify_timestamp_seconds", ()),
    }


def test_a_source_that_is_told_twice_has_one_series() -> None:
    board = replace(BOARD, peers=(peer(1, address=OWN4), peer(2, address=OWN4, offset_ms=7.0), peer(3)))
    found = metrics_page(prometheus.page(Report(0, (), board), NOW))
    assert value(found, "ntpjoin_peer_offset_seconds", address=OWN4) == 0.0004


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_text_breaks_a_page(text: str) -> None:
    page = prometheus.page(hostile(text), NOW)
    found = metrics_page(page)
    page.encode()
    assert states(found, "upstreams.silent") == {"warn"}
    name = text.encode(errors="replace").decode()
    assert value(found, "ntpjoin_peer_info", address=BOARD.peers[2].address, tally="discarded", name=name) == 1


@settings(parent=SETTINGS, max_examples=200)
@given(st.text(), st.floats())
def test_nothing_at_all_breaks_it(text: str, number: float) -> None:
    found = hostile(text)
    checks = (*found.checks, Check("x", OK, text, measure=Measure(number, "%")))
    metrics_page(prometheus.page(replace(found, checks=checks), NOW))


def test_every_metric_is_documented_and_no_other() -> None:
    known = Record("x", (Monitor(1, "x", "active", 20.0),), (), (Checked(1, 1, 20.0, 1.0),))
    scores = Scores((Told(judge("x", known, NOW)),), 0, NOW)
    score = standing_forms.answer("prometheus", scores, Style(io.StringIO()))
    pages = [prometheus.page(Report(0, MEASURES, BOARD), NOW), prometheus.failed("verify", 3, NOW), score]
    names = {name for page in pages for name, _ in metrics_page(page)}
    text = (REFERENCE / "verify-formats.md").read_text()
    assert {name for name in documented(text) if name.startswith("ntpjoin_")} == names
    for about in re.findall(r"^# HELP \S+ (.*)$", pages[0] + score, re.MULTILINE):
        assert about.rstrip(".") in text
