"""The catalogue as text for people, a line a server, and as one page of JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, Optional

from ntpjoin.records import dataclass
from ntpjoin.show.terminal import Style
from ntpjoin.upstreams.catalogue import GAP_S, Server
from ntpjoin.upstreams.places import Place


@dataclass(frozen=True)
class Line:
    """A server, how far it is (None: not known), and why it may not be used, '' where it may."""

    server: Server
    km: Optional[float]
    refused: str


def text(lines: Sequence[Line], more: int, refused: int, *, every: bool, style: Style) -> str:
    """One line a server, in columns; last how many others there are, unless `every` one is shown."""
    table = [_cells(line, style) for line in lines]
    widths = [max(map(len, column)) for column in zip(*(cells[:-1] for cells in table))]
    shown = [
        "  ".join([*(f"{cell:<{width}}" for cell, width in zip(cells, widths)), cells[-1]]).rstrip() for cells in table
    ]
    if not every:
        shown.append(f"{more} more may be used, {refused} may not: add --all to see them")
    return "\n".join(shown)


def _cells(line: Line, style: Style) -> list[str]:
    server = line.server
    asks = "; ".join(_asks(server))
    refused = f"{style.mark('✗', '31')} {line.refused}" if line.refused else ""
    return [
        server.host,
        _distance(line),
        f"{server.country} {server.place}".strip(),
        f"stratum {server.stratum or '?'}",
        server.access,
        server.operator,
        "; ".join(filter(None, [refused, asks])),
    ]


def _distance(line: Line) -> str:
    if line.server.anycast:
        return "anycast"
    return "" if line.km is None else f"{line.km:.0f} km"


def _asks(server: Server) -> Iterator[str]:
    """What its operator asks of those who use it."""
    if server.notify == "yes":
        yield "asks for a mail"
    if server.gap_s > GAP_S:
        yield f"{server.gap_s:g} s between packets"
    if server.minpoll:
        yield f"{2**server.minpoll} s between polls"
    if server.use_name:
        yield "by name, not by address"
    if server.note:
        yield server.note


def page(lines: Sequence[Line], more: int, place: Optional[Place]) -> dict[str, Any]:
    """The same for machines: each server with all its columns; `more` are those that are not among them."""
    return {
        "place": dataclasses.asdict(place) if place else None,
        "upstreams": [
            {
                **dataclasses.asdict(line.server),
                "distance_km": None if line.km is None else round(line.km, 1),
                "refused": line.refused,
            }
            for line in lines
        ],
        "more": more,
    }
