"""Restrict lines put together as the daemon does it, and sources beside ours."""

from __future__ import annotations

import ipaddress
from typing import Optional

import pytest

from ntpjoin.checks.access import DEAF_TO_CLIENTS, DEAF_TO_QUERIES, LOOPBACK, WORLD, Access
from ntpjoin.checks.sources import counted, reference_clocks, sources
from ntpjoin.facts import Directive
from ntpjoin.host import ntpconf
from ntpjoin.systems import Engine

OURS = "restrict default kod limited nomodify noquery\nrestrict source nomodify noquery\nrestrict 127.0.0.1\nrestrict ::1\n"
PLACES = ("127.0.0.1", "::1", "203.0.113.9", "2001:db8:113::9", "10.1.2.3")


def read(*texts: str) -> tuple[Directive, ...]:
    return tuple(one for number, text in enumerate(texts) for one in ntpconf.directives(f"/{number}.conf", text))


def seen(lines: str, engine: Engine = "ntpsec", ours: str = OURS) -> str:
    """Per place: Q where a management query is answered, s where a client is."""
    access = Access(engine, read(ours, lines))
    entries = [access.of(ipaddress.ip_network(place)) for place in PLACES]
    told = ("-" if one.flags & DEAF_TO_QUERIES else "Q" for one in entries)
    served = ("." if one.flags & DEAF_TO_CLIENTS else "s" for one in entries)
    return " ".join(map("".join, zip(told, served)))


#: What NTPsec 1.2.2 did, asked in modes 6 and 3 from each of these addresses, with our lines before these.
TRIED = [
    ("", "Qs Qs -s -s -s"),
    ("restrict 127.0.0.1 noquery", "-s Qs -s -s -s"),
    ("restrict default ignore", "Qs Qs -. -. -."),
    ("restrict default", "Qs Qs -s -s -s"),
    ("restrict default nomodify", "Qs Qs -s -s -s"),
    ("unrestrict default noquery", "Qs Qs Qs Qs Qs"),
    ("restrict 0.0.0.0 mask 0.0.0.0 nomodify", "Qs Qs -s -s -s"),
    ("restrict 10.0.0.0/8", "Qs Qs -s -s Qs"),
    ("restrict 10.0.0.0 mask 255.0.0.0 nomodify", "Qs Qs -s -s Qs"),
    ("restrict 127.0.0.0/8 noquery", "Qs Qs -s -s -s"),
    ("restrict 127.0.0.1 ignore", "-. Qs -s -s -s"),
    ("unrestrict 127.0.0.1", "-s Qs -s -s -s"),
    ("unrestrict default", "Qs Qs -s -s -s"),
    ("restrict source ignore", "Qs Qs -s -s -s"),
    ("restrict ::1 noserve", "Qs Q. -s -s -s"),
    ("restrict -4 default", "Qs Qs -s -s -s"),
    ("restrict 203.0.113.9", "Qs Qs Qs -s -s"),
    ("unrestrict default kod limited noquery nomodify", "Qs Qs Qs Qs Qs"),
    ("restrict ::/0", "Qs Qs -s -s -s"),
    ("restrict localhost noquery", "-s -s -s -s -s"),
    ("restrict default noserve", "Qs Qs -. -. -."),
    ("restrict 203.0.113.0/24 nomodify\nrestrict 203.0.113.0/24 noquery", "Qs Qs -s -s -s"),
    ("restrict 127.0.0.1 mask 255.0.0.0 noquery", "Qs Qs -s -s -s"),
    ("RESTRICT 10.0.0.0/8", "Qs Qs -s -s -s"),
    ("restrict -6 2001:db8:113:: mask ffff:ffff:ffff:: nomodify", "Qs Qs -s -s -s"),
    ("restrict -4 203.0.113.9", "Qs Qs Qs -s -s"),
    ("restrict default ntpport ignore", "Qs Qs -s -s -s"),
    ("restrict default notrust", "Qs Qs -. -. -."),
    ("unrestrict -6 default noquery", "Qs Qs -s Qs -s"),
    ("restrict 203.0.113.0/24 nomodify bogus", "Qs Qs Qs -s -s"),
    ("restrict 203.0.113.9 ntpport\nrestrict 203.0.113.0/24 ignore", "Qs Qs -. -s -s"),
]


@pytest.mark.parametrize(("lines", "found"), TRIED)
def test_access_is_as_the_daemon_gave_it(lines: str, found: str) -> None:
    assert seen(lines) == found


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ("restrict -4 default ignore", "Qs Qs -. -s -."),
        ("restrict 2001:db8:113:: mask ffff:ffff:ffff:: nomodify", "Qs Qs -s Qs -s"),
        (
            "unrestrict 10.0.0.0/8\nrestrict some.name noquery\nrestrict\nunrestrict 10.0.0.0/8 noquery",
            "Qs Qs -s -s -s",
        ),
    ],
)
def test_what_else_may_be_written(lines: str, found: str) -> None:
    assert seen(lines) == found


@pytest.mark.parametrize(
    ("engine", "lines", "flags"),
    [
        ("ntpsec", "restrict default noserve\nrestrict source nomodify", {"noserve", "noquery", "limited"}),
        ("ntpsec", "restrict default ignore\nrestrict source nomodify", {"nomodify"}),
        ("ntpsec", "restrict default notrust\nrestrict source nomodify", {"nomodify"}),
        ("ntpsec", "restrict default ignore", {"ignore", "noquery", "limited"}),
        ("ntpsec", "restrict 192.0.2.1 ignore\nrestrict source nomodify", {"ignore"}),
        ("classic", "restrict default noserve\nrestrict source nomodify", {"nomodify"}),
        ("classic", "restrict default noserve", {"noserve"}),
        ("classic", "restrict 192.0.2.1 noserve\nrestrict source nomodify", {"noserve"}),
    ],
)
def test_what_counts_for_a_source(engine: Engine, lines: str, flags: set[str]) -> None:
    access = Access(engine, ntpconf.directives("/x", lines))
    assert access.of_source(ipaddress.ip_network("192.0.2.1")).flags == flags


CLASSIC = """\
restrict -4 default kod limited nomodify nopeer noquery notrap
restrict -6 default kod limited nomodify nopeer noquery notrap
restrict source nomodify noquery notrap
restrict 127.0.0.1
restrict -6 ::1
"""


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        # What classic ntpd 4.2.8p15 did, asked in modes 6 and 3 from all of them but ::1, with our lines before these.
        ("", "Qs Qs -s -s -s"),
        ("restrict 127.0.0.1 noquery", "-s Qs -s -s -s"),
        ("restrict default ignore", "Qs Qs -. -. -."),
        ("restrict default", "Qs Qs -s -s -s"),
        ("unrestrict default noquery", "Qs Qs -s -s -s"),
        ("restrict 10.0.0.0/8", "Qs Qs -s -s -s"),
        ("restrict 10.0.0.0 mask 255.0.0.0 nomodify", "Qs Qs -s -s Qs"),
        ("restrict 203.0.113.9", "Qs Qs Qs -s -s"),
        ("restrict 2001:db8:113:: mask ffff:ffff:ffff::", "Qs Qs -s Qs -s"),
        ("restrict -6 2001:db8:113:: mask ffff:ffff:ffff::", "Qs Qs -s Qs -s"),
        ("restrict default noserve", "Qs Qs -. -. -."),
        ("restrict default notrust", "Qs Qs -. -. -."),
        ("restrict default ntpport ignore", "Qs Qs -s -s -s"),
        ("restrict -4 default ignore", "Qs Qs -. -s -."),
        ("restrict 203.0.113.9 nomodify bogus", "Qs Qs Qs -s -s"),
        # By its source, as 4.2.8p18 reads it.
        ("restrict 203.0.113.9\ndelrestrict 203.0.113.9", "Qs Qs -s -s -s"),
    ],
)
def test_access_is_as_classic_ntpd_gave_it(lines: str, found: str) -> None:
    assert seen(lines, "classic", CLASSIC) == found


@pytest.mark.parametrize(
    "line",
    ["restrict 0.0.0.0 mask 255.0.0.0 ignore", "restrict 0.0.0.0 noserve", "restrict 0.0.0.0 mask 128.0.0.0 ignore"],
)
def test_a_network_that_begins_where_the_default_does_is_not_the_default(line: str) -> None:
    found = Access("ntpsec", read("restrict default kod limited nomodify noquery", line))
    assert found.of(WORLD[0]).flags == {"kod", "limited", "nomodify", "noquery"}
    assert Access("classic", read(line)).of(WORLD[0]).flags == frozenset()


def test_an_engine_begins_with_its_own_default() -> None:
    assert [bool(Access(engine, ()).of(WORLD[0]).flags & DEAF_TO_QUERIES) for engine in ("ntpsec", "classic")] == [
        True,
        False,
    ]


def test_an_entry_names_the_lines_that_made_it() -> None:
    entry = Access("ntpsec", read(OURS, "# mine\nrestrict 127.0.0.1 noquery\n")).of(LOOPBACK[0])
    assert [str(line) for line in entry.lines] == [
        "/0.conf:3: restrict 127.0.0.1",
        "/1.conf:2: restrict 127.0.0.1 noquery",
    ]
    taken = Access("ntpsec", read(OURS, "unrestrict 127.0.0.1")).of(LOOPBACK[0])
    assert str(taken.lines[-1]) == "/1.conf:1: unrestrict 127.0.0.1"
    again = Access("ntpsec", read(OURS, "unrestrict 127.0.0.1\nrestrict 127.0.0.1 nomodify")).of(LOOPBACK[0])
    assert (set(again.flags), len(again.lines)) == ({"nomodify"}, 1)
    sources = Access("ntpsec", read("restrict source ignore\nrestrict source noquery")).sources
    assert sources.flags == {"noquery"}
    assert [str(line) for line in sources.lines] == ["/0.conf:2: restrict source noquery"]


def test_the_line_to_blame_for_a_flag_is_the_one_that_took_it_else_all_that_made_the_entry() -> None:
    lines = "restrict default limited\nunrestrict default noquery\nunrestrict default noquery kod"
    entry = Access("ntpsec", read("restrict default kod noquery", lines)).of(WORLD[0])
    assert [str(line) for line in entry.lacking("noquery")] == ["/1.conf:3: unrestrict default noquery kod"]
    assert len(entry.lacking("nomodify")) == 4
    assert [str(line) for line in entry.giving(frozenset({"limited", "kod"}))] == [
        "/0.conf:1: restrict default kod noquery",
        "/1.conf:1: restrict default limited",
    ]


def test_lines_for_names_are_kept_as_only_the_resolver_knows_whom_they_are_about() -> None:
    lines = (
        "restrict some.name\nrestrict 10.0.0.0 mask 255.0.0.0\nunrestrict other.name\nrestrict -4\nrestrict 10.0.0.0/8"
    )
    assert [line.words[1] for line in Access("classic", read(lines)).named] == ["some.name"]


# --- reading


def test_only_a_newline_ends_a_line_and_bytes_beyond_ascii_are_left_out() -> None:
    # As classic ntpd 4.2.8p15 and NTPsec 1.2.2 and 1.2.3 took them: "restrict default" was one word, and so unusable.
    text = "server\x0b192.0.2.1\x0ciburst\x85\u2028prefer\nrestrict default\xa0noquery\n"
    assert [(one.line, one.words) for one in ntpconf.directives("/x", text)] == [
        (1, ("server", "192.0.2.1", "iburstprefer")),
        (2, ("restrict", "defaultnoquery")),
    ]


def test_words_quotes_comments_and_numbers_of_lines() -> None:
    text = '\n# all\n  server  192.0.2.1\tiburst # name\nkeys "/etc/ntpsec/my keys"\r\n\ntos minsane 2#x\n'
    assert [(one.line, one.words) for one in ntpconf.directives("/x", text)] == [
        (3, ("server", "192.0.2.1", "iburst")),
        (4, ("keys", "/etc/ntpsec/my keys")),
        (6, ("tos", "minsane", "2")),
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", None),
        ("tos minclock 4 minsane 3\n", 3),
        ("tos minsane 3\ntos maxclock 9\ntos minsane 1\n", 1),
        ("tos minsane\n", None),
        ("tos minsane x\n", None),
        ("tinker minsane 3\n", None),
    ],
)
def test_the_last_minsane_counts(text: str, found: int) -> None:
    assert ntpconf.minsane(ntpconf.directives("/x", text)) == found


# --- masks


@pytest.mark.parametrize(
    ("line", "network"),
    [
        ("10.0.0.0 mask 255.0.0.0", "10.0.0.0/8"),
        ("10.1.2.3 mask 255.255.255.254", "10.1.2.2/31"),
        ("10.0.0.0 mask 0.0.0.0", "0.0.0.0/0"),
        ("10.0.0.0 mask 255.255.255.255", "10.0.0.0/32"),
        ("2001:db8::1 mask ffff:ffff::", "2001:db8::/32"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("2001:db8::/33", "2001:db8::/33"),
        ("10.0.0.0/8 mask 255.255.0.0", "10.0.0.0/8"),
        ("10.0.0.0 mask 0.0.0.255", None),
        ("10.0.0.0 mask 255.0.255.0", None),
        ("2001:db8:: mask ffff:0:ffff::", None),
        ("10.0.0.0 mask ffff::", None),
        ("2001:db8:: mask 255.255.0.0", None),
        ("0.0.0.0/0", "0.0.0.0/32"),
        ("10.0.0.0/33", "10.0.0.0/32"),
        ("10.0.0.0/255.255.255.0", "10.0.0.0/32"),
    ],
)
def test_a_mask_is_one_of_a_network_or_the_line_is_odd(line: str, network: Optional[str]) -> None:
    access = Access("ntpsec", read(f"restrict {line} ignore"))
    ignored = [str(one) for one, entry in access.entries.items() if "ignore" in entry.flags]
    assert ignored == ([network] if network else [])
    assert not access.named
    told = network is None or (network.endswith("/32") and "/" in line)
    assert [str(one).rpartition("restrict ")[2] for one, _ in access.odd] == ([f"{line} ignore"] if told else [])


# --- sources

OWN = """\
refclock shm unit 2 refid GPS
refclock local
server 127.127.22.0
server 127.127.1.0 prefer
fudge 127.127.22.0 flag3 1
server -6 time.example.net iburst
peer 192.0.2.77
server 192.0.2.78 noselect
pool 2.debian.pool.ntp.org
server
restrict 192.0.2.1
"""


def test_what_is_a_source_and_which_have_a_voice() -> None:
    assert [(one.kind, one.name, one.counts) for one in sources(read(OWN))] == [
        ("refclock", "SHM(2)", True),
        ("local", "LOCAL(0)", False),
        ("refclock", "127.127.22.0", True),
        ("local", "127.127.1.0", False),
        ("server", "time.example.net", True),
        ("server", "192.0.2.77", True),
        ("server", "192.0.2.78", False),
        ("pool", "2.debian.pool.ntp.org", False),
    ]
    assert (counted(read(OWN)), reference_clocks(read(OWN))) == (4, 2)


@pytest.mark.parametrize(
    ("engine", "lines", "flags"),
    [
        ("classic", "restrict source nomodify", {"nomodify"}),
        ("classic", "restrict default noquery", None),
        ("ntpsec", "restrict source nomodify", None),
        ("ntpsec", "restrict default notrust\nrestrict source nomodify", {"nomodify"}),
        ("ntpsec", "restrict -6 default ignore\nrestrict source nomodify", {"nomodify"}),
        ("ntpsec", "restrict 192.0.2.1 ignore\nrestrict source nomodify", None),
    ],
)
def test_what_sources_may_beyond_others(engine: Engine, lines: str, flags: Optional[set[str]]) -> None:
    """NTPsec makes an exception only for whom it could not hear otherwise."""
    found = Access(engine, read(lines)).for_sources
    assert (found.flags if found else None) == flags
