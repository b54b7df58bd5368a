"""What strangers may ask: the lines of the daemon's files and the live tests, put together so that one fault is one alarm."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ntpjoin.board import Counters, SystemVars
from ntpjoin.checks.evidence import Evidence
from ntpjoin.checks.limiter import too_tight
from ntpjoin.checks.lint.language import Dialect
from ntpjoin.checks.lint.lint import lint
from ntpjoin.checks.verify import judge
from ntpjoin.facts import Facts, FileFact
from ntpjoin.host import ntpconf
from ntpjoin.host.distros import ROWS
from ntpjoin.look.texts import Texts
from ntpjoin.model import Asked, Check, CheckState, Wish
from ntpjoin.provision.render import ntp_conf
from ntpjoin.systems import Engine
from ntpjoin.wire.talk import Manner, Talk
from tests.judged import GOOD, LEADS, OUTSIDE, judged
from tests.sample import OWN4, OWN6, PINS, ROW, SYSTEM_VARS, WISH, answered, changed, converged

OWN = "/etc/ntpsec/ntp.d/mine.conf"
RESTART = f"systemctl restart {ROW.unit}"
CLASSIC = next(row for row in ROWS if row.name == "debian-11")


def own(text: str, **parts: Any) -> Facts:
    """A converged host with lines of the operator's own."""
    facts: Facts = converged(directives=ntpconf.directives(OWN, text), **parts)
    return facts


def mine(text: str, engine: Engine = "ntpsec", **changes: Any) -> Facts:
    """A host whose whole configuration is the operator's own; of either engine."""
    row = replace(ROW, engine=engine)
    config = replace(FileFact(text.encode(), 0o644, "root:root"), **changes)
    facts: Facts = converged(system__row=row, journal__written={}, files={**converged().files, ROW.config: config})
    return facts


def told(facts: Facts, id: str, evidence: Evidence = GOOD) -> list[Check]:  # noqa: A002
    return [check for check in judge(facts, WISH, PINS, evidence) if check.id == id]


GOOD_LINES = {
    "ntpsec": "restrict default kod limited nomodify noquery\nrestrict 127.0.0.1\n",
    "classic": "restrict default kod limited nomodify nopeer noquery notrap\nrestrict source noquery\nrestrict 127.0.0.1\n",
}


# --- the default of each family


@pytest.mark.parametrize(
    ("lines", "faults"),
    [
        ("", []),
        ("unrestrict default noquery", [("access.noquery", "fail")]),
        ("unrestrict -6 default noquery", [("access.noquery", "fail")]),
        ("unrestrict default nomodify", [("access.nomodify", "warn")]),
        ("unrestrict default nomodify\nunrestrict default noquery", [("access.noquery", "fail"), ("access.nomodify", "fail")]),
        ("unrestrict default nomodify\nunrestrict -6 default noquery", [("access.noquery", "fail"), ("access.nomodify", "fail")]),
        (
            "unrestrict -4 default nomodify\nunrestrict -6 default nomodify\nunrestrict -6 default noquery",
            [("access.noquery", "fail"), ("access.nomodify", "fail"), ("access.nomodify", "warn")],
        ),
        ("unrestrict default limited", [("access.limited", "warn")]),
        ("unrestrict default kod", [("access.limited", "warn")]),
        ("unrestrict -4 default limited kod", [("access.limited", "warn")]),
        ("restrict default ignore", [("access.serve", "fail")]),
        ("restrict -6 default noserve", [("access.serve", "fail")]),
        ("restrict default notrust", [("access.serve", "fail")]),
        ("restrict default version", [("access.serve", "fail")]),
        ("restrict default flake", [("access.serve", "fail")]),
        ("restrict default ntpport ignore", []),
        ("restrict default", []),
        # One line, one alarm: the one that hurts most.
        ("unrestrict default noquery nomodify limited", [("access.noquery", "fail")]),
        ("unrestrict default nomodify\nunrestrict default limited", [("access.nomodify", "warn"), ("access.limited", "warn")]),
    ],
)  # fmt: skip
def test_one_line_one_alarm(lines: str, faults: list[tuple[str, str]]) -> None:
    assert judged(own(lines)) == [*faults, OUTSIDE]


def test_the_families_and_the_lines_are_named_and_what_to_take_out() -> None:
    [check] = told(own("# mine\nunrestrict -6 default noquery"), "access.noquery")
    assert check.text == f"strangers may ask management queries, over IPv6: {OWN}:2: unrestrict -6 default noquery"
    assert check.remedy == f"take line 2 out of {OWN}, then: {RESTART}"
    [check] = told(own("unrestrict default nomodify"), "access.nomodify")
    what = "`nomodify` is missing in the default; only `noquery` keeps strangers from changing settings"
    assert check.text == f"{what}, over IPv4 and IPv6: {OWN}:1: unrestrict default nomodify"
    [check] = told(own("unrestrict -4 default limited\nunrestrict -6 default kod"), "access.limited")
    assert check.remedy == f"take lines 1, 2 out of {OWN}, then: {RESTART}"


@pytest.mark.parametrize(
    ("engine", "lines", "faults"),
    [
        ("ntpsec", GOOD_LINES["ntpsec"], []),
        ("classic", GOOD_LINES["classic"], []),
        # What NTPsec starts with refuses queries and limits; classic ntpd starts with nothing.
        ("ntpsec", "restrict 127.0.0.1", [("access.nomodify", "warn")]),
        ("classic", "restrict default noquery", [("access.nomodify", "warn")]),
        ("classic", "restrict 127.0.0.1", [("access.noquery", "fail")]),
        ("ntpsec", "restrict default nomodify kod", []),
        ("classic", "restrict default nomodify notrap nopeer noquery", [("access.limited", "warn")]),
        ("classic", "restrict default kod nomodify noquery", [("access.limited", "warn")]),
        ("classic", "restrict default limited nomodify noquery", [("access.limited", "warn")]),
        ("classic", "restrict -4 default kod limited nomodify noquery", [("access.noquery", "fail")]),
        ("classic", f"{GOOD_LINES['classic']}restrict 10.0.0.0/8", []),
        ("classic", f"{GOOD_LINES['classic']}unrestrict default noquery", []),
    ],
)
def test_the_engines_begin_with_and_understand_different_things(
    engine: Engine, lines: str, faults: list[tuple[str, str]]
) -> None:
    found = [one for one in judged(mine(lines, engine)) if one[0].startswith("access.")]
    assert found == faults


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_what_we_write_is_good_on_every_system(row: Any) -> None:
    content = ntp_conf(row, PINS, leapfile=True)
    config = FileFact(content.encode(), 0o644, "root:root", ours=True)
    facts = converged(
        system__row=row,
        daemon__config=row.config,
        daemon__pid=812,
        units={row.unit: replace(converged().unit(ROW.unit), name=row.unit)},
        files={**{setting.path: None for setting in row.dhcp}, row.config: config},
        journal__written={row.config: (content,)},
    )
    assert [one for one in judged(facts) if not one[0].startswith(("service.", "leapfile"))] == [OUTSIDE]


@pytest.mark.parametrize(
    ("changes", "remedy"),
    [({"stock": True}, "ntpjoin setup"), ({}, "ntpjoin setup --replace"), ({"ours": True}, "ntpjoin setup")],
)
def test_lines_of_the_whole_file_go_with_it(changes: dict[str, bool], remedy: str) -> None:
    [check] = told(mine("restrict default nomodify\n", "classic", **changes), "access.noquery")
    assert check.remedy.rpartition(": ")[2] == remedy
    # A line of the operator's own that adds a flag is not to blame for another one that is missing.
    beside = replace(
        mine("restrict default nomodify\n", "classic", **changes), directives=own("restrict default kod").directives
    )
    assert told(beside, "access.noquery")[0].remedy.rpartition(": ")[2] == remedy
    [check] = told(mine("", "classic", **changes), "access.noquery")
    assert check.text.endswith("no `restrict default` says otherwise")
    unseen = changed(mine("", "classic", **changes), journal__unseen=True)
    assert told(unseen, "access.noquery")[0].remedy == "ntpjoin setup"


# --- live tests prove, lines explain


def live(**changes: Any) -> Evidence:
    return replace(GOOD, **changes)


SILENT4 = {OWN4: Asked(OWN4, problem="no answer within 5 s"), **answered(OWN6)}
SILENT = {one: Asked(one, problem="no answer within 5 s") for one in (OWN4, OWN6)}
OPEN = {OWN4: (6,), OWN6: (6, 7)}


@pytest.mark.parametrize(
    ("lines", "evidence", "faults"),
    [
        ("unrestrict default noquery", live(tells=OPEN), [("closed.ipv4", "fail"), ("closed.ipv6", "fail")]),
        ("unrestrict -6 default noquery", live(tells={OWN4: (), OWN6: (6,)}), [("closed.ipv6", "fail")]),
        # No IPv6 address here to try it with, but the same line opens both.
        ("unrestrict default noquery", live(tells={OWN4: (7,)}), [("closed.ipv4", "fail")]),
        # Another line opens the other family, which nothing has shown.
        (
            "unrestrict -4 default noquery\nunrestrict -6 default noquery",
            live(tells={OWN4: (7,)}),
            [("closed.ipv4", "fail"), ("access.noquery", "fail")],
        ),
        ("restrict default ignore", live(answers=SILENT), [("answers.ipv4", "fail"), ("answers.ipv6", "fail")]),
        ("restrict -4 default noserve", live(answers=SILENT4), [("answers.ipv4", "fail")]),
        ("unrestrict default noquery limited", live(tells=OPEN), [("closed.ipv4", "fail"), ("closed.ipv6", "fail")]),
    ],
)
def test_what_a_live_test_shows_is_not_told_again(
    lines: str, evidence: Evidence, faults: list[tuple[str, str]]
) -> None:
    facts = own(lines)
    assert judged(facts, evidence) == [*faults, OUTSIDE]
    for check in judge(facts, WISH, PINS, evidence):
        if check.state is CheckState.FAIL:
            assert f"{OWN}:1" in check.text or f"{OWN}:2" in check.text
            assert check.remedy.startswith("take line ")


def test_a_daemon_that_has_not_read_its_lines_is_to_be_restarted() -> None:
    evidence = live(tells={OWN4: (6,), OWN6: ()})
    [check] = told(converged(), "closed.ipv4", evidence)
    assert "ntpd has not read them" in check.text
    assert check.remedy == RESTART
    assert judged(converged(), evidence) == [("closed.ipv4", "fail"), OUTSIDE]


def test_an_address_that_may_ask_itself_proves_nothing_of_strangers() -> None:
    facts = own(f"restrict {OWN4}\n")
    evidence = live(tells={OWN4: (6,), OWN6: ()})
    assert judged(facts, evidence) == [("closed.ipv4", "unknown"), OUTSIDE]
    [check] = told(facts, "closed.ipv4", evidence)
    assert check.remedy == f"on another machine: ntpjoin probe {OWN4} --mine --allow-private"


def test_behind_nat_strangers_ask_the_public_address() -> None:
    facts = own("restrict 10.0.0.0 mask 255.0.0.0 nomodify\n", addresses=("10.0.0.7",))
    wish = replace(WISH, public_addresses=("9.9.9.9",))
    evidence = Evidence(answered("10.0.0.7"), {"10.0.0.7": (6,)}, LEADS)
    [check] = [one for one in judge(facts, wish, PINS, evidence) if one.id == "closed.ipv4"]
    assert (check.state, check.remedy) == (
        CheckState.UNKNOWN,
        "on another machine: ntpjoin probe 9.9.9.9 --mine",
    )


def test_where_the_lines_are_not_known_the_live_test_stands_alone() -> None:
    elsewhere = converged(daemon__config="/run/ntp.conf.dhcp")
    evidence = live(tells={OWN4: (6,), OWN6: ()}, answers=SILENT4)
    assert judged(elsewhere, evidence) == [
        ("service.config", "fail"),
        ("answers.ipv4", "fail"),
        ("closed.ipv4", "fail"),
        OUTSIDE,
    ]


# --- a kiss-o'-death to our own query


def kissed(code: bytes) -> Asked:
    """As the wire tells of it."""
    talk = Talk(OWN4, Manner(1, 1, 2.0, 3.0), 0, 0)
    question = talk.act(0)
    talk.hear(bytes([0xE4, 0, 4, 0]) + bytes(8) + code + bytes(8) + question[40:48] + bytes(16), 1000)
    assert talk.result is not None
    return talk.result


TIGHT = "restrict 127.0.0.1\nlimit average 0.05\n"


@pytest.mark.parametrize(
    ("code", "lines", "words", "remedy"),
    [
        (b"RATE", TIGHT, f"the limiter is too tight: {OWN}:2: limit average 0.05", "take line 2 out"),
        (b"RATE", "", "the limiter is too tight", "wait a minute"),
        (b"DENY", "", "denies clients the time (kiss-o'-death DENY): a restrict line does", "look at"),
        (
            b"RSTR",
            "restrict default notrust",
            f"a restrict line does: {OWN}:1: restrict default notrust",
            "take line 1",
        ),
    ],
)
def test_a_kiss_is_told_in_its_own_words(code: bytes, lines: str, words: str, remedy: str) -> None:
    evidence = live(answers={OWN4: kissed(code), **answered(OWN6)})
    facts = own(lines)
    assert judged(facts, evidence) == [("answers.ipv4", "fail"), OUTSIDE]
    [check] = told(facts, "answers.ipv4", evidence)
    assert words in check.text
    assert check.remedy.startswith(remedy)


# --- the limiter


@pytest.mark.parametrize(
    ("engine", "line", "refused"),
    [
        # What NTPsec 1.2.2 and classic 4.2.8p15 did with three packets 2 s apart.
        ("ntpsec", "limit average 0.14", False),
        ("ntpsec", "limit average 0.13", True),
        ("ntpsec", "limit average 0.05 burst 20", True),
        ("ntpsec", "limit burst 1", True),
        ("ntpsec", "limit burst 1.2", True),
        ("ntpsec", "limit burst 1.4", False),
        ("ntpsec", "limit burst 2", False),
        ("ntpsec", "limit burst 0", True),
        ("ntpsec", "limit average 0.5 burst 5 kod 0.2", False),
        ("ntpsec", "limit average 0.3 burst 5", True),
        ("ntpsec", "limit average 0.25 burst 10", False),
        ("ntpsec", "limit average 0.2 burst 10", True),
        ("classic", "discard minimum 3", False),
        ("classic", "discard minimum 4", True),
        ("classic", "discard minimum 0", False),
        ("classic", "discard average 3 minimum 1", False),
        ("classic", "discard average 0", False),
        # A bucket that leaks too slowly is full only after some checks.
        ("classic", "discard average 7", False),
        ("classic", "discard average 8", True),
        # What the engine does not know, or not take.
        ("ntpsec", "discard minimum 9", False),
        ("classic", "limit average 0.05", False),
        ("classic", "discard average 0.5", False),
        ("classic", "discard average 256", False),
        ("ntpsec", "limit average nan", False),
        ("ntpsec", "limit average", False),
        ("ntpsec", "limit kod 0", False),
        # Numbers as the scanner takes them: NTPsec adds eras of GPS, and an `e` with nothing behind it is no exponent.
        ("ntpsec", "limit burst 5g", False),
        ("ntpsec", "limit average .05 average 5g", False),
        ("ntpsec", "limit average .05e", True),
        ("ntpsec", "limit average 0.05e+ kod 1G", True),
        ("ntpsec", "limit average -1e400", True),
        ("ntpsec", "limit average .05 average 1e400", False),
        ("ntpsec", "limit burst -", True),
        ("ntpsec", "limit average 0_1", False),
        ("classic", "discard minimum 5g", False),
        ("classic", "discard minimum 5e", False),
        ("classic", "discard minimum +5", False),
        ("classic", "discard minimum 0_5", False),
        ("classic", "discard minimum 005", True),
        ("classic", "discard minimum 300", True),
        ("classic", "discard minimum 4294967301", True),
        ("classic", "discard minimum 3000000000", False),
        # What is no number loses the line, a word that is not known only what stands behind it.
        ("ntpsec", "limit average 0.05 burst x", False),
        ("ntpsec", "limit average 0.05 burst", False),
        ("ntpsec", "limit average 0.05 bogus 1 burst 20", True),
        ("ntpsec", "limit bogus 1 average 0.05", False),
        ("classic", "discard minimum 5 average 2.5", False),
    ],
)
def test_a_limiter_that_refuses_the_pools_monitors_is_told(engine: Engine, line: str, refused: bool) -> None:
    facts = mine(f"{GOOD_LINES[engine]}{line}\n", engine)
    found = [one for one in judged(facts) if one[0].startswith("access.")]
    assert found == [("access.serve", "warn")] * refused
    assert bool(too_tight(engine, ntpconf.directives("/x", line))) is refused
    linted = lint(Texts("/x", {"/x": f"{GOOD_LINES[engine]}{line}\n"}, {}), Dialect(engine))
    assert [check.id for check in linted if check.id == "access.serve"] == ["access.serve"] * refused


def test_the_last_value_counts_and_the_lines_are_named() -> None:
    assert judged(own("limit average 0.05\nlimit average 1\n")) == [OUTSIDE]
    [check] = told(own("limit burst 10\nlimit average 0.2\n"), "access.serve")
    assert check.remedy == f"take lines 1, 2 out of {OWN}, then: {RESTART}"


def test_what_a_tight_limiter_refuses_is_not_counted_as_well() -> None:
    counted = {"daemon__board__counters": Counters(received=2000, limited=500)}
    assert judged(own("limit average 0.05\n", **counted)) == [("access.serve", "warn"), OUTSIDE]
    assert judged(own("", **counted)) == [("load.limited", "warn"), OUTSIDE]


def test_a_limiter_that_is_off_refuses_nobody() -> None:
    assert judged(own("unrestrict default limited\nlimit average 0.05\n")) == [("access.limited", "warn"), OUTSIDE]


# --- servers that are never drawn


@pytest.mark.parametrize(
    ("engine", "lines", "warns"),
    [
        ("classic", "restrict default kod limited nomodify nopeer noquery\npool ntp.example.net\n", True),
        ("classic", "restrict default kod limited nomodify nopeer noquery\nrestrict source noquery\npool ntp.example.net\n", False),
        ("classic", "restrict default kod limited nomodify noquery\npool ntp.example.net\n", False),
        ("classic", "restrict default kod limited nomodify nopeer noquery\nserver ntp.example.net\n", False),
        ("ntpsec", "restrict default kod limited nomodify nopeer noquery\npool ntp.example.net\n", False),
        # That it is the pool's own name is told already, and the same line goes.
        ("classic", "restrict default kod limited nomodify nopeer noquery\npool 0.pool.ntp.org\n", False),
    ],
)  # fmt: skip
def test_nopeer_keeps_classic_ntpd_from_its_pool(engine: Engine, lines: str, warns: bool) -> None:
    assert [check.state.value for check in told(mine(lines, engine), "access.serve")] == ["warn" if warns else "ok"]


# --- who else may ask


@pytest.mark.parametrize(
    ("lines", "warns"),
    [
        ("restrict 198.51.100.7", 1),
        ("restrict 198.51.100.7 nomodify", 1),
        ("restrict 198.51.100.7 noquery", 0),
        ("restrict 198.51.100.0/24 ignore", 0),
        ("restrict 198.51.100.0 mask 255.255.255.0", 1),
        ("restrict 2001:db8:7::/48 nomodify", 1),
        ("restrict 10.0.0.0/8 nomodify", 0),
        ("restrict 10.1.2.3", 1),
        ("restrict 10.0.0.0/8 kod", 1),
        ("restrict fd00::/8 nomodify notrap", 0),
        ("restrict 8.0.0.0/5 nomodify", 1),
        ("restrict 127.0.0.0/8", 0),
        ("restrict 127.0.0.1 nomodify", 0),
        ("restrict ::1", 0),
        (f"restrict {OWN4}", 0),
        ("restrict admin.example.net", 1),
        ("restrict admin.example.net noquery", 0),
        ("restrict source nomodify", 0),  # NTPsec makes an exception only for whom it could not hear otherwise
        ("restrict source nomodify\nrestrict source noquery", 0),
        ("restrict 198.51.100.7\nunrestrict 198.51.100.7", 0),
        ("restrict 198.51.100.7\nrestrict 198.51.100.7 noquery", 0),
        ("restrict 198.51.100.7 ntpport", 0),
        ("restrict 198.51.100.7\nrestrict 198.51.100.8", 2),
    ],
)
def test_a_line_that_opens_the_daemon_to_somebody_is_told(lines: str, warns: int) -> None:
    assert judged(own(lines)) == [("access.open", "warn")] * warns + [OUTSIDE]


def test_what_took_the_flag_away_from_a_line_goes_alone() -> None:
    """Behind `unrestrict` the flag would be taken away once more."""
    lines = "restrict 198.51.100.7 noquery nomodify\nunrestrict 198.51.100.7 noquery\n"
    [check] = told(own(lines), "access.open")
    assert check.remedy == f"take line 2 out of {OWN}, then: {RESTART}"
    assert told(own(lines.partition("unrestrict")[0]), "access.open") == []


def test_a_bare_line_is_explained() -> None:
    [check] = told(own("restrict 198.51.100.7"), "access.open")
    assert check.text == (
        f"198.51.100.7/32 may ask management queries, and change settings with a key: {OWN}:1: restrict 198.51.100.7; "
        "a line without flags allows everything"
    )
    assert check.remedy == f"take line 1 of {OWN} out, or write `noquery` behind it, then: {RESTART}"
    [check] = told(own("restrict 198.51.100.7 nomodify"), "access.open")
    assert "with a key" not in check.text
    assert "flags" not in check.text


# --- leap seconds


def smearing(interval_s: float, **parts: Any) -> Facts:
    system: SystemVars = replace(SYSTEM_VARS, smear_interval_s=interval_s)
    facts: Facts = converged(daemon__board__system=system, **parts)
    return facts


@pytest.mark.parametrize(
    ("facts", "fails"),
    [
        (own("leapsmearinterval 86400"), True),
        (own("leapsmearinterval 0"), False),
        (own("leapsmearinterval 86400\nleapsmearinterval 0"), False),
        (own("leapsmearinterval"), False),
        (own("leapsmearinterval x"), False),
        (smearing(0.0), False),
        (smearing(1.0), True),
        (smearing(86400.0, daemon__config="/run/x"), True),
    ],
)
def test_a_daemon_that_smears_fails(facts: Facts, fails: bool) -> None:
    found = [one for one in judged(facts) if one[0] != "service.config"]
    assert found == [("config.smear", "fail")] * fails + [OUTSIDE]


def test_the_line_goes_or_what_was_said_at_run_time() -> None:
    assert told(own("leapsmearinterval 9"), "config.smear")[0].remedy == f"take line 1 out of {OWN}, then: {RESTART}"
    assert told(smearing(9.0), "config.smear")[0].remedy == RESTART


def test_what_the_daemon_complains_of_there_is_told_once() -> None:
    said = ("line 1 column 0 Built without LEAP_SMEAR support.", "config_vars(): unexpected token 326")
    assert judged(own("leapsmearinterval 9"), live(complaints=said)) == [("config.smear", "fail"), OUTSIDE]
    assert judged(own(""), live(complaints=said)) == [("service.log", "warn")] * 2 + [OUTSIDE]


# --- what is not known


def config(**changes: Any) -> dict[str, Any]:
    there = converged().files[ROW.config]
    assert there is not None
    return {"files": {**converged().files, ROW.config: replace(there, **changes)}}


@pytest.mark.parametrize(
    ("facts", "words", "remedy"),
    [
        (converged(**config(unseen=True, content=b"", ours=False)), f"{ROW.config} may not be read", "sudo ntpjoin verify"),
        (converged(unread=(OWN,)), f"{OWN} may not be read", "sudo ntpjoin verify"),
        (own("includefile /etc/more.conf"), f"{OWN}:1: includefile /etc/more.conf", f"move such lines to {ROW.include}"),
    ],
)  # fmt: skip
def test_lines_that_cannot_be_seen_are_unknown_once(facts: Facts, words: str, remedy: str) -> None:
    assert judged(facts) == [("config.lines", "unknown"), OUTSIDE]
    [check] = told(facts, "config.lines")
    assert words in check.text
    assert check.remedy == remedy


def test_a_file_that_is_no_plain_file_or_is_gone() -> None:
    link = changed(mine("", plain=False))
    assert told(link, "config.lines")[0].text.endswith(f"{ROW.config} is not a plain file")
    gone = converged(files={**converged().files, ROW.config: None}, journal__written={})
    assert told(gone, "config.lines")[0].remedy == "ntpjoin setup"
    # Where it was written, that it is gone is told of the file.
    assert judged(converged(files={**converged().files, ROW.config: None})) == [("service.file", "warn"), OUTSIDE]


def test_of_a_file_that_the_daemon_does_not_read_nothing_is_said() -> None:
    """That it reads another one is the fault, and the daemon that reads ours again is judged then."""
    for facts in (own("restrict default ignore", daemon__config="/run/x"), own("restrict default ignore", daemon=None)):
        checks = judge(facts, Wish(), (), Evidence({}, {}, LEADS))
        assert not any(check.id.startswith(("access.", "config.", "upstreams.pool")) for check in checks)


def test_classic_ntpd_reads_the_operators_file_where_it_is_named() -> None:
    text = "restrict default kod limited nomodify noquery\n"
    files = {CLASSIC.config: FileFact(text.encode(), 0o644, "root:root")}
    parts: dict[str, Any] = {
        "system__row": CLASSIC,
        "daemon__config": CLASSIC.config,
        "directives": ntpconf.directives(CLASSIC.include, "restrict default ignore\n"),
    }
    assert told(converged(files=files, **parts), "access.serve")[0].state is CheckState.OK
    files = {CLASSIC.config: FileFact(f"{text}includefile {CLASSIC.include}\n".encode(), 0o644, "root:root")}
    assert told(converged(files=files, **parts), "access.serve")[0].state is CheckState.FAIL
