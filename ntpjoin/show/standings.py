"""How servers stand in the pool, as text for people and as data for programs: the score, its monitors, their complaints explained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import Any, Optional

from ntpjoin.checks.complaints import Complaint
from ntpjoin.checks.course import counted
from ntpjoin.checks.standing import AHEAD_S, Standing, span, tenths
from ntpjoin.look.pool import Checked, Monitor, Record
from ntpjoin.model import CheckState
from ntpjoin.records import dataclass
from ntpjoin.show.terminal import LEAST_ROOM, Style
from ntpjoin.upstreams.judge import signed

_MARKS: dict[CheckState, tuple[str, str]] = {
    CheckState.OK: ("✓", "32"),
    CheckState.WARN: ("!", "33"),
    CheckState.FAIL: ("✗", "31"),
    CheckState.UNKNOWN: ("?", "36"),
}
#: So many servers of which nothing could be told for the same reason are one line.
CROWD = 5
_STATUSES = ("active", "testing", "candidate")
_HEAD = ("monitor", "status", "score", "checked", "offset", "delay", "lost")
#: The columns that one can do without, the first one first.
_LESS = ("delay", "checked", "offset")
#: With less room than that beside the address the words stand below it.
_ROOM = 48


@dataclass(frozen=True)
class Told:
    """A server, and what its monitors complained of: None where that was not asked for, or could not be told for the reason `why`."""

    standing: Standing
    complaints: Optional[tuple[Complaint, ...]] = None
    why: str = ""


@dataclass(frozen=True)
class Wanted:
    """What to show beside the score."""

    monitors: bool = False
    plot: bool = False


@dataclass(frozen=True)
class Scores:
    """All that `score` answers: the servers, in order, what it exits with, and the time of day in seconds since 1970."""

    told: tuple[Told, ...]
    code: int
    now_s: float
    wanted: Wanted = Wanted()


def text(scores: Scores, style: Style) -> str:
    """A line a server, and below it what is wanted."""
    told, wanted = scores.told, scores.wanted
    sharing = Counter(
        one.standing.text for one in told if one.standing.state is CheckState.UNKNOWN and not one.standing.record
    )
    width = max((len(one.standing.address) for one in told), default=0)
    blocks: dict[str, str] = {}
    for one in told:
        text = one.standing.text
        if sharing[text] >= CROWD:
            same = [other.standing for other in told if other.standing.text == text]
            blocks[text] = "\n".join(_crowd(same, style))
        else:
            blocks[one.standing.address] = "\n".join(_one(one, wanted, scores.now_s, width, style))
    wide = wanted.monitors or wanted.plot or any(one.complaints is not None for one in told)
    return ("\n\n" if wide else "\n").join(blocks.values())


def _crowd(same: Sequence[Standing], style: Style) -> Iterator[str]:
    """Those of which nothing could be told for one reason; a name that leads nowhere is told, for somebody has to look at it."""
    first, *more = _folded(f"{len(same)} servers: {same[0].text}", 6, style)
    yield f"{style.mark(*_MARKS[CheckState.UNKNOWN])} {first}"
    names = " ".join(one.address for one in same if not _is_address(one.address))
    yield from (f"      {line}" for line in (*more, *(_folded(names, 6, style) if names else ())))


def _is_address(text: str) -> bool:
    return ":" in text or text.rpartition(".")[2].isdigit()


def _one(told: Told, wanted: Wanted, now_s: float, width: int, style: Style) -> Iterator[str]:
    one = told.standing
    yield from _line(one, width, style, asked=told.complaints is not None or bool(told.why))
    if one.record and wanted.monitors:
        yield from _monitors(one.record, now_s, style)
    if told.why:
        yield from _indented(f"why points were lost is not known: {told.why}", 6, style)
    if one.record and told.complaints is not None:
        yield from _why(one, one.record, told.complaints, now_s, style)
    if one.record and wanted.plot:
        from ntpjoin.show import plot  # noqa: PLC0415

        yield ""
        yield plot.text(one.record, now_s, style)


def _line(one: Standing, width: int, style: Style, *, asked: bool) -> Iterator[str]:
    """The address, its score, how it stands; on a narrow terminal the words stand below. Why is not to be `asked` again."""
    mark, code = _MARKS[one.state]
    score = "" if one.score is None else tenths(one.score)
    head = f"{one.address:<{width}} {score:>6}"
    indent = len(head) + 4
    below = style.width is not None and style.width - indent < _ROOM
    indent = 6 if below else indent
    lines = _folded(f"{one.name}: {one.text}" if one.name else one.text, indent, style)
    first = "" if below else f"  {lines.pop(0)}"
    yield f"{style.mark(mark, code)} {head}{first}".rstrip()
    if one.remedy and not asked:
        lines.append(one.remedy)
    yield from (" " * indent + line for line in lines)


def _folded(text: str, indent: int, style: Style) -> list[str]:
    """The lines of a text that stands so far from the edge of a terminal; one where there is none."""
    if style.width is None:
        return [text]
    return wrap(text, max(LEAST_ROOM, style.width - indent - 1), break_long_words=False, break_on_hyphens=False)


def _indented(text: str, indent: int, style: Style) -> Iterator[str]:
    yield from (" " * indent + line for line in _folded(text, indent, style))


# --- monitors ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Seen:
    """One monitor's checks in a record: the newest, and how many lost points."""

    monitor: Monitor
    newest: Checked
    checks: int
    lost: int


def _seen(record: Record) -> list[_Seen]:
    """Those that make the score first, and of the same status the lowest score first."""
    own: dict[int, list[Checked]] = {one.id: [] for one in record.monitors}
    for check in record.checks:
        own.get(check.monitor, []).append(check)
    found = [
        _Seen(one, own[one.id][-1], len(own[one.id]), sum(check.step < 1 for check in own[one.id]))
        for one in record.monitors
        if own[one.id]
    ]
    rank = {status: number for number, status in enumerate(_STATUSES)}
    return sorted(found, key=lambda one: (rank.get(one.monitor.status, len(rank)), one.newest.score, one.monitor.name))


def _monitors(record: Record, now_s: float, style: Style) -> Iterator[str]:
    """A table; on a narrow terminal without some of its columns."""
    columns = list(zip(_HEAD, *(_cells(one, now_s) for one in _seen(record))))
    for name in _LESS:
        if style.width is not None and sum(max(map(len, column)) + 2 for column in columns) + 4 >= style.width:
            columns = [column for column in columns if column[0] != name]
    widths = [max(map(len, column)) for column in columns]
    for cells in zip(*columns):
        left = [f"{cell:<{width}}" for cell, width in zip(cells[:2], widths)]
        yield "      " + "  ".join([*left, *(f"{cell:>{width}}" for cell, width in zip(cells[2:], widths[2:]))])


def _cells(one: _Seen, now_s: float) -> tuple[str, ...]:
    newest = one.newest
    return (
        one.monitor.name,
        one.monitor.status,
        tenths(newest.score),
        _ago(now_s - newest.at_s),
        "-" if newest.offset_s is None else signed(newest.offset_s),
        "-" if newest.rtt_ms is None else f"{newest.rtt_ms:.1f} ms",
        f"{one.lost}/{one.checks}",
    )


# --- complaints --------------------------------------------------------------------------------------------------------


def _why(one: Standing, record: Record, found: Sequence[Complaint], now_s: float, style: Style) -> Iterator[str]:
    times = [check.at_s for check in record.checks]
    if times:
        yield from _indented(
            f"points lost at {one.lost} of {one.checks} checks in {span(max(times) - min(times))}", 6, style
        )
    for complaint in found:
        what, *rest = _folded(f"{complaint.kind.what}, {_whom(complaint, len(record.monitors))}", 12, style)
        yield f"      {complaint.count:>4}  {what}"
        yield from (f"{'':12}{line}" for line in rest)
        newest = f"newest {_ago(now_s - complaint.newest_s)}" + (f": {complaint.words}" if complaint.words else "")
        for words in (newest, complaint.kind.means, complaint.remedy(one.address, one.site)):
            yield from _indented(words, 12, style)


def _ago(seconds: float) -> str:
    return f"{span(max(0.0, seconds))} ago" if seconds >= -AHEAD_S else "in the future"


def _whom(complaint: Complaint, monitors: int) -> str:
    """Who complains: where few do, it is rather the way to them than the server."""
    if complaint.monitors >= monitors:
        return "by all monitors" if monitors > 1 else "by the only monitor"
    few = ": rather the way to those than this server" if complaint.monitors * 3 <= monitors else ""
    return f"by {complaint.monitors} of {monitors} monitors{few}"


# --- for programs ------------------------------------------------------------------------------------------------------


def data(scores: Scores) -> dict[str, Any]:
    """The same for the JSON object, whatever is wanted for people."""
    return {"scores": [_page(one, scores.now_s) for one in scores.told]}


def _page(told: Told, now_s: float) -> dict[str, Any]:
    one = told.standing
    record = one.record
    makers = {monitor.id for monitor in counted(record)} if record else set()
    return {
        "address": one.address,
        "name": one.name,
        "state": one.state.value,
        "text": one.text,
        "remedy": one.remedy,
        "registered": None if one.state is CheckState.UNKNOWN else record is not None,
        "in_pool": None if one.state is CheckState.UNKNOWN else one.in_pool,
        "coming": one.coming,
        "score": _round(one.score),
        "change": _round(one.change),
        "span_s": _round(one.span_s),
        "limit": _round(one.course.limit if one.course else None),
        "crosses_s": _round(one.crosses_s),
        "age_s": _round(one.age_s),
        "checks": one.checks,
        "lost": one.lost,
        "monitors": [_monitor(seen, makers, now_s) for seen in _seen(record)] if record else [],
        "complaints": None if told.complaints is None else [_complaint(row, one, now_s) for row in told.complaints],
    }


def _monitor(seen: _Seen, makers: set[int], now_s: float) -> dict[str, Any]:
    newest = seen.newest
    return {
        "id": seen.monitor.id,
        "name": seen.monitor.name,
        "status": seen.monitor.status,
        "counts": seen.monitor.id in makers,
        "score": _round(newest.score),
        "age_s": _round(now_s - newest.at_s),
        "offset_ms": None if newest.offset_s is None else _round(newest.offset_s * 1000),
        "delay_ms": _round(newest.rtt_ms),
        "checks": seen.checks,
        "lost": seen.lost,
    }


def _complaint(found: Complaint, one: Standing, now_s: float) -> dict[str, Any]:
    return {
        "what": found.kind.what,
        "means": found.kind.means,
        "remedy": found.remedy(one.address, one.site),
        "words": found.words,
        "count": found.count,
        "monitors": found.monitors,
        "points": _round(found.points),
        "age_s": _round(now_s - found.newest_s),
    }


def _round(value: Optional[float]) -> Optional[float]:
    return None if value is None else round(value, 3)
