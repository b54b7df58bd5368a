"""Where the daemon hears nobody: what its sources answer to another program tells why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ntpjoin.checks.unheard import silent, told
from ntpjoin.checks.verify import judge
from ntpjoin.facts import Facts
from ntpjoin.model import Asked, Check
from tests.judged import GOOD
from tests.sample import BOARD, PINS, WISH, answered, changed, converged

NOBODY: Facts = converged(daemon__board__peers=tuple(replace(one, reach=0, tally=" ") for one in BOARD.peers))
SOURCES = silent(NOBODY)
FILTERED = "what comes from UDP 123 is kept back"


def kissed(code: str) -> list[Asked]:
    return [Asked(one, problem=f"kiss-o'-death {code}", sent=1) for one in SOURCES]


def unsynchronised() -> list[Asked]:
    return [replace(one, sample=replace(one.sample, leap=3)) for one in answered(*SOURCES).values() if one.sample]


def peer(asked: list[Asked]) -> Check:
    evidence = replace(GOOD, unheard={one.address: one for one in asked})
    return next(check for check in judge(NOBODY, WISH, PINS, evidence) if check.id == "sync.peer")


def test_they_are_asked_only_where_none_is_heard_though_there_was_time() -> None:
    assert list(SOURCES) == [one.address for one in BOARD.sources]
    assert silent(converged()) == ()
    assert silent(changed(NOBODY, daemon__age_s=19.0)) == ()
    assert silent(replace(NOBODY, daemon=None)) == ()


@pytest.mark.parametrize(
    ("asked", "words", "remedy"),
    [
        ([], "0 of 5 sources answer", "is UDP 123 let out"),
        ([Asked(one, problem="no answer", sent=1) for one in SOURCES], "0 of 5 sources answer", "is UDP 123 let out"),
        (kissed("DENY"), "5: it denies this host the time (kiss-o'-death DENY)", "ntpjoin setup --survey"),
        (kissed("XYZW"), "5: it sends this host away (kiss-o'-death XYZW)", "ntpjoin setup --survey"),
        (unsynchronised(), "5: it is not synchronised itself", "ntpjoin setup --survey"),
        (list(answered(*SOURCES).values()), "5: it answers", FILTERED),
        (
            [*kissed("DENY")[:2], *list(answered(*SOURCES).values())[2:]],
            "3: it answers; 2: it denies this host the time",
            FILTERED,
        ),
    ],
)
def test_what_they_say_to_others_is_the_reason(asked: list[Asked], words: str, remedy: str) -> None:
    check = peer(asked)
    assert words in check.text
    assert check.remedy.startswith(remedy)
    assert ("asked by another program" in check.text) is bool(told(asked)[0])
