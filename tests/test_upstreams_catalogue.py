"""The catalogue: what ships keeps the rules, the operator's file has the last word, and every wrong value is told with its place."""

from __future__ import annotations

import dataclasses
import os
import pkgutil
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ntpjoin.errors import UsageProblem
from ntpjoin.host.machine import Host
from ntpjoin.upstreams import catalogue, columns
from ntpjoin.upstreams.catalogue import GAP_S, LOCAL, Server, letter, load, refusal
from tests.conftest import put
from tests.hostile import SETTINGS

OPEN = Server("ntp1.example.net", access="open", notify="no")


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Server, ...]:
    """Ours alone, on a host that adds nothing."""
    return load(Host(root=tmp_path_factory.mktemp("empty")))


def why(server: Server, *, named: bool = False, unattended: bool = False, monitored: bool = True) -> str:
    return refusal(server, named=named, unattended=unattended, monitored=monitored)


def usable(servers: tuple[Server, ...], *, unattended: bool, monitored: bool) -> list[Server]:
    return [one for one in servers if not why(one, unattended=unattended, monitored=monitored)]


# --- what ships


def test_the_columns_are_the_fields_of_a_server_in_their_order() -> None:
    content = pkgutil.get_data("ntpjoin", "upstreams/catalogue.csv")
    assert content
    fields = [field.name for field in dataclasses.fields(Server)]
    assert list(columns.COLUMNS) == fields
    lines = content.decode("ascii").splitlines()
    assert next(line for line in lines if not line.startswith("#")).split(",") == fields


def test_there_are_many_servers_each_once_in_order(shipped: tuple[Server, ...]) -> None:
    hosts = [one.host for one in shipped]
    assert len(hosts) >= 300
    assert len(set(hosts)) == len(hosts)
    assert sorted(shipped, key=lambda one: (one.country, one.host)) == list(shipped)
    assert not [host for host in hosts if host.endswith("pool.ntp.org")]


def test_every_row_of_ours_says_what_is_known(shipped: tuple[Server, ...]) -> None:
    for one in shipped:
        assert len(one.country) == 2, one
        assert one.operator, one
        assert one.source, one
        assert one.evidence in ("A", "B", "C"), one
        assert one.stratum is None or one.stratum in (1, 2, 3, 4), one
        assert (one.lat is None) == (one.lon is None), one
        assert one.place == "" or one.lat is not None, one
        assert not (one.anycast and one.place), one
        assert len(one.note) <= 80, one


def test_who_asks_for_slow_packets_gets_no_bursts(shipped: tuple[Server, ...]) -> None:
    """ntpd's iburst sends a packet every two seconds, up to eight at a time."""
    slow = [one for one in shipped if one.gap_s > GAP_S or one.minpoll]
    assert len(slow) >= 9
    assert not [one for one in slow if one.iburst]
    by_host = {one.host: one for one in shipped}
    assert all(one.gap_s >= 4 for one in shipped if one.host.endswith(".nist.gov"))
    assert by_host["utcnist2.colorado.edu"].gap_s == 16
    # 3600 / 2**8 is 14 an hour, where 20 are allowed.
    assert {one.host for one in shipped if one.minpoll == 8} == {
        "ntp.nict.jp",
        "ntp1.sibernet.com.tr",
        "utcnist.colorado.edu",
    }


@pytest.mark.parametrize(
    "host",
    [
        "time.google.com", "time1.google.com", "time.facebook.com", "time.aws.com",  # smear
        "time.nist.gov", "ntp.time.nl", "ntp.nict.jp", "ntp.ubuntu.com",  # several servers behind one name
    ],
)  # fmt: skip
def test_some_may_never_be_used(shipped: tuple[Server, ...], host: str) -> None:
    [server] = [one for one in shipped if one.host == host]
    assert why(server, named=True)


@pytest.mark.parametrize("host", ["time.apple.com", "time.windows.com", "ntp2.ja.net", "tick.usno.navy.mil"])
def test_some_are_not_open_to_all(shipped: tuple[Server, ...], host: str) -> None:
    [server] = [one for one in shipped if one.host == host]
    assert why(server)
    assert not why(server, named=True)


def test_enough_may_be_used_with_nobody_there(shipped: tuple[Server, ...]) -> None:
    counts = {
        f"{'un' if unattended else ''}attended, {'' if monitored else 'not '}monitored": len(
            usable(shipped, unattended=unattended, monitored=monitored)
        )
        for unattended in (False, True)
        for monitored in (True, False)
    }
    print(counts)
    assert counts["unattended, monitored"] >= 100
    assert min(counts.values()) >= 40
    assert len({one.country for one in usable(shipped, unattended=True, monitored=True)}) >= 25


# --- who may not be used


@pytest.mark.parametrize(
    ("server", "reason"),
    [
        (replace(OPEN, host="0.de.pool.ntp.org"), "a name of the pool itself"),
        (replace(OPEN, host="time.google.com"), "smears leap seconds"),
        (replace(OPEN, host="216.239.35.4"), "smears leap seconds"),
        (replace(OPEN, smears="yes"), "smears leap seconds"),
        (replace(OPEN, rotates=True), "several servers in turn"),
    ],
)
def test_what_is_never_relaxed(server: Server, reason: str) -> None:
    for named in (False, True):
        for monitored in (False, True):
            assert reason in why(server, named=named, monitored=monitored)


@pytest.mark.parametrize(
    ("server", "attended", "unattended", "unmonitored"),
    [
        (OPEN, "", "", ""),
        (replace(OPEN, notify="unknown"), "", "", ""),
        (replace(OPEN, notify="yes"), "", "asks for a mail", ""),
        (replace(OPEN, use_name=True), "", "", "the name instead of an address"),
        (replace(OPEN, access="restricted"), "restricted", "restricted", "restricted"),
        (replace(OPEN, access="closed"), "closed", "closed", "closed"),
        (replace(OPEN, access="unknown"), "whether it is open", "whether it is open", "whether it is open"),
        (Server("192.0.2.1"), "whether it is open", "whether it is open", "whether it is open"),
    ],
)
def test_what_is_up_to_who_names_a_server(server: Server, attended: str, unattended: str, unmonitored: str) -> None:
    found = (why(server), why(server, unattended=True), why(server, monitored=False))
    for said, reason in zip(found, (attended, unattended, unmonitored)):
        assert (reason in said) if reason else not said
    for mode in (False, True):
        assert why(server, named=True, unattended=mode, monitored=mode) == ""


def test_a_letter_to_who_asks_for_one() -> None:
    server = replace(OPEN, notify="yes", operator="Example Observatory", minpoll=8)
    text = letter(server, "203.0.113.7")
    for words in ("ntp1.example.net", "203.0.113.7", "Example Observatory", "every 256 to 1024 seconds"):
        assert words in text
    assert "every 64 to" in letter(replace(server, minpoll=0), "203.0.113.7")
    assert letter(OPEN, "203.0.113.7") == ""
    assert letter(replace(OPEN, notify="unknown"), "203.0.113.7") == ""


# --- files


def test_the_operators_file_adds_replaces_and_removes(tree: Host, shipped: tuple[Server, ...]) -> None:
    put(
        tree,
        LOCAL,
        "# ours\n\nhost,access,gap_s,lat,lon,asn,iburst\r\n"
        "NTP1.Example.NET.,open,16,52.5,13.4,AS64500 64501,no\n"
        "ntp1.fau.de,closed,,,,,\n-ntp2.fau.de\n-gone.example.net,,,,,,\n",
    )
    found = {one.host: one for one in load(tree)}
    assert found["ntp1.example.net"] == Server(
        "ntp1.example.net", access="open", gap_s=16, lat=52.5, lon=13.4, asn=(64500, 64501), iburst=False
    )
    assert found["ntp1.fau.de"] == Server("ntp1.fau.de", access="closed")  # the whole row, not some of its columns
    assert set(found) == {one.host for one in shipped} - {"ntp2.fau.de"} | {"ntp1.example.net"}


def test_another_catalogue_counts_instead_of_ours_and_the_operators_file_with_it(tree: Host) -> None:
    put(tree, "/srv/servers.csv", 'host,operator\nntp1.example.net,"Example, Inc."\nntp2.example.net,\n192.0.2.1,\n')
    put(tree, LOCAL, "\ufeffhost\n-ntp2.example.net\nntp3.example.net\n")
    found = load(tree, "/srv/servers.csv")
    assert [one.host for one in found] == ["ntp1.example.net", "192.0.2.1", "ntp3.example.net"]
    assert found[0].operator == "Example, Inc."


@pytest.mark.parametrize("content", ["", "# nothing\n", "host\n", "\n\n"])
def test_a_file_that_says_nothing(tree: Host, shipped: tuple[Server, ...], content: str) -> None:
    put(tree, LOCAL, content)
    assert load(tree) == shipped
    put(tree, "/srv/servers.csv", content)
    with pytest.raises(UsageProblem, match=r"/srv/servers\.csv names no server"):
        load(tree, "/srv/servers.csv")


def test_a_name_of_the_pool_in_a_file_is_refused_with_the_reason(tree: Host) -> None:
    put(tree, "/srv/servers.csv", "host,access\n0.pool.ntp.org,open\n")
    [server] = load(tree, "/srv/servers.csv")
    assert "a name of the pool itself" in why(server, named=True)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("host,statum", ["line 1", "'statum' is no column", "stratum"]),
        ("host,x,y", ["'x', 'y' are no columns"]),
        ("host,host", ["the column host stands there twice"]),
        ("place,country", ["there is no column host"]),
        ("host;country", ["'host;country' is no column"]),
        ("host,country\n# two\nntp1.example.net,D", ["line 3", "country", "'D'", "two letters"]),
        ("host,stratum\nntp1.example.net,16", ["stratum: '16' is not a whole number from 1 to 15"]),
        ("host,stratum\nntp1.example.net,²", ["stratum: '²'"]),
        ("host,lat,lon\nntp1.example.net,91,0", ["lat: '91' is not a number of degrees from -90 to 90"]),
        ("host,lat,lon\nntp1.example.net,nan,1e1", ["lat: 'nan'", "lon: '1e1'"]),
        ("host,lat,lon\nntp1.example.net,52.5,", ["one stands there without the other"]),
        ("host,access\nntp1.example.net,Open", ["'Open' is not open, restricted, closed or unknown"]),
        ("host,notify\nntp1.example.net,maybe", ["'maybe' is not yes, no or unknown"]),
        ("host,rotates\nntp1.example.net,1", ["rotates: '1' is not yes or no"]),
        ("host,gap_s\nntp1.example.net,1", ["gap_s: '1' is not a number of seconds from 2 to 3600"]),
        ("host,minpoll\nntp1.example.net,4", ["minpoll: '4' is not 0 or a whole number from 6 to 10"]),
        ("host,asn\nntp1.example.net,AS0", ["asn: 'AS0' is not AS numbers"]),
        ("host,note\nntp1.example.net,a\x1b[2J", ["note: 'a\\x1b[2J' is not text"]),
        ("host,note\nntp1.example.net," + "x" * 201, ["note: 'xxx", "at most 200 characters"]),
        ("host\nntp1.example.net,open", ["line 2", "it has 2 values for 1 columns"]),
        ("host,access\nntp1.example.net", ["it has 1 values for 2 columns"]),
        ("host,access\n,open", ["line 2: host: '' cannot be an upstream: it is empty"]),
        ("host\nnot_a_name", ["host: 'not_a_name' cannot be an upstream"]),
        ("host\n127.0.0.1", ["host: '127.0.0.1' cannot be an upstream"]),
        ("host\nhttp://ntp1.example.net/", ["neither a host name nor an address"]),
        ("host\n--ntp1.example.net", ["host: '-ntp1.example.net'"]),
        ("host\n-", ["host: ''"]),
        ("host,access\n-ntp1.example.net,open", ["access: a host that is removed has no other values"]),
        ("host\nntp1.example.net\nNTP1.example.net.", ["line 3: ntp1.example.net stands in line 2 already"]),
        ("host\nntp1.example.net\n-ntp1.example.net", ["line 3: ntp1.example.net stands in line 2 already"]),
        ('host,note\nntp1.example.net,"a\nb"', ["line 2: it is not comma-separated values"]),
        ("host\nntp1.exa\0mple.net", ["line 2"]),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_its_place(tree: Host, lines: str, words: list[str]) -> None:
    for file, named in ((LOCAL, ""), ("/srv/servers.csv", "/srv/servers.csv")):
        put(tree, file, lines)
        with pytest.raises(UsageProblem) as told:
            load(tree, named)
        for word in [file, *words]:
            assert word in told.value.message
        assert all(line.isprintable() for line in told.value.message.splitlines())
        assert told.value.remedy
        tree.remove(file)


def test_all_wrong_lines_are_told_at_once_up_to_five(tree: Host) -> None:
    put(tree, LOCAL, "host,stratum,access\n" + "".join(f"ntp{n}.example.net,x{n},y{n}\n" for n in range(7)))
    with pytest.raises(UsageProblem) as told:
        load(tree)
    lines = told.value.message.splitlines()
    assert lines[1] == (
        "  line 2: stratum: 'x0' is not a whole number from 1 to 15; access: 'y0' is not open, restricted, closed or unknown"
    )
    assert [line.split(":")[0] for line in lines[1:6]] == [f"  line {n}" for n in range(2, 7)]
    assert lines[6:] == ["  and 2 more lines"]


_CELL = st.one_of(st.text(max_size=8), st.sampled_from(["ntp1.example.net", "-", "yes", "open", '"', "1", "nan", "²"]))
_LINES = st.lists(st.lists(_CELL, min_size=1, max_size=3).map(",".join), max_size=4)


def _file(lines: list[str]) -> bytes:
    return "\n".join(["host,lat,asn", *lines]).encode("utf-8", "surrogatepass")


@SETTINGS
@given(st.one_of(st.binary(max_size=60), _LINES.map(_file)))
def test_any_bytes_are_a_table_or_a_problem_that_can_be_shown(content: bytes) -> None:
    message = ""
    try:
        table = columns.parse(content, "x.csv")
    except UsageProblem as problem:
        message = problem.message
    else:
        assert all(Server(**row).host == host for host, row in table.rows.items())
    assert all(line.isprintable() for line in message.splitlines())


def test_what_is_no_text_is_told_with_its_line(tree: Host) -> None:
    put(tree, LOCAL, "")
    tree.path(LOCAL).write_bytes(b"host\nntp1.example.net\nntp\xff.example.net\n")
    with pytest.raises(UsageProblem, match="line 3: the byte 0xff is not UTF-8"):
        load(tree)


def test_a_file_that_is_none(tree: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageProblem, match="there is no file /srv/servers"):
        load(tree, "/srv/servers.csv")
    put(tree, "/srv/servers.csv", "host\nntp1.example.net\n")
    with pytest.raises(UsageProblem, match="/srv is not a plain file"):
        load(tree, "/srv")
    os.mkfifo(tree.path("/srv/pipe"))
    with pytest.raises(UsageProblem, match="/srv/pipe is not a plain file"):
        load(tree, "/srv/pipe")
    with pytest.raises(UsageProblem, match="cannot be read: File name too long"):
        load(tree, f"/srv/{'x' * 300}")
    monkeypatch.setattr(catalogue, "MOST_BYTES", 4)
    with pytest.raises(UsageProblem, match="has more than 4 bytes"):
        load(tree, "/srv/servers.csv")


def test_a_file_that_may_not_be_read_is_not_taken_for_none(tree: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the operator removed must not come back because another user asks."""

    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    put(tree, LOCAL, "host\n-ntp1.fau.de\n")
    monkeypatch.setattr("pathlib.Path.open", denied)
    with pytest.raises(UsageProblem, match=r"/etc/ntpjoin/upstreams\.csv cannot be read: Permission denied"):
        load(tree)
