"""Places on Earth: where this host stands, by what it was told or by its time zone, and how far others are. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Optional

from ntpjoin.errors import UsageProblem, quoted
from ntpjoin.records import dataclass

if TYPE_CHECKING:  # the catalogue's columns are read with what stands here
    from ntpjoin.facts import Zone
    from ntpjoin.upstreams.catalogue import Server

#: The mean radius of the Earth (IUGG).
_RADIUS_KM = 6371.0088

_DEGREES = re.compile(r"[+-]?\d{1,3}(\.\d{1,9})?", re.ASCII)
_NEAR = "Type degrees, north and east positive, like --near 52.5,13.4."

#: ISO 6709 as the tz database writes it: ±DDMM±DDDMM or ±DDMMSS±DDDMMSS.
_COORDINATES = re.compile(
    r"([+-])(\d\d)(\d\d)([+-])(\d{3})(\d\d)|([+-])(\d\d)(\d\d)(\d\d)([+-])(\d{3})(\d\d)(\d\d)", re.ASCII
)

_Point = tuple[float, float]


@dataclass(frozen=True)
class Place:
    """A point, in degrees (north and east positive), and in words what tells it: "the time zone Europe/Berlin"."""

    lat: float
    lon: float
    what: str


def parse_near(text: str) -> Place:
    """A place typed as LAT,LON; UsageProblem says what is wrong with anything else."""
    parts = text.split(",")
    if len(parts) != 2 or not all(_DEGREES.fullmatch(part.strip(" ")) for part in parts):
        raise UsageProblem(f"{quoted(text)} is no place: it is not two numbers with a comma between them", _NEAR)
    lat, lon = (float(part) for part in parts)
    if not -90 <= lat <= 90:
        raise UsageProblem(f"{quoted(text)} is no place: a latitude lies between -90 and 90", _NEAR)
    if not -180 <= lon <= 180:
        raise UsageProblem(f"{quoted(text)} is no place: a longitude lies between -180 and 180", _NEAR)
    return Place(lat, lon, ",".join(f"{degrees:.6f}".rstrip("0").rstrip(".") for degrees in (lat, lon)))


def parse_country(text: str) -> str:
    """A country's two letters (ISO 3166-1) in upper case, GB for UK; UsageProblem for anything else."""
    if not re.fullmatch(r"[A-Za-z]{2}", text):
        raise UsageProblem(f"{quoted(text)} is no country: it is not two letters", "Type two letters, like DE or US.")
    return {"UK": "GB"}.get(text.upper(), text.upper())


def of_zone(zone: Zone) -> Optional[Place]:
    """Where the principal city of a zone lies; None for UTC and other zones that are no place's, and for unknown ones."""
    points = {name: point for _, point, name in _rows(zone.table)}
    # Names without a slash are of no place (UTC, EST, which is a link to Panama) or of a whole country.
    known = zone.name if zone.name in points or "/" not in zone.name else _links(zone.links).get(zone.name, "")
    point = points.get(known)
    return Place(*point, f"the time zone {zone.name}") if point else None


def of_country(table: str, country: str, servers: Iterable[Server] = ()) -> Optional[Place]:
    """The middle of a country's zones, or of the servers that stand there; None where neither tells any."""
    zones = {name: point for countries, point, name in _rows(table) if country in countries}
    seats = filter(None, (of_server(one) for one in servers if one.country == country))
    middle = _middle(zones.values()) or _middle((seat.lat, seat.lon) for seat in seats)
    return Place(*middle, f"the country {country}") if middle else None


def of_server(server: Server) -> Optional[Place]:
    """Where a server stands; None where it stands everywhere, or nobody said."""
    if server.lat is None or server.lon is None:
        return None
    return Place(server.lat, server.lon, f"{server.country} {server.place}".strip())


def where(
    zone: Zone, *, country: str = "", near: Optional[Place] = None, servers: Iterable[Server] = ()
) -> Optional[Place]:
    """Where this host stands: as `near` says, else in the middle of `country`, else by its time zone; None where that tells nothing.

    UsageProblem for a country of which nothing is known.
    """
    if near:
        return near
    if not country:
        return of_zone(zone)
    found = of_country(zone.table, country, servers)
    if found is None:
        raise UsageProblem(f"where the country {country} lies is not known here", _NEAR)
    return found


def distance_km(one: Place, other: Place) -> float:
    """The way along a great circle, by the haversine formula."""
    lat1, lon1, lat2, lon2 = map(math.radians, (one.lat, one.lon, other.lat, other.lon))
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * _RADIUS_KM * math.asin(min(1.0, math.sqrt(half)))


def nearest_first(place: Optional[Place], servers: Iterable[Server]) -> tuple[tuple[Optional[float], Server], ...]:
    """Each server with its distance in km, None where it or the place is not known: these come last, by country and host."""
    seats = [(of_server(one), one) for one in servers]
    told = [(distance_km(place, seat) if place and seat else None, one) for seat, one in seats]
    return tuple(sorted(told, key=lambda pair: (pair[0] is None, pair[0] or 0.0, pair[1].country, pair[1].host)))


def bearing(one: Place, other: Place) -> float:
    """The direction in which one sets out for the other: degrees from north over east, from 0 to below 360."""
    lat1, lon1, lat2, lon2 = map(math.radians, (one.lat, one.lon, other.lat, other.lon))
    east = math.sin(lon2 - lon1) * math.cos(lat2)
    north = math.cos(lat1) * math.sin(lat2) - math.sin(lat1) * math.cos(lat2) * math.cos(lon2 - lon1)
    return math.degrees(math.atan2(east, north)) % 360.0 % 360.0  # the first may round up to 360


def _rows(table: str) -> list[tuple[frozenset[str], _Point, str]]:
    """The rows of zone.tab or zone1970.tab, or of both: countries, point, name of the zone; those of no such form are left out."""
    found = []
    for line in table.splitlines():
        cells = line.split("\t")
        point = _point(cells[1]) if len(cells) >= 3 and not line.startswith("#") else None
        if point:
            found.append((frozenset(cells[0].split(",")), point, cells[2].strip()))
    return found


def _point(text: str) -> Optional[_Point]:
    match = _COORDINATES.fullmatch(text)
    if not match:
        return None
    sign1, deg1, min1, sign2, deg2, min2 = match.groups()[:6]
    sec1 = sec2 = "0"
    if sign1 is None:
        sign1, deg1, min1, sec1, sign2, deg2, min2, sec2 = match.groups()[6:]
    lat = _degrees(sign1, deg1, min1, sec1)
    lon = _degrees(sign2, deg2, min2, sec2)
    return (lat, lon) if abs(lat) <= 90 and abs(lon) <= 180 else None


def _degrees(sign: str, degrees: str, minutes: str, seconds: str) -> float:
    return (-1 if sign == "-" else 1) * (int(degrees) + int(minutes) / 60 + int(seconds) / 3600)


def _links(text: str) -> Mapping[str, str]:
    """Other names of zones, from the lines "L ZONE NAME" of tzdata.zi (zic(8))."""
    words = (line.split() for line in text.splitlines() if line.startswith("L "))
    return {one[2]: one[1] for one in words if len(one) == 3}


def _middle(points: Iterable[_Point]) -> Optional[_Point]:
    """The middle of points on the sphere, so that a country may lie on both sides of the date line."""
    x = y = z = 0.0
    for lat, lon in points:
        phi, lam = math.radians(lat), math.radians(lon)
        x, y, z = x + math.cos(phi) * math.cos(lam), y + math.cos(phi) * math.sin(lam), z + math.sin(phi)
    if math.hypot(x, y, z) < 1e-9:
        return None
    return math.degrees(math.atan2(z, math.hypot(x, y))), math.degrees(math.atan2(y, x))
