"""A server's score and offset over time, drawn with characters: braille dots where the stream takes them, else stars."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from textwrap import wrap

from ntpjoin.checks.scoring import IN_POOL, OFFSET_FULL_S, OFFSET_STEEP_S
from ntpjoin.look.pool import Record
from ntpjoin.show import series
from ntpjoin.show.series import Axis
from ntpjoin.show.terminal import Style

#: Columns of the labels on the left, with the axis; of the picture at least and at most; lines of both pictures.
_LEFT, _LEAST, _MOST, _PLAIN = 8, 20, 112, 79
_SCORE_ROWS, _OFFSET_ROWS = 11, 7
#: Columns that a label of time takes, with the room around it.
_LABEL = 9
_GREEN, _YELLOW, _RED, _FAINT = "32", "33", "31", "2"

#: The dots of a braille character, by row and column (Unicode, chapter 21.1).
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_BRAILLE = 0x2800
#: What is drawn, and what instead where a stream takes ASCII only.
_ASCII = str.maketrans("┤│└─┬┄", "||+-+-")


class _Canvas:
    """Dots, two across and four down in each character."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self._dots: dict[tuple[int, int], int] = {}
        self._codes: dict[tuple[int, int], str] = {}

    def dot(self, x: float, y: float, code: str) -> None:
        """One dot; from 0 to 1, x from the left and y from below. What lies outside stands at the edge."""
        across = round(min(1.0, max(0.0, x)) * (2 * self.columns - 1))
        down = round((1 - min(1.0, max(0.0, y))) * (4 * self.rows - 1))
        self._set(across, down, code)

    def _set(self, across: int, down: int, code: str) -> None:
        cell = (across // 2, down // 4)
        self._dots[cell] = self._dots.get(cell, 0) | _DOTS[down % 4][across % 2]
        self._codes[cell] = max(code, self._codes.get(cell, ""), key=[_FAINT, "", _GREEN, _YELLOW, _RED].index)

    def line(self, begin: tuple[float, float], end: tuple[float, float], above: float) -> None:
        """A line of dots; green from `above` on, red below it."""
        wide, high = (end[0] - begin[0]) * 2 * self.columns, (end[1] - begin[1]) * 4 * self.rows
        steps = max(1, round(max(abs(wide), abs(high))))
        for step in range(steps + 1):
            part = step / steps
            y = begin[1] + part * (end[1] - begin[1])
            self.dot(begin[0] + part * (end[0] - begin[0]), y, _GREEN if y >= above else _RED)

    def row(self, down: int, blank: str, style: Style) -> str:
        """A line of characters; `blank` where there is no dot."""
        cells = [self._cell(across, down, blank, style) for across in range(self.columns)]
        pieces = ((code, "".join(char for _, char in run)) for code, run in groupby(cells, key=lambda cell: cell[0]))
        return "".join(style.paint(text, code if text.strip() else "") for code, text in pieces).rstrip()

    def _cell(self, across: int, down: int, blank: str, style: Style) -> tuple[str, str]:
        dots = self._dots.get((across, down))
        if not dots:
            return _FAINT, blank
        return self._codes[across, down], chr(_BRAILLE + dots) if style.unicode else "*"


def text(record: Record, now_s: float, style: Style) -> str:
    """Both pictures, as wide as the terminal, or 79 columns where there is none; and what they show in words."""
    room = (style.width or _PLAIN + 1) - 1 - _LEFT
    columns = max(_LEAST, min(_MOST, room))
    when = series.times(record, now_s)
    lines = [_head("score", when, columns), *_score(record, when, columns, style), ""]
    lines += [_head("offset, ms", when, columns), *_offset(record, when, columns, style)]
    return "\n".join(line if style.unicode else line.translate(_ASCII) for line in lines)


def _head(what: str, when: Axis, columns: int) -> str:
    first, last = series.moment(when.low), series.moment(when.high)
    span = f"   {first.day} {first:%b} {first:%H:%M} to {last.day} {last:%b} {last:%H:%M} UTC"
    head = f"{what:>{_LEFT - 2}}"
    return head + span if len(head + span) <= _LEFT + columns else head


def _score(record: Record, when: Axis, columns: int, style: Style) -> Iterator[str]:
    axis, canvas = series.scores(record), _Canvas(columns, _SCORE_ROWS)
    for run in series.runs(record.scores or record.checks):
        places = [(when.place(row.at_s), axis.place(row.score)) for row in run]
        for begin, end in zip(places, (*places[1:], places[-1])):
            canvas.line(begin, end, axis.place(IN_POOL))
    yield from _framed(canvas, axis, (IN_POOL,), style)
    yield from _time_axis(when, columns)


def _offset(record: Record, when: Axis, columns: int, style: Style) -> Iterator[str]:
    axis, canvas = series.offsets(record), _Canvas(columns, _OFFSET_ROWS)
    lost = [" "] * columns
    outside = 0
    for row in record.checks:
        x = when.place(row.at_s)
        if row.offset_s is None:
            lost[min(columns - 1, int(x * columns))] = "x"
            continue
        off_ms = row.offset_s * 1000
        outside += not axis.low <= off_ms <= axis.high
        canvas.dot(x, axis.place(off_ms), color(row.offset_s))
    yield from _framed(canvas, axis, (0.0,), style)
    if "x" in lost:
        yield f"{'lost':>{_LEFT - 2}} │{style.paint(''.join(lost).rstrip(), _RED)}"
    yield from _time_axis(when, columns)
    if outside:
        words = f"{outside} of {len(record.checks)} checks lie outside, at the edge"
        yield from (" " * _LEFT + line for line in wrap(words, columns))


def color(offset_s: float) -> str:
    """Green for full points, yellow up to where a score of 10 can still be held, red beyond."""
    off_s = abs(offset_s)
    return _GREEN if off_s <= OFFSET_FULL_S else _YELLOW if off_s <= OFFSET_STEEP_S else _RED


def _framed(canvas: _Canvas, axis: Axis, thresholds: tuple[float, ...], style: Style) -> Iterator[str]:
    """The picture beside its axis; a line of dashes is drawn at each threshold."""

    def row_of(value: float) -> int:
        return round((1 - axis.place(value)) * (4 * canvas.rows - 1)) // 4

    dashed = {row_of(value) for value in thresholds}
    labels = {row_of(value): f"{value:g}" for value in (*axis.marks, *thresholds)}
    for down in range(canvas.rows):
        label = labels.get(down, "")
        yield f"{label:>{_LEFT - 2}} {'┤' if label else '│'}{canvas.row(down, '┄' if down in dashed else ' ', style)}"


def _time_axis(when: Axis, columns: int) -> Iterator[str]:
    """The axis with its marks, and below it their labels, each in the middle."""
    line, labels = ["─"] * columns, [" "] * columns
    for at_s, label in series.time_marks(when, max(1, columns // _LABEL)):
        place = round(when.place(at_s) * (columns - 1))
        line[place] = "┬"
        begin = max(0, min(columns - len(label), place - len(label) // 2))
        labels[begin : begin + len(label)] = label
    yield " " * (_LEFT - 1) + "└" + "".join(line)
    yield (" " * _LEFT + "".join(labels)).rstrip()
