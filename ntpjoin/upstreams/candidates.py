"""Whom to ask when nobody was named: the nearest servers of the catalogue that may be used, a few of each operator. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Optional

from ntpjoin.upstreams.catalogue import Server, refusal
from ntpjoin.upstreams.places import Place, bearing, distance_km, nearest_first, of_server
from ntpjoin.upstreams.select import WORST_STRATUM

#: Candidates of one survey, unless more are asked for: enough to find five, and few enough to be no burden.
MOST = 32
#: Of one operator only one is chosen; a second one is asked in case the first does not answer.
OF_ONE_OPERATOR = 2
#: Nearer than this a server lies in no direction.
AROUND_KM = 100.0


def eligible(servers: Iterable[Server], *, unattended: bool, monitored: bool) -> tuple[Server, ...]:
    """Those that may be used by somebody who named none, and are of a stratum that is chosen."""
    return tuple(
        one
        for one in servers
        if not refusal(one, named=False, unattended=unattended, monitored=monitored)
        and (one.stratum or 1) <= WORST_STRATUM
    )


def rounds(servers: Sequence[Server], place: Place, size: int = MOST) -> Iterator[tuple[Server, ...]]:
    """The nearest so many, two of an operator at most; then the nearest of the rest, and so on until all were named."""
    rest = [server for _, server in nearest_first(place, servers)]
    while rest:
        counted: Counter[str] = Counter()
        now: list[Server] = []
        for one in rest:
            counted[one.house] += 1
            if len(now) < size and counted[one.house] <= OF_ONE_OPERATOR:
                now.append(one)
        yield tuple(now)
        asked = {one.host for one in now}
        rest = [one for one in rest if one.host not in asked]


def sectors(servers: Iterable[Server], place: Place) -> Mapping[str, int]:
    """In which quarter of the compass each server lies, 0 to 3 from north over east; those around us and everywhere in none."""
    seats = ((one.host, of_server(one)) for one in servers)
    return {
        host: int(bearing(place, seat) // 90) for host, seat in seats if seat and distance_km(place, seat) >= AROUND_KM
    }


def from_pool(country: str, nameservers: Optional[Sequence[str]] = None) -> tuple[Server, ...]:
    """Today's addresses of a country's zone of the pool, to be pinned: members of the pool may be followed if chosen by hand.

    The pool shows four of each family at a time, and others under each of its numbered names; only 2.* has IPv6.
    """
    from ntpjoin.wire.dns import resolve  # noqa: PLC0415 - rarely asked for

    zone = "uk" if country == "GB" else country.lower()
    found = resolve([f"{number}.{zone}.pool.ntp.org" for number in range(4)], nameservers=nameservers)
    return tuple(Server(address, country=country, access="open") for one in found for address in one.addresses)
