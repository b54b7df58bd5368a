"""The sources of a daemon as `ntpq -pn` shows them: its columns and its notation, addresses uncut and the pinned names beside."""

from __future__ import annotations

from typing import Optional

from ntpjoin.board import LOOPED, NO_ADDRESS, Billboard, Peer
from ntpjoin.model import Pin
from ntpjoin.records import dataclass
from ntpjoin.show.terminal import LEAST_ROOM, Style


@dataclass(frozen=True)
class Row:
    """One source, a cell a column; milliseconds. `name` is the pinned one, or what the daemon calls it."""

    tally: str
    remote: str
    refid: str
    stratum: str
    type: str
    when: str
    poll: str
    reach: str
    delay: str
    offset: str
    jitter: str
    name: str


_NAMES = tuple(Row.__annotations__)
_HEAD = Row("", "remote", "refid", "st", "t", "when", "poll", "reach", "delay", "offset", "jitter", "name")
#: What stands at the left edge of its column.
_LEFT = ("tally", "remote", "refid", "type", "name")
#: So long is a code at most.
_CODE = 4


def text(board: Billboard, pins: tuple[Pin, ...], style: Style) -> str:
    """A line a source, addresses uncut; two lines where the terminal has no room for that, a paragraph where it has less."""
    found = rows(board, pins)
    if not found:
        return ""
    for layout in (_lines, _pairs):
        lines = layout(found)
        if style.width is None or max(map(len, lines)) < style.width:
            return "\n".join(lines)
    return "\n".join(_paragraphs(found, style.width or 0))


def rows(board: Billboard, pins: tuple[Pin, ...]) -> tuple[Row, ...]:
    """The cells of all sources, in the daemon's order."""
    names = {pin.address: pin.name for pin in pins}
    return tuple(_row(board, peer, names.get(peer.address, "")) for peer in board.peers)


def _row(board: Billboard, peer: Peer, pinned: str) -> Row:
    known_by_name = peer.source and (peer.is_clock or peer.address in NO_ADDRESS)
    return Row(
        tally=peer.tally,
        remote=peer.source if known_by_name else peer.address,
        refid=_refid(board, peer),
        stratum=str(peer.stratum),
        type=peer.type,
        when=interval(peer.when_s),
        poll=interval(peer.poll_s),
        reach=f"{peer.reach:o}",
        delay=_number(peer.delay_ms),
        offset=_number(peer.offset_ms),
        jitter=_number(peer.jitter_ms),
        name=pinned or ("" if known_by_name else peer.source),
    )


def _refid(board: Billboard, peer: Peer) -> str:
    """Codes between dots, as each daemon's ntpq knows one. Classic ntpq tells of a loop there: the source follows this host."""
    ntpsec = board.system is not None and board.system.is_ntpsec
    if peer.flash & LOOPED and not ntpsec:
        return "(loop)"
    is_code = not set(peer.refid) & set(".:") if ntpsec else 0 < len(peer.refid) <= _CODE
    return f".{peer.refid}." if is_code else peer.refid


def interval(seconds: Optional[float]) -> str:
    """As ntpq writes how long: seconds up to 2048, then minutes, hours from 300 minutes, days from 96 hours, years; - for nothing."""
    count = int(seconds or 0)
    if count <= 0:
        return "-"
    if count <= 2048:
        return str(count)
    minutes = (count + 29) // 60
    if minutes <= 300:
        return f"{minutes}m"
    hours = (minutes + 29) // 60
    if hours <= 96:
        return f"{hours}h"
    days = (hours + 11) // 24
    return f"{days}d" if days <= 999 else f"{days / 365.25:.0f}y"


def _number(value: Optional[float]) -> str:
    return "-" if value is None else f"{round(value, 3) + 0.0:.3f}"  # no -0.000


def _lines(found: tuple[Row, ...]) -> list[str]:
    columns = _columns(found)
    return [f"  {tally}{' '.join(cells)}".rstrip() for tally, *cells in zip(*columns)]


def _pairs(found: tuple[Row, ...]) -> list[str]:
    """Whom it is about, and below it the cells in columns."""
    _, _, *middle, _ = _columns(found)
    heads = [f"  {row.tally or ' '}{row.remote}  {row.name}".rstrip() for row in (_HEAD, *found)]
    return [line for head, cells in zip(heads, zip(*middle)) for line in (head, f"     {' '.join(cells)}".rstrip())]


def _columns(found: tuple[Row, ...]) -> list[list[str]]:
    """The cells of each column, of one width, below its name."""
    columns = []
    for name, cells in zip(_NAMES, zip(*map(_cells, (_HEAD, *found)))):
        width = max(map(len, cells))
        columns.append([f"{cell:{'<' if name in _LEFT else '>'}{width}}" for cell in cells])
    return columns


def _cells(row: Row) -> tuple[str, ...]:
    return tuple(getattr(row, name) for name in _NAMES)


def _paragraphs(found: tuple[Row, ...], width: int) -> list[str]:
    """Whom it is about, and below it each cell with its name, folded."""
    from textwrap import wrap  # noqa: PLC0415 - most terminals are wide enough

    lines = []
    for row in found:
        cells = [f"{head}\0{cell}" for head, cell in zip(_cells(_HEAD)[2:11], _cells(row)[2:11]) if cell]
        folded = wrap(", ".join(cells), max(LEAST_ROOM, width - 6), break_long_words=False, break_on_hyphens=False)
        lines.append(f"  {row.tally}{row.remote}")
        lines += [f"     {line}".replace("\0", " ") for line in (row.name, *folded) if line]
    return lines
