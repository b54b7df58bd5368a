"""Where this host stands, by what is typed, by its country or by its time zone; and how far it is from there."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import pytest

from ntpjoin.errors import UsageProblem
from ntpjoin.facts import Zone
from ntpjoin.host.machine import Host
from ntpjoin.look.place import look_place
from ntpjoin.upstreams.catalogue import Server
from ntpjoin.upstreams.places import (
    Place,
    bearing,
    distance_km,
    nearest_first,
    of_country,
    of_zone,
    parse_country,
    parse_near,
    where,
)
from tests.conftest import put

#: Rows of zone.tab, as they are.
TABLE = """\
# tzdb timezone descriptions
AR\t-3436-05827\tAmerica/Argentina/Buenos_Aires\tBuenos Aires (BA, CF)
CL\t-3327-07040\tAmerica/Santiago\tmost of Chile
DE\t+5230+01322\tEurope/Berlin\tmost of Germany
DE\t+4742+00841\tEurope/Busingen\tBusingen
FJ\t-1808+17825\tPacific/Fiji
FR\t+4852+00220\tEurope/Paris
GB\t+513030-0000731\tEurope/London
IN\t+2232+08822\tAsia/Kolkata
NZ\t-3652+17446\tPacific/Auckland\tmost of New Zealand
NZ\t-4357-17633\tPacific/Chatham\tChatham Islands
PT\t+3843-00908\tEurope/Lisbon\tPortugal (mainland)
US\t+404251-0740023\tAmerica/New_York\tEastern (most areas)
"""
#: A row of zone1970.tab, in which one zone stands for several countries.
TABLE_1970 = "DE,DK,NO,SE,SJ\t+5230+01322\tEurope/Berlin\tmost of Germany\n"
LINKS = "# version 2025b\nZ Asia/Kolkata 5:53:28 - LMT\nL Asia/Kolkata Asia/Calcutta\nL Etc/UTC UTC\nL America/Panama EST\nL x\n"

BERLIN, LONDON = Place(52.5, 13.0 + 22 / 60, "the time zone Europe/Berlin"), Place(51.5083, -0.1253, "")


# --- what is typed


@pytest.mark.parametrize(
    ("text", "lat", "lon"),
    [("52.5,13.4", 52.5, 13.4), ("-34.6, -58.38", -34.6, -58.38), ("+0,-0", 0, 0), ("90,180", 90, 180), ("-90.0,-180.0", -90, -180)],
)  # fmt: skip
def test_a_place_that_is_typed(text: str, lat: float, lon: float) -> None:
    place = parse_near(text)
    assert (place.lat, place.lon) == (lat, lon)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "two numbers"), ("52.5", "two numbers"), ("52.5,13.4,1", "two numbers"), ("52.5 13.4", "two numbers"),
        ("nan,0", "two numbers"), ("1e1,0", "two numbers"), ("0,inf", "two numbers"), ("52°,13°", "two numbers"),
        ("٥٢,13", "two numbers"), ("52.,13", "two numbers"), ("0x1,0", "two numbers"), ("1\n,2", "two numbers"),
        ("91,0", "between -90 and 90"), ("-90.1,0", "between -90 and 90"),
        ("0,181", "between -180 and 180"), ("0,-180.5", "between -180 and 180"),
    ],
)  # fmt: skip
def test_what_is_no_place(text: str, words: str) -> None:
    with pytest.raises(UsageProblem, match=words) as told:
        parse_near(text)
    assert "--near" in told.value.remedy


def test_a_country() -> None:
    assert [parse_country(text) for text in ("DE", "de", "uk", "GB")] == ["DE", "DE", "GB", "GB"]


@pytest.mark.parametrize("text", ["", "D", "DEU", "D3", "d e", "ÄÖ", "DE\n", "Germany"])
def test_what_is_no_country(text: str) -> None:
    with pytest.raises(UsageProblem, match="two letters"):
        parse_country(text)


# --- what the time zone tells


@pytest.mark.parametrize(
    ("zone", "lat", "lon"),
    [
        ("Europe/Berlin", 52.5, 13.3667),
        ("Europe/London", 51.5083, -0.1253),
        ("America/New_York", 40.7142, -74.0064),
        ("America/Argentina/Buenos_Aires", -34.6, -58.45),
        ("Asia/Calcutta", 22.5333, 88.3667),
    ],
)
def test_a_zone_has_a_place(zone: str, lat: float, lon: float) -> None:
    place = of_zone(Zone(zone, TABLE, LINKS))
    assert place is not None
    assert abs(place.lat - lat) + abs(place.lon - lon) < 2e-4
    assert place.what == f"the time zone {zone}"


@pytest.mark.parametrize("zone", ["", "UTC", "Etc/UTC", "Etc/GMT+5", "GMT", "EST", "Zulu", "Mars/Olympus"])
def test_a_zone_that_tells_nothing(zone: str) -> None:
    assert of_zone(Zone(zone, TABLE, LINKS)) is None
    assert of_zone(Zone(zone)) is None


@pytest.mark.parametrize(
    "row", ["", "DE", "DE\t+52+013\tEurope/Berlin", "DE\t+9930+01322\tEurope/Berlin", "#DE\t+5230+01322\tEurope/Berlin"]
)
def test_a_row_of_another_form_is_left_out(row: str) -> None:
    assert of_zone(Zone("Europe/Berlin", row)) is None


def test_the_middle_of_a_country() -> None:
    middle = of_country(TABLE, "DE")
    assert middle is not None
    assert middle.lat == pytest.approx(50.1, abs=0.1)
    assert middle.lon == pytest.approx(10.9, abs=0.2)
    merged = of_country(TABLE_1970, "SE")
    assert merged is not None
    assert (merged.what, round(merged.lat, 3)) == ("the country SE", 52.5)


def test_a_country_on_both_sides_of_the_date_line_has_its_middle_there() -> None:
    middle = of_country(TABLE, "NZ")
    assert middle is not None
    assert abs(middle.lon) > 175


def test_without_zones_the_servers_of_a_country_tell_where_it_lies() -> None:
    servers = [
        Server("a.example", "XX", lat=10, lon=20),
        Server("b.example", "XX", lat=10, lon=22),
        Server("c.example", "XX"),
        Server("d.example", "YY", lat=50, lon=50),
    ]
    middle = of_country(TABLE, "XX", servers)
    assert middle is not None
    assert (round(middle.lat, 1), round(middle.lon, 1), middle.what) == (10, 21, "the country XX")
    assert of_country(TABLE, "XX") is None


def test_near_wins_then_the_country_then_the_time_zone() -> None:
    zone, near = Zone("Europe/Paris", TABLE), Place(1, 2, "1,2")
    assert where(zone, country="GB", near=near) == near
    found = [where(zone, country="GB"), where(zone), where(Zone("Etc/UTC", TABLE))]
    assert [place.what if place else None for place in found] == ["the country GB", "the time zone Europe/Paris", None]
    with pytest.raises(UsageProblem, match="where the country ZZ lies is not known here") as told:
        where(zone, country="ZZ")
    assert "--near" in told.value.remedy


# --- what this host says


def link(host: Host, target: str) -> None:
    host.make_folder("/etc")
    host.link("/etc/localtime", target)


@pytest.mark.parametrize(
    ("target", "zone"),
    [
        ("/usr/share/zoneinfo/Europe/Berlin", "Europe/Berlin"),
        ("../usr/share/zoneinfo/America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ("/usr/share/zoneinfo/posix/Asia/Tokyo", "Asia/Tokyo"),
        ("/usr/share/zoneinfo/Etc/UTC", "Etc/UTC"),
        ("/srv/mine", "Europe/Rome"),
        ("/usr/share/zoneinfo/a b", "Europe/Rome"),
        ("", "Europe/Rome"),
    ],
)
def test_the_zone_is_read_where_the_system_keeps_it(tree: Host, target: str, zone: str) -> None:
    if target:
        link(tree, target)
    put(tree, "/etc/timezone", "Europe/Rome\n")
    put(tree, "/etc/sysconfig/clock", 'TIMEZONE="Europe/Vienna"\n')
    put(tree, "/usr/share/zoneinfo/zone.tab", TABLE)
    put(tree, "/usr/share/zoneinfo/zone1970.tab", TABLE_1970)
    put(tree, "/usr/share/zoneinfo/tzdata.zi", LINKS)
    assert look_place(tree) == Zone(zone, TABLE, LINKS)


def test_older_systems_note_the_zone(tree: Host) -> None:
    put(tree, "/etc/sysconfig/clock", '# x\nHWCLOCK="-u"\nTIMEZONE="Europe/Vienna"\n')
    put(tree, "/usr/share/zoneinfo/zone1970.tab", TABLE_1970)
    assert look_place(tree) == Zone("Europe/Vienna", TABLE_1970)


@pytest.mark.parametrize("noted", ["", "\x1b[2J\n", "Europe/Berlin; rm\n", "../../x\n"])
def test_a_host_that_tells_nothing(tree: Host, noted: str) -> None:
    put(tree, "/etc/timezone", noted)
    assert look_place(tree) == Zone("")


def test_the_tables_of_this_machine_are_understood() -> None:
    host = Host()
    if not Path("/usr/share/zoneinfo/zone.tab").exists():
        pytest.skip("no time zones on this machine")
    zone = look_place(host)
    rows = [line.split("\t") for line in zone.table.splitlines() if line and not line.startswith("#")]
    assert len(rows) > 300
    assert all(of_zone(Zone(row[2], zone.table)) for row in rows)
    assert all(of_country(zone.table, row[0]) for row in rows)


# --- how far


@pytest.mark.parametrize(
    ("one", "other", "km", "degrees"),
    [
        (BERLIN, BERLIN, 0, 0),
        (Place(0, 0, ""), Place(0, 90, ""), 10007.6, 90),
        (Place(0, 0, ""), Place(0, -90, ""), 10007.6, 270),
        (Place(0, 179, ""), Place(0, -179, ""), 222.4, 90),
        (Place(90, 0, ""), Place(-90, 0, ""), 20015.1, 180),
        (Place(50, 10, ""), Place(51, 10, ""), 111.2, 0),
        (BERLIN, LONDON, 928.4, 268.5),
    ],
)
def test_the_way_and_its_direction(one: Place, other: Place, km: float, degrees: float) -> None:
    assert distance_km(one, other) == pytest.approx(km, abs=0.6)
    assert distance_km(other, one) == pytest.approx(distance_km(one, other))
    assert bearing(one, other) == pytest.approx(degrees, abs=0.5)


@pytest.mark.parametrize(
    ("place", "hosts"),
    [
        (BERLIN, ["b.example", "a.example", "d.example", "c.example"]),
        (None, ["d.example", "a.example", "b.example", "c.example"]),
    ],
)
def test_the_nearest_come_first_those_without_a_place_last(place: Optional[Place], hosts: list[str]) -> None:
    servers = (
        Server("a.example", "FR", "Paris", 48.9, 2.3),
        Server("b.example", "PL", "Warsaw", 52.2, 21.0),
        Server("c.example", "US"),
        Server("d.example", "CA"),
    )
    found = nearest_first(place, servers)
    assert [server.host for _, server in found] == hosts
    assert [km is None for km, _ in found] == ([False, False, True, True] if place else [True] * 4)
