"""What to type where the configuration is the operator's own: lines and file are named, and it mends what was found."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ntpjoin.board import Billboard
from ntpjoin.checks.access import DEAF_TO_QUERIES, LOOPBACK, Access
from ntpjoin.checks.advice import wanting
from ntpjoin.checks.lines import lines
from ntpjoin.checks.verify import judge
from ntpjoin.facts import Facts, FileFact
from ntpjoin.host import ntpconf
from ntpjoin.model import Check, CheckState
from ntpjoin.systems import Engine
from tests.hostile import SETTINGS
from tests.judged import GOOD
from tests.sample import PINS, ROW, WISH, changed, converged, peer

MAIN, OWN = ROW.config, ROW.include
RESTART = f"systemctl restart {ROW.unit}"
OR_OURS = "or, to have ntpjoin's configuration: ntpjoin setup --replace"
ENDS = f", then: {RESTART}; {OR_OURS}"
WORLD = "restrict default kod limited nomodify noquery"
LOOP = "restrict 127.0.0.1\nrestrict ::1\n"
NAMES = "lines `server NAME iburst` (`ntpjoin upstreams survey` finds names)"

Files = dict[str, list[str]]


def files(main: str, own: str = "") -> Files:
    return {MAIN: main.splitlines(), OWN: own.splitlines()}


def host(texts: Files, engine: Engine = "ntpsec") -> Facts:
    """A host whose configuration is the operator's own, of either engine."""
    config = FileFact("\n".join(texts[MAIN]).encode(), 0o644, "root:root")
    facts: Facts = converged(
        system__row=replace(ROW, engine=engine),
        journal__written={},
        files={**converged().files, MAIN: config},
        directives=ntpconf.directives(OWN, "\n".join(texts[OWN])),
    )
    return facts


def faults(facts: Facts) -> list[Check]:
    """What the lines are to blame for, strangers and this host itself: not who was let on purpose."""
    found = judge(facts, WISH, PINS, GOOD)
    ids = ("access.serve", "access.noquery", "access.nomodify", "access.limited")
    return [check for check in found if check.id in ids and check.state is not CheckState.OK]


def told(facts: Facts, id: str) -> Check:  # noqa: A002
    [found] = [check for check in judge(facts, WISH, PINS, GOOD) if check.id == id]
    return found


def type_in(remedy: str, texts: Files) -> Files:
    """The files when somebody has done what the remedy says of lines."""
    deeds, _, _ = remedy.partition(", then: ")
    typed = {path: list(text) for path, text in texts.items()}
    taken = re.findall(r"lines? ([0-9, ]+) out of (\S+)", deeds)
    written = re.search(r"write (`.*`) into (\S+)", deeds)
    above = re.search(r"write `(.*)` above line (\d+) of (\S+)", deeds)
    assert taken or written or above, remedy
    if above:
        typed[above[3]].insert(int(above[2]) - 1, above[1])
    for numbers, path in taken:
        for number in numbers.split(", "):
            typed[path][int(number) - 1] = ""
    if written:
        typed[written[2]] += re.findall("`(.*?)`", written[1])
    return typed


LINES = st.lists(
    st.sampled_from(
        [
            "",
            WORLD,
            "restrict default",
            "restrict default ignore",
            "restrict default noserve noquery",
            "restrict default nomodify notrap nopeer noquery",
            "restrict -4 default kod limited nomodify noquery",
            "restrict -6 default notrust",
            "restrict 127.0.0.1",
            "restrict ::1",
            "restrict 127.0.0.0 mask 255.0.0.0",
            "restrict source nomodify noquery",
            "restrict 192.0.2.0 mask 255.255.255.0 nomodify",
            "unrestrict default noquery",
            "unrestrict -6 default nomodify kod",
            "unrestrict 127.0.0.1",
            "pool time.example.net iburst",
            "server 192.0.2.77 iburst",
        ]
    ),
    max_size=5,
)
ENGINES: st.SearchStrategy[Engine] = st.sampled_from(["ntpsec", "classic"])


@SETTINGS
@given(LINES, LINES, ENGINES)
def test_what_is_to_be_typed_mends_it(main: list[str], own: list[str], engine: Engine) -> None:
    texts: Files = {MAIN: main, OWN: own}
    before = faults(host(texts, engine))
    while before:
        check, silent = before[0], deaf(texts, engine)
        texts = type_in(check.remedy, texts)
        after = faults(host(texts, engine))
        assert (check.id, check.text) not in {(one.id, one.text) for one in after}
        assert {one.id for one in after} <= {one.id for one in before}, "no other fault comes of it"
        assert len(after) < len(before) or after[0].lines != check.lines
        assert silent or not deaf(texts, engine), "this host may still ask"
        before = after


def deaf(texts: Files, engine: Engine) -> bool:
    access = Access(engine, lines(host(texts, engine), ROW))
    return any(access.of(one).flags & DEAF_TO_QUERIES for one in LOOPBACK)


@SETTINGS
@given(LINES, st.sampled_from(["", "restrict 127.0.0.1 noquery", "restrict localhost ignore"]), ENGINES)
def test_this_host_may_ask_again(main: list[str], own: str, engine: Engine) -> None:
    texts: Files = {MAIN: [*main, own], OWN: []}
    if deaf(texts, engine):
        check = told(changed(host(texts, engine), daemon__board=Billboard()), "sync.peer")
        assert check.text.startswith("ntpd may not tell this host of itself")
        typed = type_in(check.remedy, texts)
        assert not deaf(typed, engine)
        assert not {one.id for one in faults(host(typed, engine))} & {"access.noquery", "access.nomodify"}


def test_the_line_that_keeps_strangers_out_stays() -> None:
    found = told(changed(host(files(f"{WORLD}\nrestrict ::1 noquery")), daemon__board=Billboard()), "sync.peer")
    assert found.remedy == f"take line 2 out of {MAIN} and write `restrict 127.0.0.1`, `restrict ::1` into {OWN}{ENDS}"


# --- in words


@pytest.mark.parametrize(
    ("engine", "main", "id", "remedy"),
    [
        ("ntpsec", LOOP, "access.nomodify", f"write `{WORLD}` into {OWN}{ENDS}"),
        ("ntpsec", "", "access.nomodify", f"write `{WORLD}`, `restrict 127.0.0.1`, `restrict ::1` into {OWN}{ENDS}"),
        ("ntpsec", f"{WORLD}\n{LOOP}restrict default ignore", "access.serve", f"take line 4 out of {MAIN}{ENDS}"),
        (
            "ntpsec",
            f"restrict default ignore\n{LOOP}",
            "access.serve",
            f"take line 1 out of {MAIN} and write `{WORLD}` into {OWN}{ENDS}",
        ),
        # A second line for an address adds up with the first: it would let nobody ask.
        (
            "ntpsec",
            "restrict default ignore\nrestrict 127.0.0.1\nrestrict ::1 ignore\n",
            "access.serve",
            f"take line 1 out of {MAIN} and write `{WORLD}` into {OWN}{ENDS}",
        ),
        (
            "ntpsec",
            f"{WORLD}\n{LOOP}unrestrict default limited",
            "access.limited",
            f"take line 4 out of {MAIN}{ENDS}",
        ),
        (
            "classic",
            f"restrict default nomodify nopeer notrap noquery\n{LOOP}",
            "access.limited",
            (
                "write `restrict -4 default kod limited nomodify nopeer noquery notrap`, "
                "`restrict -6 default kod limited nomodify nopeer noquery notrap`, "
                f"`restrict source nomodify noquery notrap` into {OWN}{ENDS}"
            ),
        ),
        (
            "classic",
            f"restrict default kod limited nomodify nopeer noquery\n{LOOP}pool time.example.net\n",
            "access.serve",
            f"write `restrict source nomodify noquery notrap` above line 4 of {MAIN}{ENDS}",
        ),
        (
            "ntpsec",
            f"{WORLD}\n{LOOP}restrict 198.51.100.7\n",
            "access.open",
            f"take line 4 of {MAIN} out, or write `noquery` behind it{ENDS}",
        ),
        ("ntpsec", f"{WORLD}\n{LOOP}leapsmearinterval 9\n", "config.smear", f"take line 4 out of {MAIN}{ENDS}"),
        ("ntpsec", f"{WORLD}\n{LOOP}disable ntp\n", "sync.offset", f"take line 4 out of {MAIN}{ENDS}"),
        (
            "ntpsec",
            f"{WORLD}\n{LOOP}server 192.0.2.77 burst\n",
            "upstreams.manners",
            f"take `burst` out of line 4 of {MAIN}{ENDS}",
        ),
    ],
)
def test_lines_and_file_are_named(engine: Engine, main: str, id: str, remedy: str) -> None:  # noqa: A002
    assert told(host(files(main), engine), id).remedy == remedy


def test_ours_is_no_way_out_where_a_line_of_another_file_is_to_blame() -> None:
    facts = host(files(f"{WORLD}\n{LOOP}", "# mine\nunrestrict default noquery\n"))
    assert told(facts, "access.noquery").remedy == f"take line 2 out of {OWN}, then: {RESTART}"


def test_sources_are_to_be_named_where_they_are_too_few() -> None:
    few: Facts = changed(host(files(f"{WORLD}\n{LOOP}")), daemon__board__peers=(peer(1), peer(2)))
    [check] = [check for check in judge(few, WISH, (), GOOD) if check.id == "upstreams.count"]
    assert check.remedy == f"write 2 to 5 {NAMES} into {OWN}{ENDS}"
    few = changed(few, daemon__board__system__peer_associd=0)
    nobody = changed(few, daemon__board__peers=())
    assert told(nobody, "sync.peer").remedy == f"write 4 to 7 {NAMES} into {OWN}{ENDS}"
    split = changed(few, daemon__board__peers=tuple(peer(number, tally="x") for number in range(1, 6)))
    others = f"name others in {MAIN}, which `ntpjoin upstreams survey` finds"
    assert told(split, "sync.peer").remedy == f"{others}{ENDS} --survey"
    more = changed(few, daemon__board__peers=(peer(1, tally="x"),), daemon__board__minsane=5)
    assert told(more, "sync.peer").remedy == f"write 4 to 6 {NAMES} into {OWN}{ENDS}"


def test_a_list_of_leap_seconds_is_named_by_a_line() -> None:
    facts = host(files(f"{WORLD}\n{LOOP}"))
    assert facts.surroundings.leapfile is not None
    unnamed = changed(facts, surroundings__leapfile__line="")
    assert told(unnamed, "leapfile").remedy == f"write `leapfile {ROW.leapfile}` into {OWN}{ENDS}"


def test_ours_and_the_packages_own_go_whole() -> None:
    text = f"{LOOP}server 192.0.2.77 minpoll 4\nleapsmearinterval 9\n"
    for parts in ({"ours": True}, {"stock": True}):
        config = FileFact(text.encode(), 0o644, "root:root", **parts)
        facts = converged(journal__written={}, files={**converged().files, MAIN: config})
        for id in ("access.nomodify", "upstreams.manners", "config.smear"):  # noqa: A001
            assert told(facts, id).remedy == "ntpjoin setup"


def test_nothing_is_wanting_beside_what_we_write() -> None:
    for engine in ("ntpsec", "classic"):
        written = wanting(engine, ())
        assert written
        assert wanting(engine, ntpconf.directives(MAIN, "\n".join(written))) == ()
