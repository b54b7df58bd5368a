"""The catalogue: public time servers that may be candidates, with what their operators ask of those who use them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Optional

Access = Literal["open", "restricted", "closed", "unknown"]
Answer = Literal["yes", "no", "unknown"]

#: Seconds between two packets to one server where its operator names no more (RFC 8633's manners; design, section 6).
GAP_S = 2.0


@dataclass(frozen=True)
class Server:
    """One row. A server that is no row, named by the operator or by the pool's zone, has but a host.

    `place` is a city, `lat` and `lon` its middle in degrees (None: everywhere, or not known); `asn` are AS numbers.
    `rotates`: the name leads to several servers in turn; `use_name`: its operator asks for the name instead of an address.
    `gap_s`, `minpoll` (0: the daemon's default) and `iburst` are what he asks of packets; `area` is whom he serves.
    """

    host: str
    country: str = ""
    place: str = ""
    lat: Optional[float] = None
    lon: Optional[float] = None
    stratum: Optional[int] = None
    operator: str = ""
    access: Access = "unknown"
    notify: Answer = "unknown"
    smears: Answer = "unknown"
    rotates: bool = False
    anycast: bool = False
    use_name: bool = False
    gap_s: float = GAP_S
    minpoll: int = 0
    iburst: bool = True
    asn: tuple[int, ...] = ()
    area: str = ""
    evidence: str = ""
    note: str = ""
    source: str = ""
