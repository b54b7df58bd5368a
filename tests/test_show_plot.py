"""Score and offset over time, in characters and in lines: what is drawn where, in any width, and where there is nothing."""

from __future__ import annotations

import io
import re
import unicodedata
from dataclasses import replace
from functools import cache
from typing import Optional
from xml.etree import ElementTree as ET

import pytest

from ntpjoin.checks.scoring import Outcome
from ntpjoin.checks.standing import judge, unknown
from ntpjoin.look import pool
from ntpjoin.look.pool import Checked, Monitor, Record
from ntpjoin.show import plot, series, svg
from ntpjoin.show.terminal import Style
from tests import pool_site
from tests.pool_site import NOBODY, SILENT, Life, always, good, server, then

NOW = 1_796_000_000.0
H, DAY = 3600.0, 86400.0
FOUR = "203.0.113.7"


def record(life: Life, age_s: float = 6 * DAY) -> Record:
    found = server(FOUR, life, NOW - age_s, NOW)
    rows = [row for row in found.rows if row.at_s > NOW - pool_site.TOLD_S]
    return pool.record(FOUR, pool_site.told(found, rows))


LIVES: dict[str, tuple[Life, float]] = {
    "good": (good(), 6 * DAY),
    "outage": (then((NOW - 2 * DAY, good()), (NOW - 2 * DAY + 4 * H, always(SILENT)), (NOW, good())), 6 * DAY),
    "gap": (then((NOW - 3 * DAY, good()), (NOW - 2 * DAY, always(NOBODY)), (NOW, good())), 6 * DAY),
    "off": (then((NOW - 2 * DAY, good()), (NOW, always(Outcome(2, 0.15)))), 6 * DAY),
    "behind": (always(Outcome(2, -0.15)), DAY),
    "new": (good(), H),
}


@cache
def record_of(name: str) -> Record:
    return record(*LIVES[name])


def style(width: Optional[int] = None, encoding: str = "utf-8", color: str = "never") -> Style:
    found = Style(io.TextIOWrapper(io.BytesIO(), encoding=encoding), color)
    found.width = width
    return found


def drawn(found: Record, **how: object) -> list[str]:
    return plot.text(found, NOW, style(**how)).splitlines()  # type: ignore[arg-type]


# --- axes


@pytest.mark.parametrize("name", LIVES)
def test_every_axis_holds_its_marks_and_what_is_decided_by(name: str) -> None:
    found = record_of(name)
    for axis in (series.scores(found), series.offsets(found)):
        assert all(0 <= axis.place(mark) <= 1 for mark in axis.marks)
        assert axis.place(axis.low) == 0
        assert axis.place(axis.high) == pytest.approx(1)
    axis = series.scores(found)
    assert all(0 <= axis.place(row.score) <= 1 for row in found.scores)
    assert 10.0 in series.scores(found).marks


def test_what_is_decided_by_keeps_its_room_however_deep_the_score_has_fallen() -> None:
    axis = series.scores(record_of("outage"))
    assert axis.low == -100
    assert axis.place(20) - axis.place(10) > 0.25
    assert axis.place(-50) == pytest.approx(0.2)


@pytest.mark.parametrize("span_s", [600, 3600, 6 * H, DAY, 4 * DAY, 9 * DAY, 40 * DAY])
@pytest.mark.parametrize("most", [3, 6, 12])
def test_marks_of_time_are_round_and_not_too_many(span_s: float, most: int) -> None:
    axis = series.Axis(NOW - span_s, NOW)
    marks = series.time_marks(axis, most)
    assert len(marks) <= most + 1
    assert all(axis.low <= at_s <= axis.high for at_s, _ in marks)
    for at_s, label in marks:
        at = series.moment(at_s)
        assert label == (f"{at.day} {at:%b}" if at.hour == at.minute == 0 else f"{at:%H:%M}")
        assert at_s % 600 == 0


def test_outliers_do_not_flatten_the_rest_but_what_is_new_is_shown() -> None:
    def with_last(*offsets_s: float) -> float:
        rows = [Checked(int(NOW) - 10_000 + n, 1, 20.0, 1.0, 0.001) for n in range(4000)]
        rows += [Checked(int(NOW) + n, 1, 20.0, 1.0, off) for n, off in enumerate(offsets_s)]
        return series.offsets(Record(FOUR, (), (), tuple(rows))).high

    assert with_last(2.0) == 5.0
    assert with_last(*[2.0] * 40) == 3000.0
    assert with_last(*[-0.2] * 40) == 250.0


def test_runs_end_where_nothing_came_for_long() -> None:
    assert [len(series.runs(found.scores)) for found in (record_of("good"), record_of("outage"), record_of("gap"))] == [
        1,
        1,
        2,
    ]
    assert series.runs(()) == []


# --- in characters


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200, None])
@pytest.mark.parametrize("name", LIVES)
def test_it_fits_and_every_line_is_as_long_as_it_may_be(name: str, width: Optional[int]) -> None:
    found = record_of(name)
    lines = drawn(found, width=width)
    most = 79 if width is None else min(width - 1, 120)
    assert max(map(len, lines)) <= most
    [axis, _] = [line for line in lines if "└" in line]
    assert len(axis) == most
    assert all(unicodedata.east_asian_width(char) in "NHAa" or char.isascii() for line in lines for char in line)
    assert all(line == line.rstrip() for line in lines)


@pytest.mark.parametrize("width", [60, 120])
def test_an_outage_is_seen_where_it_was(width: int) -> None:
    lines = drawn(record_of("outage"), width=width)
    ten = next(line for line in lines if line.startswith("    10 ┤"))[8:]
    assert re.fullmatch(r"┄+[⠀-⣿]+┄+[⠀-⣿]+┄+", ten), "down once, up once"
    lost = next(line for line in lines if line.startswith("  lost │"))[8:]
    columns = width - 1 - 8
    assert lost.strip() == "x" * len(lost.strip())
    assert (lost.index("x") + 1) / columns == pytest.approx(0.5, abs=0.06)
    assert "-100 ┤" in "\n".join(lines)


def test_who_is_well_touches_nothing_but_the_top() -> None:
    lines = drawn(record_of("good"), width=80)
    assert lines[1].startswith("    20 ┤⠉⠉") or lines[1].startswith("    20 ┤⣀") or "⠒" in lines[1]
    ten = next(line for line in lines if line.startswith("    10 ┤"))
    assert set(ten[8:]) == {"┄"}
    assert not any("lost" in line or "outside" in line for line in lines)


def test_a_gap_is_empty() -> None:
    [top] = [line for line in drawn(record_of("gap"), width=120) if line.startswith("    20 ┤")]
    assert re.search(r"[⠀-⣿] {20,}[⠀-⣿]", top)


def test_a_stream_of_ascii_gets_ascii() -> None:
    lines = drawn(record_of("outage"), width=60, encoding="ascii")
    assert all(line.isascii() for line in lines)
    assert any("***" in line for line in lines)
    assert "    10 |" in "\n".join(lines)


def test_colours_tell_in_from_out_and_are_left_out_where_they_are_not_wanted() -> None:
    text = plot.text(record_of("outage"), NOW, style(80, color="always"))
    assert "\x1b[32m" in text
    assert "\x1b[31m" in text
    plain = re.sub(r"\x1b\[[0-9]*m", "", text)
    assert [line.rstrip() for line in plain.splitlines()] == drawn(record_of("outage"), width=80)
    assert "\x1b" not in "".join(drawn(record_of("outage"), width=80))


def test_a_clock_that_is_off_is_seen_with_its_sign() -> None:
    ahead, behind = (
        [row for row in drawn(found, width=80) if re.search("[⠀-⣿]{20}", row)]
        for found in (record_of("off"), record_of("behind"))
    )
    assert any(row.startswith("   125 ┤") for row in ahead)
    assert not any(row.startswith("  -125 ┤") for row in ahead)
    assert any(row.startswith("  -125 ┤") for row in behind)
    assert not any(row.startswith("   125 ┤") for row in behind)


def test_nothing_at_all_is_drawn_empty() -> None:
    for lines in (
        drawn(Record(FOUR, (), (), ()), width=60),
        drawn(Record(FOUR, (), (Checked(int(NOW), 24, 3.0, 1.0),), ()), width=60),
    ):
        assert sum("┤" in line for line in lines) >= 10


# --- in lines


SVG = "{http://www.w3.org/2000/svg}"


def pictured(*found: Record) -> ET.Element:
    standings = [judge(FOUR, one, NOW + 60) for one in found]
    return ET.fromstring(svg.picture(standings, NOW + 60))


def test_a_score_that_just_does_not_suffice_does_not_look_as_if_it_did() -> None:
    low = Record(FOUR, (), (Checked(int(NOW), 24, 9.97, 1.0),), ())
    assert ">9.9</text>" in svg.picture([judge(FOUR, low, NOW)], NOW)


def texts(root: ET.Element) -> list[str]:
    return ["".join(one.itertext()) for one in root.iter(f"{SVG}text")]


def paths(root: ET.Element, kind: str) -> list[str]:
    return [one.get("d", "") for one in root.iter(f"{SVG}path") if one.get("class") == kind]


@pytest.mark.parametrize("name", [*LIVES, "nothing"])
def test_the_picture_is_whole_and_all_of_it_lies_inside(name: str) -> None:
    found = Record(FOUR, (), (), ()) if name == "nothing" else record_of(name)
    root = pictured(found)
    assert root.get("viewBox") == f"0 0 {svg.WIDTH} {svg.HEIGHT}"
    for d in (one.get("d", "") for one in root.iter(f"{SVG}path")):
        for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", d):
            assert 0 <= float(x) <= svg.WIDTH
            assert 0 <= float(y) <= svg.HEIGHT
    for rect in root.iter(f"{SVG}rect"):
        assert float(rect.get("width", "")) >= 0
        assert float(rect.get("height", "")) >= 0
    assert "nan" not in ET.tostring(root, encoding="unicode")


def test_what_lies_outside_stands_at_the_edge() -> None:
    well = good()

    def life(at_s: float, monitor: int) -> Outcome:
        return SILENT if monitor == 103 else Outcome(2, 0.9) if at_s < NOW - 0.98 * DAY else well(at_s, monitor)

    found = record(life, age_s=DAY)
    assert min(row.score for row in found.checks) < -90
    root = pictured(found)
    for kind, (top, bottom) in (("one", svg.SCORE), ("score", svg.SCORE), ("dots", svg.OFFSET)):
        heights = [float(y) for d in paths(root, kind) for y in re.findall(r"[ML][\d.]+ (-?[\d.]+)", d)]
        assert top <= min(heights) <= max(heights) <= bottom
        assert {"one": bottom, "dots": top}.get(kind, heights[0]) in heights
    assert any(re.search(r"; \d+ offsets lie outside, at the edge$", text) for text in texts(root))
    assert any("lie outside, at the edge" in line for line in drawn(found, width=80))


def test_the_picture_tells_what_it_shows() -> None:
    root = pictured(record_of("outage"))
    told = texts(root)
    assert FOUR in told
    assert "score" in told
    assert "offset in ms, as each monitor sees it" in told
    assert any("overall" in text and "each monitor" in text and "in the pool from 10" in text for text in told)
    assert any(re.fullmatch(r"\d+ of \d+ checks had no answer that counts", text) for text in told)
    assert {"0", "10", "20", "-50", "-100", "lost"} <= set(told)
    assert any(text.endswith(" UTC") for text in told)
    [line] = paths(root, "score")
    assert line.count("M") == 1
    assert line.count("L") == len(record_of("outage").scores) - 1


def test_a_gap_breaks_the_line_and_is_hatched() -> None:
    root = pictured(record_of("gap"))
    [line] = paths(root, "score")
    assert line.count("M") == 2
    gaps = [rect for rect in root.iter(f"{SVG}rect") if rect.get("class") == "gap"]
    assert len(gaps) == 2, "one in each picture"
    assert all(float(rect.get("width", "")) > 150 for rect in gaps)
    assert texts(root).count("no checks") == 2
    assert not [rect for rect in pictured(record_of("good")).iter(f"{SVG}rect") if rect.get("class") == "gap"]


def test_what_is_no_longer_checked_ends_in_a_gap() -> None:
    stale = judge(FOUR, record_of("good"), NOW + DAY)
    root = ET.fromstring(svg.picture([stale], NOW + DAY))
    assert len([rect for rect in root.iter(f"{SVG}rect") if rect.get("class") == "gap"]) == 2


def test_every_check_is_a_dot_or_a_stroke() -> None:
    root = pictured(record_of("outage"))
    dots = sum(d.count("h0") for d in paths(root, "dots"))
    strokes = sum(d.count("M") for d in paths(root, "lost"))
    assert dots == sum(row.offset_s is not None for row in record_of("outage").checks)
    assert strokes == sum(row.offset_s is None for row in record_of("outage").checks)
    assert dots + strokes == len(record_of("outage").checks)


def test_several_servers_stand_one_below_the_other_and_unknown_ones_are_left_out() -> None:
    standings = [
        judge(FOUR, record_of("good"), NOW),
        unknown("192.0.2.1", "no answer"),
        judge("2001:db8::7", replace(record_of("good"), address="2001:db8::7"), NOW),
    ]
    root = ET.fromstring(svg.picture(standings, NOW))
    assert root.get("viewBox") == f"0 0 {svg.WIDTH} {2 * svg.HEIGHT}"
    assert [one.get("transform") for one in root.iter(f"{SVG}g")] == ["translate(0 0)", f"translate(0 {svg.HEIGHT})"]


def test_text_from_outside_cannot_leave_its_place() -> None:
    hostile = replace(
        record_of("good"), monitors=(*record_of("good").monitors, Monitor(9, "<script>&\"'", "active", 1.0))
    )
    name = "<b>&"
    standing = replace(judge(FOUR, hostile, NOW), name=name, text='in & "out" <i>')
    root = ET.fromstring(svg.picture([standing], NOW))
    assert any(name in text for text in texts(root))
    assert {one.tag.removeprefix(SVG) for one in root.iter()} <= {
        "svg", "title", "style", "defs", "pattern", "rect", "path", "g", "text", "tspan",
    }  # fmt: skip
