"""A server's score and offset over time as an SVG picture, for browsers and pages: no script, no fonts, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from textwrap import wrap

from ntpjoin.checks.scoring import IN_POOL, OFFSET_FULL_S, OFFSET_STEEP_S
from ntpjoin.checks.standing import Standing, tenths
from ntpjoin.look.pool import Checked, Record
from ntpjoin.records import dataclass
from ntpjoin.show import series
from ntpjoin.show.series import Axis

#: The size of one server's part, and of its two pictures: left, right, top and bottom.
WIDTH, HEIGHT = 1000, 640
LEFT, RIGHT = 76, 972
SCORE, OFFSET = (112, 352), (412, 562)
#: The strip below the offsets, with a stroke for each check that brought none.
LOST = (574, 586)
#: Characters of a line of text; marks on the axis of time; dots that are drawn larger where there are fewer.
_LINE, _MARKS, _FEW = 118, 9, 500

_INK, _MUTED, _GRID, _PAPER = "#1f2933", "#5f6b7a", "#e4e8ee", "#ffffff"
BLUE, GREEN, AMBER, RED = "#1c5d99", "#2b8a5a", "#d08a1a", "#c53a3a"

_STYLE = f"""text{{font-family:system-ui,"DejaVu Sans",sans-serif;font-size:13px;fill:{_INK}}}
.title{{font-size:20px;font-weight:600}}.big{{font-size:30px;font-weight:600;text-anchor:end}}
.muted{{fill:{_MUTED}}}.y{{text-anchor:end;fill:{_MUTED}}}.x{{text-anchor:middle;fill:{_MUTED}}}
.end{{text-anchor:end}}.grid{{stroke:{_GRID};fill:none}}.frame{{stroke:#b8c1cc;fill:none}}
.ten{{stroke:{RED};stroke-dasharray:6 4;fill:none}}.score{{stroke:{BLUE};stroke-width:2.5;stroke-linejoin:round;fill:none}}
.one{{stroke:{_MUTED};stroke-opacity:.28;fill:none}}.dots{{stroke-linecap:round;stroke-opacity:.55;fill:none}}
.lost{{stroke:{RED};stroke-width:1.6;fill:none}}.out{{fill:#fbeeee}}.full{{fill:#eef7f1}}.gap{{fill:url(#gap)}}"""

_HATCHED = """<defs><pattern id="gap" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
<rect width="8" height="8" fill="#f2f4f7"/><path d="M0 0V8" stroke="#d5dbe3" stroke-width="2"/></pattern></defs>"""


@dataclass(frozen=True)
class _Frame:
    """One picture: an axis of time along it, another one up it."""

    when: Axis
    axis: Axis
    top: float
    bottom: float

    def x(self, at_s: float) -> float:
        return LEFT + self.when.place(at_s) * (RIGHT - LEFT)

    def y(self, value: float) -> float:
        """What lies outside stands at the edge."""
        return self.bottom - min(1.0, max(0.0, self.axis.place(value))) * (self.bottom - self.top)

    def line(self, value: float, kind: str) -> str:
        return f'<path class="{kind}" d="M{LEFT} {int(self.y(value))}.5H{RIGHT}"/>'  # sharp: on a row of pixels

    def band(self, low: float, high: float, kind: str) -> str:
        y, wide = self.y(high), RIGHT - LEFT
        return f'<rect class="{kind}" x="{LEFT}" y="{y:.1f}" width="{wide}" height="{self.y(low) - y:.1f}"/>'


def picture(standings: Sequence[Standing], now_s: float) -> str:
    """All servers of which something is known, one below the other; `now_s` is the time of day, in seconds since 1970."""
    shown = [(one, one.record) for one in standings if one.record]
    high = HEIGHT * max(1, len(shown))
    names = ", ".join(one.address for one, _ in shown) or "no server"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {high}" width="{WIDTH}" height="{high}" role="img">',
        f"<title>Score in the NTP Pool: {escape(names)}</title>",
        f"<style>{_STYLE}</style>",
        _HATCHED,
        f'<rect width="{WIDTH}" height="{high}" fill="{_PAPER}"/>',
    ]
    for number, (standing, record) in enumerate(shown):
        lines += [f'<g transform="translate(0 {number * HEIGHT})">', *_server(standing, record, now_s), "</g>"]
    return "\n".join([*lines, "</svg>", ""])


def _server(standing: Standing, record: Record, now_s: float) -> Iterator[str]:
    when = series.times(record, now_s)
    yield from _title(standing)
    yield from _scores(_Frame(when, series.scores(record), *SCORE), record)
    yield from _offsets(_Frame(when, series.offsets(record), *OFFSET), record)
    first, last = (series.moment(at_s) for at_s in (when.low, when.high))
    yield _text(LEFT, 628, f"{first:%d %b %Y %H:%M} to {last:%d %b %Y %H:%M} UTC", "muted")


def _title(standing: Standing) -> Iterator[str]:
    yield _text(LEFT, 36, standing.address + (f"  {standing.name}" if standing.name else ""), "title")
    for number, line in enumerate(wrap(standing.text, _LINE)[:2]):
        yield _text(LEFT, 60 + 18 * number, line, "muted")
    if standing.score is not None:
        color = GREEN if standing.in_pool else RED
        yield f'<text class="big" x="{RIGHT}" y="42" style="fill:{color}">{tenths(standing.score)}</text>'


def _scores(frame: _Frame, record: Record) -> Iterator[str]:
    yield frame.band(frame.axis.low, IN_POOL, "out")
    yield from _grid(frame, [f"{mark:g}" for mark in frame.axis.marks])
    rows = record.scores or record.checks
    yield from _gaps(frame, rows)
    own: dict[int, list[Checked]] = {}
    for row in record.checks:
        own.setdefault(row.monitor, []).append(row)
    yield f'<path class="one" d="{"".join(_path(frame, checks) for checks in own.values())}"/>'
    yield frame.line(IN_POOL, "ten")
    yield f'<path class="score" d="{_path(frame, record.scores)}"/>'
    yield _framed(frame)
    y = frame.top - 12
    yield _text(LEFT, y, "score", "")
    yield _legend(y, ((BLUE, "overall"), ("#c5cbd3", "each monitor"), (RED, f"in the pool from {IN_POOL:g}")))


def _offsets(frame: _Frame, record: Record) -> Iterator[str]:
    full, steep = OFFSET_FULL_S * 1000, OFFSET_STEEP_S * 1000
    yield frame.band(max(frame.axis.low, -full), min(frame.axis.high, full), "full")
    yield from _grid(frame, [f"{mark:+g}" if mark else "0" for mark in frame.axis.marks])
    yield from _gaps(frame, record.checks)
    known = [(row.at_s, row.offset_s * 1000) for row in record.checks if row.offset_s is not None]
    wide = 5 if len(known) < _FEW else 3
    kinds = (
        (GREEN, f"up to {full:g} ms: full points", 0.0, full),
        (AMBER, f"up to {steep:g} ms", full, steep),
        (RED, "more", steep, float("inf")),
    )
    for color, _, more, most in kinds:
        dots = [(at_s, off) for at_s, off in known if more < abs(off) <= most or off == more == 0]
        drawn = "".join(f"M{frame.x(at_s):.1f} {frame.y(off):.1f}h0" for at_s, off in dots)
        yield f'<path class="dots" stroke="{color}" stroke-width="{wide}" d="{drawn}"/>'
    yield _framed(frame)
    yield _text(LEFT, frame.top - 12, "offset in ms, as each monitor sees it", "")
    outside = sum(abs(off) > frame.axis.high for _, off in known)
    yield _legend(frame.top - 12, [(color, words) for color, words, _, _ in kinds])
    yield from _lost(frame, record, outside)


def _lost(frame: _Frame, record: Record, outside: int) -> Iterator[str]:
    """The strip of checks without an answer, the marks of time, and what the picture does not show."""
    lost = [row.at_s for row in record.checks if row.offset_s is None]
    top, bottom = LOST
    told = f"all {len(record.checks)} checks were answered"
    if lost:
        yield f'<path class="lost" d="{"".join(f"M{frame.x(at_s):.1f} {top}V{bottom}" for at_s in lost)}"/>'
        yield _text(LEFT - 10, bottom - 2, "lost", "y")
        told = f"{len(lost)} of {len(record.checks)} checks had no answer that counts"
    for at_s, label in series.time_marks(frame.when, _MARKS):
        yield _text(frame.x(at_s), 606, label, "x")
    told += f"; {outside} offsets lie outside, at the edge" if outside else ""
    yield _text(RIGHT, 628, told, "muted end")


def _grid(frame: _Frame, labels: Iterable[str]) -> Iterator[str]:
    for mark, label in zip(frame.axis.marks, labels):
        yield frame.line(mark, "grid")
        yield _text(LEFT - 10, frame.y(mark) + 4.5, label, "y")
    for at_s, _ in series.time_marks(frame.when, _MARKS):
        yield f'<path class="grid" d="M{frame.x(at_s):.1f} {frame.top}V{frame.bottom}"/>'


def _gaps(frame: _Frame, rows: Sequence[Checked]) -> Iterator[str]:
    """Hatched, where there is nothing."""
    pieces = series.runs(rows)
    ends = [piece[-1].at_s for piece in pieces]
    begins = [*(piece[0].at_s for piece in pieces[1:]), int(frame.when.high)]
    for end, begin in zip(ends, begins):
        if begin - end > series.longest_s(rows):
            x, wide = frame.x(end), frame.x(begin) - frame.x(end)
            yield f'<rect class="gap" x="{x:.1f}" y="{frame.top}" width="{wide:.1f}" height="{frame.bottom - frame.top}"/>'
            if wide > 70:
                yield _text(x + wide / 2, frame.top + 40, "no checks", "x")


def _path(frame: _Frame, rows: Sequence[Checked]) -> str:
    """A line through each run, broken where there is a gap."""
    return "".join(
        "M" + "L".join(f"{frame.x(row.at_s):.1f} {frame.y(row.score):.1f}" for row in run) for run in series.runs(rows)
    )


def _framed(frame: _Frame) -> str:
    wide, high = RIGHT - LEFT, frame.bottom - frame.top
    return f'<rect class="frame" x="{LEFT}" y="{frame.top}" width="{wide}" height="{high}"/>'


def _legend(y: float, entries: Iterable[tuple[str, str]]) -> str:
    """What the colours mean, up to the right edge, however wide the letters are."""
    told = (f'<tspan fill="{color}">●</tspan><tspan dx="6">{escape(words)}</tspan>' for color, words in entries)
    apart = '<tspan dx="18">\u200b</tspan>'
    return f'<text class="muted end" x="{RIGHT}" y="{y:.1f}">{apart.join(told)}</text>'


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'
