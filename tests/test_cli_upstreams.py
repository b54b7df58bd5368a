"""`upstreams list` and `survey` as they are typed: the servers of a catalogue, nearest first, and why others may not be used."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

import pytest

from ntpjoin.commands import survey as survey_command
from ntpjoin.commands import upstreams as upstreams_command
from ntpjoin.host.machine import Host
from ntpjoin.model import Candidate
from ntpjoin.upstreams.catalogue import Server
from tests.conftest import put
from tests.typed import ENVELOPE, Typed

SERVERS = """host,country,place,lat,lon,stratum,operator,access,notify,use_name,gap_s,minpoll,smears,anycast,note
ntp1.paris.example,FR,Paris,48.86,2.35,1,Alpha,open,yes,yes,16,8,no,no,one host a site
ntp2.berlin.example,DE,Berlin,52.52,13.4,2,Bravo,open,no,no,,,,no,
ntp3.berlin.example,DE,Berlin,52.52,13.4,,Charlie,closed,no,no,,,,no,
ntp4.example,US,,,,3,Delta,open,no,no,,,,yes,
ntp5.rome.example,IT,Rome,41.9,12.5,1,Echo,open,no,no,,,yes,no,
0.pool.ntp.org,DE,Berlin,52.52,13.4,2,Pool,open,no,no,,,,no,
"""


@pytest.fixture
def listing(typed: Typed, tree: Host, monkeypatch: pytest.MonkeyPatch) -> Typed:
    """A host in Berlin whose operator has a catalogue of his own."""
    put(tree, "/etc/timezone", "Europe/Berlin\n")
    put(tree, "/usr/share/zoneinfo/zone.tab", "DE\t+5230+01322\tEurope/Berlin\nFR\t+4852+00220\tEurope/Paris\n")
    put(tree, "/srv/servers.csv", SERVERS)
    monkeypatch.setattr(upstreams_command, "Host", lambda _: tree)
    return typed


LIST = "upstreams list --catalogue /srv/servers.csv"


def test_a_group_alone_tells_what_it_has(typed: Typed) -> None:
    assert typed("upstreams") == 0
    assert typed.out.startswith("Usage: ntpjoin upstreams")
    assert "list    List the servers" in typed.out
    code, page = typed("upstreams lost --json"), json.loads(typed.out)
    assert (code, page["command"], page["errors"][0]["remedy"]) == (2, "upstreams", "type: ntpjoin upstreams --help")
    assert typed("upstreams list --lost") == 2
    assert "type: ntpjoin upstreams list --help" in typed.err


def test_servers_that_may_be_used_nearest_first(listing: Typed) -> None:
    assert listing(LIST) == 0
    assert listing.err == ""
    near, far, anywhere, last = listing.out.splitlines()
    assert near.split() == ["ntp2.berlin.example", "3", "km", "DE", "Berlin", "stratum", "2", "open", "Bravo"]
    assert far.startswith("ntp1.paris.example   874 km   FR Paris   stratum 1  open  Alpha  ")
    assert far.endswith(
        "asks for a mail; 16 s between packets; 256 s between polls; by name, not by address; one host a site"
    )
    assert anywhere.split() == ["ntp4.example", "anycast", "US", "stratum", "3", "open", "Delta"]
    assert last == "0 more may be used, 3 may not: add --all to see them"


def test_every_server_with_the_reason_that_speaks_against_it(listing: Typed) -> None:
    assert listing(f"{LIST} --all") == 0
    lines = {line.split()[0]: line for line in listing.out.splitlines()}
    assert list(lines) == [
        "0.pool.ntp.org", "ntp2.berlin.example", "ntp3.berlin.example", "ntp1.paris.example", "ntp5.rome.example", "ntp4.example",
    ]  # fmt: skip
    assert "a name of the pool itself" in lines["0.pool.ntp.org"]
    assert "stratum ?" in lines["ntp3.berlin.example"]
    assert "closed: not offered to the public" in lines["ntp3.berlin.example"]
    assert "it smears leap seconds" in lines["ntp5.rome.example"]


@pytest.mark.parametrize("where", ["--country FR", "--country fr", "--near 48.8,2.3", "--country DE --near 48.8,2.3"])
def test_where_this_host_stands_can_be_told(listing: Typed, where: str) -> None:
    assert listing(f"{LIST} {where}") == 0
    assert listing.out.startswith("ntp1.paris.example")


def test_without_a_place_the_list_goes_by_country_and_says_so(listing: Typed, tree: Host) -> None:
    put(tree, "/etc/timezone", "Etc/UTC\n")
    assert listing(LIST) == 0
    hosts = [line.split()[0] for line in listing.out.splitlines()]
    assert hosts[:-1] == ["ntp2.berlin.example", "ntp1.paris.example", "ntp4.example"]
    assert " km" not in listing.out
    assert "--country CC or --near LAT,LON" in listing.err
    assert listing.json(LIST)[1]["place"] is None


def test_a_list_as_one_object(listing: Typed) -> None:
    code, page = listing.json(LIST)
    assert (code, set(page)) == (0, ENVELOPE | {"place", "upstreams", "more"})
    assert page["more"] == 3
    assert page["place"]["what"] == "the time zone Europe/Berlin"
    fields = {field.name for field in dataclasses.fields(Server)}
    assert all(set(one) == fields | {"distance_km", "refused"} for one in page["upstreams"])
    assert [(one["host"], one["refused"]) for one in page["upstreams"]] == [
        ("ntp2.berlin.example", ""), ("ntp1.paris.example", ""), ("ntp4.example", ""),
    ]  # fmt: skip
    assert [one["distance_km"] for one in page["upstreams"]] == [3.2, 874.1, None]
    assert len(listing.json(f"{LIST} --all")[1]["upstreams"]) == 6


def test_our_own_catalogue_is_shown_in_part(listing: Typed) -> None:
    assert listing("upstreams list") == 0
    assert len(listing.out.splitlines()) == 21
    code, page = listing.json("upstreams list --all")
    assert code == 0
    assert len(page["upstreams"]) >= 300
    assert page["more"] == 0


def test_a_file_that_is_wrong_is_told_line_by_line(listing: Typed, tree: Host) -> None:
    put(tree, "/srv/servers.csv", "host,access\nntp1.example.net,x\nntp2.example.net,y\n")
    assert listing(LIST) == 2
    assert [line.split(":")[0] for line in listing.err.splitlines()] == [
        "ntpjoin", "  line 2", "  line 3", "  docs/reference/catalogue.md tells the columns and their values.",
    ]  # fmt: skip


# --- survey


@pytest.mark.parametrize(
    ("options", "asked"),
    [("", set()), ("--monitor", {"ntp1.paris.example"}), ("--no-monitor", set())],
)
def test_those_who_want_their_name_used_are_asked_where_somebody_looks_after_it(
    listing: Typed, monkeypatch: pytest.MonkeyPatch, tree: Host, options: str, asked: set[str]
) -> None:
    names: set[str] = set()

    def nobody_answers(found: Sequence[str], **_: Any) -> tuple[Candidate, ...]:
        names.update(found)
        return ()

    monkeypatch.setattr(survey_command, "Host", lambda _: tree)
    monkeypatch.setattr(survey_command, "look_addresses", lambda _: ())
    monkeypatch.setattr(survey_command, "survey", nobody_answers)
    assert listing(f"upstreams survey --catalogue /srv/servers.csv {options}") == 1
    assert names == {"ntp2.berlin.example"} | asked
