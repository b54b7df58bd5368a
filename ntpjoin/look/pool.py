"""What the pool's site tells of a server: its score over time, each check of its monitors, and what they complained of.

The shapes are those of ntppool/data-api, `server/history.go`. All of it is from outside: what is not of that shape is refused, single
rows of a log that are not are left out, and text is cut and made printable.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from typing import Any, Optional

from ntpjoin.errors import WireError
from ntpjoin.records import dataclass

#: The scorer whose score decides: the median of those monitors that have checked lately.
_OVERALL = "recentmedian"
#: Whose row is no check: there, at the time of its registration, a server gets one of no monitor (abh/ntppool,
#: `lib/NP/Model/Server.pm`; ntppool/archiver makes this of it).
_NOBODY = 0
#: No name and no complaint that is told is longer.
_LONGEST = 100
#: The year 2100, in seconds since 1970.
_LAST_S = 4_102_444_800


@dataclass(frozen=True)
class Checked:
    """One check by one monitor, or what the score came to then: `step` was added.

    `at_s` is in seconds since 1970, by the pool's clock. There is no offset where there was no answer that counts; that of a server
    that is ahead is positive.
    """

    at_s: int
    monitor: int
    score: float
    step: float
    offset_s: Optional[float] = None
    rtt_ms: Optional[float] = None


@dataclass(frozen=True)
class Monitor:
    """A monitor of this server: `active` ones make its score, `testing` and `candidate` ones may later."""

    id: int
    name: str
    status: str
    score: float


@dataclass(frozen=True)
class Record:
    """What is known of one address. `scores` is the overall score, `checks` are those of its monitors; by time, the newest last.

    `registered_s` is when it was registered, in seconds since 1970; None where that was not lately, or is not told.
    """

    address: str
    monitors: tuple[Monitor, ...]
    scores: tuple[Checked, ...]
    checks: tuple[Checked, ...]
    registered_s: Optional[int] = None

    @property
    def newest_s(self) -> Optional[int]:
        """When it was checked last."""
        return max((one.at_s for one in (*self.scores[-1:], *self.checks[-1:])), default=None)


@dataclass(frozen=True)
class Remark:
    """A check as the log has it: with the text of its error, '' without one, and the leap indicator that the server sent."""

    at_s: int
    monitor: int
    name: str
    step: float
    offset_s: Optional[float]
    leap: int
    error: str


def record(address: str, page: Any) -> Record:
    """What a page of JSON tells of the server at this address. Raises WireError where it is something else."""
    try:
        if page["server"]["ip"] != address:
            raise WireError(f"the pool's site was asked for {address} and tells of another server")
        rows = sorted(map(_row, page["history"]), key=lambda row: row.at_s)
        entries = [(str(entry["type"]), _monitor(entry)) for entry in page["monitors"] or ()]
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise WireError(f"what the pool's site tells of {address} is not what it tells of a server's score") from error
    scorers = {one.id: one.name.startswith(_OVERALL) for kind, one in entries if kind == "score"}
    overall = next((number for number, preferred in scorers.items() if preferred), next(iter(scorers), None))
    return Record(
        address,
        tuple(one for kind, one in entries if kind != "score"),
        tuple(row for row in rows if row.monitor == overall),
        tuple(row for row in rows if row.monitor not in scorers and row.monitor != _NOBODY),
        max((row.at_s for row in rows if row.monitor == _NOBODY), default=None),
    )


def remarks(body: bytes) -> tuple[Remark, ...]:
    """The rows of a log, by time. Raises WireError where it is none."""
    lines = io.StringIO(body.decode(errors="replace").replace("\0", ""), newline="")
    try:
        table = csv.DictReader(lines, strict=True)
        if not {"ts_epoch", "step", "monitor_id", "error"} <= set(table.fieldnames or ()):
            raise WireError("what the pool's site has for a log is none")
        return tuple(sorted(filter(None, map(_remark, table)), key=lambda row: row.at_s))
    except csv.Error as error:
        raise WireError("what the pool's site has for a log is none, or only a part of one") from error


def _remark(row: Mapping[str, Any]) -> Optional[Remark]:
    """None where the row is not whole."""
    try:
        return Remark(
            _second(row["ts_epoch"]),
            int(row["monitor_id"]),
            _plain(row.get("monitor_name") or ""),
            _number(row["step"]),
            _number(row["offset"]) if row.get("offset") else None,
            int(row["leap"]) if row.get("leap") else 0,
            _plain(row["error"] or ""),
        )
    except (TypeError, ValueError):
        return None


def _row(row: Mapping[str, Any]) -> Checked:
    return Checked(
        _second(row["ts"]),
        int(row["monitor_id"]),
        _number(row["score"]),
        _number(row["step"]),
        None if row.get("offset") is None else _number(row["offset"]),
        None if row.get("rtt") is None else _number(row["rtt"]),
    )


def _monitor(entry: Mapping[str, Any]) -> Monitor:
    return Monitor(int(entry["id"]), _plain(str(entry["name"])), _plain(str(entry["status"])), _number(entry["score"]))


def _second(value: Any) -> int:
    number = int(value)
    if not 0 < number < _LAST_S:
        raise ValueError("it is no time")
    return number


def _number(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError("it is no number")
    return number


def _plain(text: str) -> str:
    """Text from outside, for a terminal: printable, and not long."""
    return "".join(char if char.isprintable() else "?" for char in text[:_LONGEST])
