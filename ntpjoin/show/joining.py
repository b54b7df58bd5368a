"""What `register` has to tell: the list before joining, what one commits to, the links, and what comes next."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, Optional

from ntpjoin.checks.joining import Door, NetSpeed, Point
from ntpjoin.look.ownership import Ownership
from ntpjoin.look.sites import MANAGED, POOL, asking
from ntpjoin.model import CheckState
from ntpjoin.records import dataclass
from ntpjoin.show.terminal import Style

_MARKS = {
    CheckState.OK: ("✓", "32"),
    CheckState.WARN: ("!", "33"),
    CheckState.FAIL: ("✗", "31"),
    CheckState.UNKNOWN: ("?", "36"),
}

#: The net speed of a new server, kilobits a second.
GIVEN = 10000

#: What the pool asks of those who join (its page `join`), and what it does itself.
COMMITMENTS = (
    "The address stays the same for years. Who moves leaves, and joins anew.",
    "The server stays on, and its connection too. A few minutes now and then cost some points, no more.",
    "It is for long: after leaving, clients go on asking for weeks, months, some for years.",
    "The load is small, most of the time: some 5 to 15 packets a second, 120 at peaks; where a country has few servers, far more.",
    "A mail comes when the score falls to -15; who does not mend it within weeks is taken out.",
    "The net speed can be changed at any time, and is followed within half an hour; 0 means: checked, but given to nobody.",
    "You register your own servers only.",
)


@dataclass(frozen=True)
class Registration:
    """All that `register` tells. `registered` and `links` are by public address; links only of those that the pool may know.

    `site` is that of the system of the pool that is meant.
    """

    points: tuple[Point, ...]
    doors: tuple[Door, ...]
    registered: dict[str, Optional[bool]]
    links: dict[str, Ownership]
    speed: NetSpeed
    site: str = POOL

    @property
    def failed(self) -> bool:
        """Whether something speaks against joining."""
        return any(point.state is CheckState.FAIL for point in self.points)

    @property
    def new(self) -> tuple[str, ...]:
        """The addresses that are still to be added on the pool's site."""
        return tuple(address for address, known in self.registered.items() if known is False)

    @property
    def asked(self) -> frozenset[str]:
        """The addresses whose links could be asked for from here."""
        return frozenset(door.address for door in self.doors if door.source)


def text(found: Registration, style: Style) -> str:
    """For people, in the order in which one joins."""
    lines = [
        "Before joining",
        *_points(found, style),
        "",
        "What you commit to",
        *(f"  - {line}" for line in COMMITMENTS),
        "",
    ]
    lines += [
        f"Begin with a net speed of {found.speed.kbit} kbit/s, a new server is given {GIVEN}: {found.speed.why}.",
        "",
    ]
    return "\n".join([*lines, *_links(found, style), *_next(found)])


def _points(found: Registration, style: Style) -> Iterator[str]:
    for point in found.points:
        yield f"  {style.mark(*_MARKS[point.state])} {point.id:<11} {point.text}"
        if point.remedy:
            yield f"  {'':<13} {point.remedy}"


def _links(found: Registration, style: Style) -> Iterator[str]:
    """Of each address that the pool may know: the link, or why there is none."""
    if not found.links:
        return
    yield "To prove that the server is yours, open within 72 h, logged in (if the pool shows a check mark for it, it is proven)"
    for address, link in found.links.items():
        mark, code = ("✓", "32") if link.link else ("?", "36")
        yield f"  {style.mark(mark, code)} {address:<39} {link.link or link.problem}".rstrip()
        if link.remedy:
            yield f"  {'':<41} {link.remedy}"
    yield ""


def _next(found: Registration) -> Iterator[str]:
    if found.failed:
        yield "Not ready to join: mend what fails first."
    elif found.new:
        where = MANAGED.get(found.site, "the page where that system's servers are managed")
        yield f"Next: log in at {where}, and add {' and '.join(found.new)} there; then ntpjoin register again, for the link."
    elif any(link.problem for address, link in found.links.items() if address in found.asked):
        yield "Next: ntpjoin register again, for the links that could not be had."
    elif any(link.problem for link in found.links.values()):
        yield "Next: ask for the other links by hand, as it is told beside them."
    elif found.links:
        watch = asking("ntpjoin score", found.site)
        yield f"Next: when all of them are proven, set the net speed there; then watch: {watch}"
    else:
        yield "Next: ntpjoin register again, for what could not be told."
    yield "Nothing was submitted for you."


def data(found: Registration) -> dict[str, Any]:
    """The same for the JSON object."""
    return {
        "points": [{**dataclasses.asdict(point), "state": point.state.value} for point in found.points],
        "net_speed_kbit": found.speed.kbit,
        "net_speed_why": found.speed.why,
        "commitments": list(COMMITMENTS),
        "addresses": [_address(door, found) for door in found.doors],
    }


def _address(door: Door, found: Registration) -> dict[str, Any]:
    link = found.links.get(door.address, Ownership())
    return {
        "address": door.address,
        "source": door.source,
        "registered": found.registered.get(door.address),
        "link": link.link,
        "problem": link.problem,
    }
