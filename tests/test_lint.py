"""lint: the language of ntp.conf, what is read in which order, and rules that are about more than a line."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import pytest

from ntpjoin.checks.lint.language import Dialect
from ntpjoin.checks.lint.lint import Here, lint
from ntpjoin.checks.lint.listening import listens
from ntpjoin.checks.lint.numbers import whole
from ntpjoin.checks.lint.parser import parse
from ntpjoin.checks.lint.table import DIRECTIVES
from ntpjoin.host import ntpconf
from ntpjoin.host.distros import ROWS
from ntpjoin.host.machine import Host
from ntpjoin.look.texts import MOST, Texts, look_texts
from ntpjoin.model import CheckState
from ntpjoin.provision.render import ntp_conf
from ntpjoin.surroundings import Leapfile
from ntpjoin.systems import Row
from tests.lint.corpus import told
from tests.real.language import sentences
from tests.sample import PINS

CLASSIC, NTPSEC = Dialect("classic"), Dialect("ntpsec")


def linted(text: str, dialect: Dialect = NTPSEC, here: Optional[Here] = None) -> list[str]:
    """Each finding in a text, as `LINES id state`."""
    return list(told(lint(Texts("/x/ntp.conf", {"/x/ntp.conf": text}, {}), dialect, here), "/x/ntp.conf"))


# --- what we write ourselves


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_in_a_configuration_of_ours_nothing_is_found(row: Row) -> None:
    text = ntp_conf(row, PINS, leapfile=True)
    files = {row.config: text, **({} if row.snippets else {row.include: "# empty\n"})}
    assert lint(Texts(row.config, files, {}), Dialect(row.engine)) == ()


# --- the language


@pytest.mark.parametrize(
    ("line", "dialect", "words", "wrong"),
    [
        ("server -4 ntp.example.net iburst", NTPSEC, "server -4 ntp.example.net iburst", None),
        ("server ntp.example.net iburst bogus", NTPSEC, "server ntp.example.net iburst", "bogus"),
        ('server ntp.example.net "iburst"', NTPSEC, "server ntp.example.net", "iburst"),
        ("server iburst iburst", NTPSEC, "server iburst iburst", None),
        ("restrict iburst", NTPSEC, "restrict", "iburst"),
        ("restrict default kod,limited", CLASSIC, "restrict default kod", ","),
        ("restrict 10 nomodify", CLASSIC, "restrict", "10"),
        ("restrict -6 2001:db8:: mask ffff::", CLASSIC, "restrict -6 2001:db8:: mask ffff::", None),
        ("restrict -6 2001:db8:: mask ffff::", NTPSEC, "restrict -6 2001:db8::", "mask"),
        ("trustedkey 1 (3 ... 5) 7", CLASSIC, "trustedkey 1 ( 3 ... 5 ) 7", None),
        ("trustedkey (3...5)", CLASSIC, "trustedkey (", "3...5"),
        ("setvar a = b default", CLASSIC, "setvar a = b default", None),
        ("setvar a=b", CLASSIC, "setvar a=b", ""),
        ("tos minclock 2.5", CLASSIC, "tos minclock", "2.5"),
        ("tos minclock 2.5", NTPSEC, "tos minclock 2.5", None),
        ("tinker panic 1g", NTPSEC, "tinker panic 1g", None),
        ("tinker panic 1g", CLASSIC, "tinker panic", "1g"),
        ("server a minpoll 0x6", CLASSIC, "server a minpoll 0x6", None),
        ("server a minpoll -", CLASSIC, "server a minpoll -", None),
        ("fudge 127.127.1.0", CLASSIC, "fudge 127.127.1.0", ""),
        ('driftfile ""', CLASSIC, "driftfile", None),
        ('server "a b', CLASSIC, "server a b", None),
        ("logconfig =syncall +clockall # all", CLASSIC, "logconfig =syncall +clockall", None),
        ("statistics ntsstats", Dialect("ntpsec", "1.2.3"), "statistics ntsstats", None),
        ("statistics ntsstats", Dialect("ntpsec", "1.2.2"), "statistics", "ntsstats"),
        ("delrestrict 192.0.2.1", Dialect("classic", "4.2.8p18"), "delrestrict 192.0.2.1", None),
        ("Server a", CLASSIC, "", "Server"),
        ("  # nothing", CLASSIC, "", None),
    ],
)
def test_a_line_is_taken_apart_as_the_engines_parser_does(
    line: str, dialect: Dialect, words: str, wrong: Optional[str]
) -> None:
    found = parse(line, dialect)
    assert " ".join(found.words) == words
    assert (found.wrong and found.wrong.text) == wrong


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        ("server a iburst bogus", True),
        ("server a minpoll six", False),
        ("restrict default kod bogus noquery", True),
        ("tos minsane 3 minclock x", False),
        ("tos minsane 3 bogus", True),
        ("bogus", False),
        ("filegen loopstats type", False),
    ],
)
def test_what_stands_before_the_wrong_word_counts_where_the_line_could_have_ended(line: str, counts: bool) -> None:
    assert parse(line, NTPSEC).counts is counts


def test_every_directive_with_every_word_behind_it_is_held_against_the_daemons() -> None:
    made = sentences.every()
    assert {word for word, _ in made} == set(DIRECTIVES)
    assert len(made) > 300
    assert all({word, option} <= {*sentence.split(), ""} for (word, option), sentence in made.items())
    for dialect in (CLASSIC, NTPSEC):
        assert sum(parse(sentence, dialect).wrong is None for sentence in made.values()) > 200


# --- numbers


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("5", 5),
        ("-3", -3),
        ("-", 0),
        ("4294967297", 1),
        ("9" * 30, -1),
        ("9" * 1000, -1),
        (f"{'0' * 30}7", 7),
        ("2.9", 2),
        ("-.9", 0),
        ("1e", 1),
        ("1e+", 1),
        ("2e1", 20),
        ("1e400", -(1 << 31)),
        ("1e-400", 0),
        ("5g", 619_315_205),
        ("+1.5gg", 1_238_630_401),
        ("1G", -(1 << 31)),
    ],
)
def test_a_number_is_what_leads_the_word_as_c_takes_it(word: str, found: int) -> None:
    assert whole(word) == found


@pytest.mark.parametrize(
    ("text", "dialect", "found"),
    [
        ("tos maxclock -", CLASSIC, ["1 config.value fail", "1 upstreams.maxclock warn"]),
        ("tos minsane -", CLASSIC, []),
        ("tos minsane - maxclock 9", NTPSEC, ["1 upstreams.minsane warn"]),
        ("tos minsane 3 minclock 5g", NTPSEC, []),
        ("tos minsane 3 minclock 1e", NTPSEC, []),
        ("tos minsane 3 maxclock 1e", NTPSEC, ["1 upstreams.maxclock warn"]),
        ("tos minsane 3 maxclock 1e400", NTPSEC, ["1 upstreams.maxclock warn"]),
        ("tos minsane 3 minclock 4 orphan -", CLASSIC, []),
        ("tos minsane 3 orphan -", NTPSEC, []),
        ("tos minsane 3 orphan 05", NTPSEC, ["1 upstreams.orphan warn"]),
        ("tos basedate maxclock minclock 5", CLASSIC, ["1 config.value warn"]),
        ("pollskewlist - 1 | 2", CLASSIC, ["1 config.value warn"]),
        ("pollskewlist 5 - | -", CLASSIC, []),
        ("pollskewlist 5 - | 16", CLASSIC, ["1 config.value warn"]),
    ],
)
def test_a_number_that_the_scanner_lets_pass_is_judged(text: str, dialect: Dialect, found: list[str]) -> None:
    servers = "".join(f"server 198.51.100.{number}\n" for number in range(1, 6))
    assert [one for one in linted(f"{text}\n{servers}", dialect) if one[0] == "1"] == found


@pytest.mark.parametrize(
    ("line", "ends"),
    [
        (f"tos floor -{'9' * 20}", (CLASSIC, NTPSEC)),
        ("tos floor -9223372036854775809", (CLASSIC, NTPSEC)),
        ("tos floor -9223372036854775808", ()),
        (f"tos floor {'9' * 20}", ()),
        ("tinker panic 1e-400", (CLASSIC, NTPSEC)),
        ("tinker panic -.1e-999", (CLASSIC, NTPSEC)),
        ("tinker panic 1e-310", (NTPSEC,)),
        ("tinker panic 1e-300", ()),
        ("tinker panic 0e-999", ()),
        ("tinker panic 1e999", ()),
        ("tinker panic 1e-400g", ()),
    ],
)
def test_a_number_that_c_has_no_room_for_ends_the_daemon(line: str, ends: tuple[Dialect, ...]) -> None:
    found = [dialect for dialect in (CLASSIC, NTPSEC) if "1 config.fatal fail" in linted(f"{line}\n", dialect)]
    assert tuple(found) == ends


# --- whom a line is about


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("ntp.example.net:4460", True),
        ("192.0.2.1:4460", True),
        ("[2001:db8::1]:4460", True),
        ("[2001:db8::1]", True),
        ("2001:db8::1", True),
        ("ntp.example.net:nts-ke", True),
        ("ntp.example.net:", False),
        ("ntp.example.net:0", False),
        ("127.0.0.1:4460", False),
        ("[::1]:4460", False),
        ("[2001:db8::1]4460", False),
        ("http://ntp.example.net", False),
        ("ntp_example/net:4460", False),
    ],
)
def test_where_ntpsec_is_asked_for_nts_a_port_may_stand_behind_the_name(name: str, asked: bool) -> None:
    assert ("1 config.name fail" not in linted(f"server {name} iburst nts\n")) is asked
    if ":" in name.replace("2001:db8::1", ""):
        assert "1 config.name fail" in linted(f"server {name} iburst\n")
        assert "1 config.name fail" in linted(f"server {name} iburst nts\n", CLASSIC)


def test_a_source_with_a_port_is_told_by_its_name() -> None:
    servers = "server time.google.com:4460 nts\nserver [192.0.2.1]:4461 nts\nserver 192.0.2.1\n"
    found = linted(f"{servers}pool 2.pool.ntp.org:123 nts\nrestrict 192.0.2.1 ignore\n")
    assert {"1 upstreams.smear fail", "3,2 upstreams.twice warn", "4 upstreams.pool fail", "5 sync.peer fail"} <= {
        *found
    }


@pytest.mark.parametrize("dialect", [CLASSIC, NTPSEC])
@pytest.mark.parametrize(
    ("line", "rule", "remedy"),
    [
        ("restrict defaul kod limited", "config.name", "write `default`, if that is meant; else its address"),
        ("restrict -6 Default kod limited", "config.name", "write `default`, if that is meant; else its address"),
        ("restrict sources noquery", "config.name", "write `source`, if that is meant; else its address"),
        ("restrict default: kod limited", "config.value", "write `default`, if that is meant; else an address"),
        ("restrict source.example.net noquery", "config.name", "write its address"),
        ("restrict default nomodify,noquery", "config.syntax", "write a blank instead"),
        ("restrict default nomodify, noquery", "config.syntax", "write a blank instead"),
        ("server a.example iburst,prefer", "config.syntax", "write a blank instead"),
        ("restrict default nomodify, # noquery", "config.syntax", "take it out"),
        ("restrict default nomodify noquerry", "config.syntax", "write `noquery`, if that is meant"),
        ("restrict default nomodify; noquery", "config.syntax", "take it out"),
    ],
)
def test_a_slip_is_told_with_what_was_meant(line: str, rule: str, remedy: str, dialect: Dialect) -> None:
    found = lint(Texts("/x", {"/x": f"{line}\n"}, {}), dialect)
    assert [check.remedy for check in found if check.id == rule] == [remedy]


NAMED = "server a.example\nserver b.example key 1\npool c.example\n"


@pytest.mark.parametrize(
    ("lines", "dialect", "whom"),
    [
        ("restrict source noserve", CLASSIC, "a.example, b.example, c.example"),
        ("restrict source ignore", CLASSIC, "a.example, b.example, c.example"),
        ("restrict source notrust", CLASSIC, "a.example, c.example"),
        ("restrict source nomodify noquery", CLASSIC, None),
        ("restrict source ignore\nrestrict source noquery", CLASSIC, None),
        ("restrict source ignore", NTPSEC, None),  # makes an exception only for whom it could not hear otherwise
        ("restrict default ignore\nrestrict source noserve", NTPSEC, "a.example, b.example, c.example"),
        ("restrict source ignore\nrestrict A.example noquery", CLASSIC, "b.example, c.example"),
        ("restrict source noquery\nrestrict -4 a.example noserve", CLASSIC, "a.example"),
        ("restrict source noserve\nserver 192.0.2.1", CLASSIC, "a.example, b.example, c.example, 192.0.2.1"),
        ("restrict source noserve\nrestrict 192.0.2.1 noquery\nserver 192.0.2.1", CLASSIC, "a.example, b.example, c.example"),
    ],
)  # fmt: skip
def test_who_is_followed_by_name_is_not_heard_either_where_restrict_source_forbids_it(
    lines: str, dialect: Dialect, whom: Optional[str]
) -> None:
    found = lint(Texts("/x", {"/x": f"{NAMED}{lines}\n"}, {}), dialect)
    deaf = [check for check in found if check.id == "sync.peer"]
    assert [check.text.partition(" will answer is thrown away: ")[0] for check in deaf] == [f"what {whom}"] * bool(whom)
    assert all(check.state is CheckState.FAIL and len(check.lines) == 1 for check in deaf)


def test_without_anybody_who_is_asked_nobody_is_not_heard() -> None:
    assert not [one for one in linted("server 127.127.22.0\nrestrict source ignore\n", CLASSIC) if "sync.peer" in one]


_BOTH = "; ".join(f"restrict {family} default kod limited nomodify nopeer noquery notrap" for family in ("-4", "-6"))


@pytest.mark.parametrize(
    ("lines", "dialect", "written"),
    [
        ("", CLASSIC, f"{_BOTH}; restrict 127.0.0.1; restrict ::1"),
        ("restrict default nomodify\n", CLASSIC, f"{_BOTH}; restrict 127.0.0.1; restrict ::1"),
        ("restrict default nomodify\nrestrict localhost\n", CLASSIC, _BOTH),
        ("restrict default nomodify\nrestrict 127.0.0.0 mask 255.0.0.0\n", CLASSIC, f"{_BOTH}; restrict ::1"),
        ("restrict default nomodify\nrestrict 127.0.0.1\nrestrict ::1 ignore\n", CLASSIC, _BOTH),
        ("", NTPSEC, "restrict default kod limited nomodify noquery; restrict 127.0.0.1; restrict ::1"),
    ],
)
def test_what_keeps_strangers_out_is_written_with_what_lets_this_host_ask(
    lines: str, dialect: Dialect, written: str
) -> None:
    found = lint(Texts("/x", {"/x": lines}, {}), dialect)
    assert {one.remedy for one in found if one.id in ("access.noquery", "access.nomodify")} == {f"write: {written}"}


@pytest.mark.parametrize(
    ("line", "dialect", "found"),
    [
        ("restrict 10.0.0.0 mask 255.255.255.0 noquery", CLASSIC, []),
        ("restrict 10.0.0.0 mask 0.0.0.255 noquery", CLASSIC, ["1 access.open warn"]),
        ("restrict 10.0.0.0 mask 0.0.0.255", NTPSEC, ["1 access.open warn"]),
        ("restrict 192.0.2.1 mask 255.0.255.0 ignore", NTPSEC, ["1 access.open warn"]),
        ("restrict 0.0.0.0/0 noquery", NTPSEC, ["1 access.open warn"]),
        ("restrict 0.0.0.0/0 noquery", CLASSIC, ["1 config.engine fail"]),
    ],
)
def test_a_line_that_is_about_others_than_it_seems_is_told(line: str, dialect: Dialect, found: list[str]) -> None:
    assert [one for one in linted(f"{line}\nserver 192.0.2.1\n", dialect) if one[0] == "1"] == found


@pytest.mark.parametrize("address", ["2001:4860:4806:0::", "2001:4860:4806:000C::", "[2001:4860:4806::]"])
def test_a_service_that_smears_is_known_by_its_address_however_it_is_written(address: str) -> None:
    assert "1 upstreams.smear warn" in linted(f"server {address} iburst\n")


def test_the_service_of_googles_cloud_is_known_beside_others() -> None:
    assert "1 upstreams.smear fail" in linted("server metadata.google.internal iburst\nserver ntp.example.net\n")


def test_the_local_clock_is_known_however_its_name_is_written() -> None:
    assert {"1 upstreams.local warn", "- upstreams.count fail"} <= {*linted("refclock LOCAL unit 0\nrefclock PPS\n")}


@pytest.mark.parametrize(
    ("lines", "told_of"),
    [
        (
            "server -4 a.example\nserver -6 a.example",
            ["a.example is named for both families: ntpd gives one host two voices"],
        ),
        (
            "pool -4 a.example\npool -6 a.example",
            ["a.example is named for both families: ntpd may give one host two voices"],
        ),
        ("server -4 a.example\nserver -4 a.example", ["a.example is named twice, and counts once"]),
        ("server a.example\nserver A.example.", ["A.example. is named twice, and counts once"]),
        ("server 2001:db8::1\nserver [2001:db8:0::1]", ["[2001:db8:0::1] is named twice, and counts once"]),
        ("server -4 a.example\nserver -4 b.example", []),
        (
            "server -4 a.example\nserver -6 a.example\nserver -6 a.example",
            [
                "a.example is named for both families: ntpd gives one host two voices",
                "a.example is named twice, and counts once",
            ],
        ),
    ],
)
def test_a_source_that_is_named_twice_counts_once_but_for_one_that_is_asked_over_both_families(
    lines: str, told_of: list[str]
) -> None:
    found = lint(Texts("/x", {"/x": f"{lines}\n"}, {}), NTPSEC)
    assert [check.text.partition(": /x")[0] for check in found if check.id == "upstreams.twice"] == told_of
    assert {check.state for check in found if check.id == "upstreams.twice"} <= {CheckState.WARN}


# --- reading


def test_what_is_included_is_read_in_its_place_and_ntp_d_comes_last(tmp_path: Path) -> None:
    (tmp_path / "ntp.d").mkdir()
    (tmp_path / "more").mkdir()
    for name, text in {
        "ntp.conf": "tos minsane 1\nincludefile more\nincludefile a.conf\ntos minsane 5\n",
        "a.conf": "tos minsane 4\n",
        "more/2.conf": "tos minsane 3\n",
        "more/1.conf": "tos minsane 2\n",
        "more/no": "tos minsane 9\n",
        "ntp.d/x.conf": "tos minsane 6\n",
    }.items():
        (tmp_path / name).write_text(text)
    texts = look_texts(Host(root=tmp_path), "/ntp.conf", (tmp_path / "ntp.conf").read_text(), "ntpsec")
    found = [check for check in lint(texts, NTPSEC) if check.id == "config.overridden"]
    first = [f"{check.lines[0].path}: {' '.join(check.lines[0].words)}" for check in found]
    assert sorted(first, key=lambda text: text[-1]) == [
        "/ntp.conf: tos minsane 1",
        "/more/1.conf: tos minsane 2",
        "/more/2.conf: tos minsane 3",
        "/a.conf: tos minsane 4",
        "/ntp.conf: tos minsane 5",
    ]
    classic = look_texts(Host(root=tmp_path), "/ntp.conf", (tmp_path / "ntp.conf").read_text(), "classic")
    assert classic.beside == ()


def test_files_that_include_themselves_or_too_many_end_somewhere(tmp_path: Path) -> None:
    assert "1 config.lines warn" in linted("includefile ntp.conf\n")
    deep = {f"f{number}.conf": f"includefile f{number + 1}.conf\n" for number in range(9)}
    chain = {f"/x/{name}": text for name, text in deep.items()}
    found = lint(Texts("/x/ntp.conf", {"/x/ntp.conf": "includefile f0.conf\n", **chain}, {}), NTPSEC)
    assert "f4.conf:1 config.lines warn" in told(found, "/x/ntp.conf")
    for number in range(MOST + 50):
        (tmp_path / f"{number}.conf").write_text(f"includefile {number + 1}.conf\n" * 3)
    texts = look_texts(Host(root=tmp_path), "/0.conf", (tmp_path / "0.conf").read_text(), "ntpsec")
    assert len(texts.files) == MOST
    wide = "".join(f"includefile {number}.conf\n" for number in range(5))
    files = {"/x/ntp.conf": wide, **{f"/x/{number}.conf": wide for number in range(5)}}
    assert len(lint(Texts("/x/ntp.conf", files, {}), NTPSEC)) < 10_000


def test_nothing_is_read_behind_end_but_ntp_d_is() -> None:
    files = {"/x/ntp.conf": "end\nbogus\n", "/x/ntp.d/a.conf": "bogus\n"}
    found = lint(Texts("/x/ntp.conf", files, {}, ("/x/ntp.d/a.conf",)), NTPSEC)
    assert {one for one in told(found, "/x/ntp.conf") if "config" in one} == {
        "1 config.unread warn",
        "ntp.d/a.conf:1 config.syntax fail",
    }


def test_a_file_that_may_not_be_read_is_told() -> None:
    found = lint(Texts("/x/ntp.conf", {"/x/ntp.conf": "includefile a\n", "/x/a": None}, {}), NTPSEC)
    assert "1 config.lines unknown" in told(found, "/x/ntp.conf")


# --- rules


@pytest.mark.parametrize(
    ("rules", "places", "state"),
    [
        ("interface ignore all", "eth0 203.0.113.7", CheckState.FAIL),
        ("interface listen 203.0.113.7", "eth0 203.0.113.7", None),
        ("interface listen 203.0.113.0/24", "eth0 203.0.113.7", None),
        ("interface listen eth*", "eth0 203.0.113.7", None),
        ("interface listen eth1", "eth0 203.0.113.7", CheckState.FAIL),
        ("interface drop ipv6\ninterface listen ipv4", "eth0 203.0.113.7, eth0 2001:db8::7", CheckState.WARN),
        ("nic listen all\nnic ignore eth0", "eth0 203.0.113.7", CheckState.FAIL),
        ("nic ignore eth0\nnic listen all", "eth0 203.0.113.7", None),
        ("interface listen wildcard", "", CheckState.FAIL),
        ("interface listen lo", "", CheckState.FAIL),
        ("interface listen 192.168.1.1", "", CheckState.WARN),
        ("interface listen ipv6", "", None),
        ("interface listen all\ninterface ignore 203.0.113.7", "", None),
        ("interface ignore all\ninterface listen eth0", "", None),
        ("interface listen eth0\ninterface ignore all", "", CheckState.FAIL),
    ],
)
def test_where_it_will_listen(rules: str, places: str, state: Optional[CheckState]) -> None:
    known = [tuple(place.split()) for place in places.split(", ") if place]
    found = list(listens(ntpconf.directives("/x", rules), [(name, address) for name, address in known]))
    assert [check.state for check in found] == ([state] if state else [])


def test_on_its_own_host_the_list_of_leap_seconds_is_judged() -> None:
    row = ROWS[0]
    good = Leapfile("/l", "", None, valid=True, expires="2030-01-01", days=900)
    here = Here(row, (), {"": good, "/l": good})
    assert [one for one in linted("", NTPSEC, here) if "leapfile" in one] == ["- leapfile warn"]
    assert [one for one in linted("leapfile /l\n", NTPSEC, here) if "leapfile" in one] == ["1 leapfile warn"]
    assert [one for one in linted("leapfile /l\n") if "leapfile" in one] == []
