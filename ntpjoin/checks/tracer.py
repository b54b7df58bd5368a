"""What the pool's public tracer says of a server: one question to it by a machine of the pool's own.

Its address and its form are those of abh/ntppool (`lib/NP/NTP.pm`) and ntppool/pingtrace (`handlers/ntphandler.go`); nobody has
promised that it serves others, so that it does not is no fault of anybody.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any, Optional

from ntpjoin.errors import WireError
from ntpjoin.records import dataclass
from ntpjoin.wire import http

URL = "https://trace2.ntppool.org/ntp/"
#: It waits 5 s for the server itself.
TIMEOUT_S = 15.0
#: So many servers are asked about in one run: the tracer is there for the pool, and limits how often it is asked.
MOST = 16
#: It has asked, and got no answer.
_SILENT = 504


@dataclass(frozen=True)
class Traced:
    """What the tracer has seen; without a `stratum` it had no answer from the server. `problem` is why it did not tell us anything.

    `offset_s` is how far the server is ahead of the tracer's clock.
    """

    stratum: Optional[int] = None
    leap: int = 0
    offset_s: float = 0.0
    delay_s: float = 0.0
    kiss: str = ""
    problem: str = ""


def trace(addresses: Iterable[str]) -> dict[str, Traced]:
    """Ask it about each address, one after the other. Where it cannot be asked at all it is not asked again. Nothing is raised."""
    return dict(_traced(addresses))


def _traced(addresses: Iterable[str]) -> Iterator[tuple[str, Traced]]:
    gone = ""
    for number, address in enumerate(addresses):
        if number == MOST:
            gone = gone or f"it was not asked: {MOST} servers are as many as one run asks it about"
        if gone:
            yield address, Traced(problem=gone)
            continue
        try:
            yield address, _read(http.get(URL + address, timeout_s=TIMEOUT_S, most_bytes=1 << 16).data())
        except http.Refused as refused:
            yield address, Traced() if refused.status == _SILENT else Traced(problem=_why(refused))
        except WireError as error:
            gone = _why(error)
            yield address, Traced(problem=gone)


def _why(error: WireError) -> str:
    """Without the URL, which has the address of the one server that it was asked about first."""
    return error.message.partition(": ")[2] or error.message


def _read(told: Any) -> Traced:
    """Its JSON: a `Response` of github.com/beevik/ntp, with times in nanoseconds."""
    try:
        seen = Traced(
            stratum=_whole(told["Stratum"]),
            leap=_whole(told["Leap"]),
            offset_s=_seconds(told["ClockOffset"]),
            delay_s=_seconds(told["RTT"]),
            kiss=_code(told.get("KissCode", "")),
        )
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        return Traced(problem="what it says is not what it used to say")
    return seen


def _whole(value: Any) -> int:
    if not isinstance(value, int) or not 0 <= value <= 255:
        raise ValueError(value)
    return value


def _seconds(value: Any) -> float:
    seconds = value / 1e9
    if not math.isfinite(seconds):
        raise ValueError(value)
    return float(seconds)


def _code(value: Any) -> str:
    if not isinstance(value, str) or len(value) > 4 or not value.isprintable():
        raise ValueError(value)
    return value
