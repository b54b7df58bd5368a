"""What the pool's monitors complained of, put together and explained. Pure.

The texts are those of ntppool/monitor (`client/monitor/monitor.go`), of beevik/ntp, by which it asks, and of Go's network.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Optional

from ntpjoin.checks.scoring import OFFSET_FAR_S, OFFSET_FULL_S, OFFSET_LOST_S, OFFSET_STEEP_S, STRATUM_BAD, TIMEOUT_S
from ntpjoin.look.pool import Monitor, Remark
from ntpjoin.look.sites import asking
from ntpjoin.records import dataclass

_OUTSIDE = "on another machine: ntpjoin probe ADDRESS; on the server: ntpjoin verify"
_HERE = "on the server: ntpjoin verify"
_WAIT = "on the server: ntpjoin verify --wait 120"


@dataclass(frozen=True)
class Kind:
    """A kind of complaint: what the monitor saw, what that means, and what to do, where ADDRESS is the server's."""

    what: str
    means: str
    remedy: str


_SILENT = Kind(
    f"no answer within {TIMEOUT_S:g} s",
    "the question or the answer was lost, or dropped by a firewall, a provider's filter or a full table of connections",
    _OUTSIDE,
)
_UNSYNCHRONISED = Kind(
    "it says that it is not synchronised",
    "the daemon has not the time yet, or no longer: it has just been started, or its upstreams are gone",
    _WAIT,
)
_ODD = Kind(
    "an answer that does not count",
    "what came back is no answer to that question: somebody else's, or changed on its way",
    _OUTSIDE,
)
_REFUSED = Kind("nothing listens on UDP 123 there", "no daemon runs at that address, or a firewall says so", _HERE)
_NO_WAY = Kind(
    "no way leads there",
    "a router or a firewall on the way, or the monitor's own network, says that this address cannot be reached",
    _OUTSIDE,
)
_OTHER = Kind("another error", "the monitor's own words tell more", _OUTSIDE)

#: The first whose pattern is found in the text of an error.
_TEXTS: Sequence[tuple[str, Kind]] = (
    (r"i/o timeout|deadline exceeded", _SILENT),
    (r"connection refused", _REFUSED),
    (r"no route to host|(network|host) is (unreachable|down)|permission denied|not permitted", _NO_WAY),
    (r"^RATE$", Kind(
        "it asks them to ask less often (RATE)",
        "the daemon's limiter took a monitor, 3 packets 2 s apart, for too many, or several behind one address for one",
        _HERE,
    )),
    (r"^(DENY|RSTR)$", Kind(
        "it refuses them (DENY, RSTR)", "a restrict line of the daemon keeps them out", _HERE,
    )),
    (r"^[A-Z]{4}$|bad stratum (0|16)\b", _UNSYNCHRONISED),
    (r"bad stratum", Kind(
        "its stratum is too high", "it follows somebody who is himself too far from a reference clock", _HERE,
    )),
    (r"untrusted zero offset", Kind(
        "an offset of exactly 0, which is not believed", "a fault of that monitor, an old one", "wait",
    )),
    (r"match|invalid|backwards|fresh|kiss of death|authentication", _ODD),
)  # fmt: skip

#: By the offset, in seconds: from the last of these that it exceeds.
_OFFSETS: Sequence[tuple[float, Kind]] = tuple(
    (
        more_s,
        Kind(
            f"its clock is off by {words}",
            "that is what the monitor sees: this clock's error, and half of what the way there and back differ by",
            "compare: on the server, ntpjoin verify; with others, ntpjoin score --monitors ADDRESS",
        ),
    )
    for more_s, words in (
        (OFFSET_FULL_S, f"{OFFSET_FULL_S * 1000:g} to {OFFSET_STEEP_S * 1000:g} ms"),
        (OFFSET_STEEP_S, f"{OFFSET_STEEP_S * 1000:g} to {OFFSET_FAR_S * 1000:g} ms"),
        (OFFSET_FAR_S, f"{OFFSET_FAR_S * 1000:g} ms to {OFFSET_LOST_S:g} s"),
        (OFFSET_LOST_S, f"more than {OFFSET_LOST_S:g} s"),
    )
)
_STRATUM = Kind(
    f"its stratum is {STRATUM_BAD} or more", "it follows somebody who is himself too far from a reference clock", _HERE
)
_LEAP = Kind(
    "it says that it is not synchronised, with the time all the same (leap 3)",
    "it costs no points, but clients do not follow such a server",
    _WAIT,
)


@dataclass(frozen=True)
class Complaint:
    """All of one kind: how many checks, by how many monitors, the points that they cost; when the newest was, and in its words."""

    kind: Kind
    count: int
    monitors: int
    points: float
    newest_s: int
    words: str

    def remedy(self, address: str, site: str) -> str:
        """What to do about it, for this server of the system of the pool that has this site."""
        score = "ntpjoin score"
        return self.kind.remedy.replace(score, asking(score, site)).replace("ADDRESS", address)


def complaints(remarks: Iterable[Remark], monitors: Iterable[Monitor]) -> tuple[Complaint, ...]:
    """What lost points, or will mislead clients; the kind that came most often first. Only checks of these monitors count."""
    known = {one.id for one in monitors}
    found: dict[Kind, list[Remark]] = {}
    for remark in remarks:
        kind = kind_of(remark) if remark.monitor in known else None
        if kind:
            found.setdefault(kind, []).append(remark)
    made = [_complaint(kind, rows) for kind, rows in found.items()]
    return tuple(sorted(made, key=lambda one: (-one.count, one.kind.what)))


def kind_of(remark: Remark) -> Optional[Kind]:
    """None where there is nothing to complain of."""
    if remark.error:
        return next((kind for pattern, kind in _TEXTS if re.search(pattern, remark.error)), _OTHER)
    if remark.step >= 1:
        return _LEAP if remark.leap == 3 else None
    if remark.offset_s is None:
        return _SILENT
    off = [kind for more_s, kind in _OFFSETS if abs(remark.offset_s) > more_s]
    return off[-1] if off else _STRATUM


def _complaint(kind: Kind, rows: Sequence[Remark]) -> Complaint:
    newest = max(rows, key=lambda row: row.at_s)
    cost = sum(1 - row.step for row in rows)
    return Complaint(kind, len(rows), len({row.monitor for row in rows}), cost, newest.at_s, newest.error)
