"""Statements that an engine parses, and then does not take as they are: by what their words mean. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Callable

from ntpjoin.checks.lint import whom
from ntpjoin.checks.lint.language import Dialect
from ntpjoin.checks.lint.numbers import whole
from ntpjoin.checks.lint.reading import Said, Statement
from ntpjoin.model import CheckState

WARN = CheckState.WARN


def judge(statement: Statement, dialect: Dialect) -> Iterator[Said]:
    """What is to be said of a statement that counts."""
    if statement.parsed.counts:
        yield from _ABOUT.get(statement.parsed.words[0], _nothing)(statement, dialect)


def _nothing(_statement: Statement, _dialect: Dialect) -> Iterator[Said]:
    yield from ()


#: The items of logconfig (ntp_config.c: logcfg_class and logcfg_class_items).
_KINDS = ("all", "info", "events", "status", "statistics")
_CLASSES = ("clock", "peer", "sync", "sys")
_LOGGED = frozenset(
    {*_KINDS, *(f"{one}{kind}" for one in _CLASSES for kind in _KINDS), *(f"all{one}" for one in (*_KINDS, *_CLASSES))}
)


def _logconfig(statement: Statement, _dialect: Dialect) -> Iterator[Said]:
    for item in statement.parsed.words[1:]:
        name = item[1:] if item[0] in "+-=" else item
        if name not in _LOGGED:
            text = f"`{item}` is nothing that can be logged: it is ignored"
            yield statement.says("config.value", WARN, text, "write one like =syncall or +sysevents, or take it out")


def _trustedkey(statement: Statement, _dialect: Dialect) -> Iterator[Said]:
    numbers = [one.token.number for one in statement.parsed.taken]
    words = statement.parsed.words
    for at, word in enumerate(words):
        if word == "..." and numbers[at - 1] > numbers[at + 1]:
            text = f"no key is from {words[at - 1]} to {words[at + 1]}"
            yield statement.says("config.value", WARN, text, "write the smaller one first")


def _tos(statement: Statement, _dialect: Dialect) -> Iterator[Said]:
    words = statement.parsed.words
    for word, value in zip(words, words[1:]):
        if word == "basedate" and not _is_date(value):
            text = f"`{value}` is no date after 1970: the day of the build counts, or that of the epoch"
            yield statement.says("config.value", WARN, text, "write YYYY-MM-DD")


def _is_date(text: str) -> bool:
    """Whether it is one, or days since 1900 that come to one."""
    if text.isdecimal():
        return int(text[:9]) > _DAYS_TO_1970
    parts = re.fullmatch(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})", text)
    return parts is not None and int(parts[1]) >= 1970 and 1 <= int(parts[2]) <= 12 and 1 <= int(parts[3]) <= 31


_DAYS_TO_1970 = 25567


def _pollskewlist(statement: Statement, _dialect: Dialect) -> Iterator[Said]:
    """Each element is a poll exponent, or `default`, and how many seconds earlier and later may be asked."""
    words = [word for word in statement.parsed.words[1:] if word != "|"]
    for poll, *skews in zip(words[::3], words[1::3], words[2::3]):
        lowest, highest = min(map(whole, skews)), max(map(whole, skews))
        exponent = 3 if poll == "default" else whole(poll)
        # For all intervals the shortest counts, up to the half of it.
        most = 1 << (exponent - 1) if 3 <= exponent <= 17 else 0
        why = "seconds are not negative" if lowest < 0 else ""
        if not most:
            why = "the poll exponent is 3 to 17"
        elif highest >= most + (poll == "default"):
            why = "it may shift by less than half the poll interval"
        if why:
            text = f"`{poll} {'|'.join(skews)}`: {why}"
            yield statement.says("config.value", WARN, text, "change it, or take it out")


#: Of these directives no more values than that are kept (ntp_config.c: MAXPHONE, MAX_TTL).
_MOST_VALUES = {"ttl": 8, "phone": 9}


def _list(statement: Statement, _dialect: Dialect) -> Iterator[Said]:
    word, *values = statement.parsed.words
    if len(values) > _MOST_VALUES[word]:
        text = f"`{word}`: more than {_MOST_VALUES[word]} values, and the others are ignored"
        yield statement.says("config.value", WARN, text, "take the last ones out")


def _nts(statement: Statement, _dialect: Dialect) -> Iterator[Said]:
    words = statement.parsed.words
    for word, value in zip(words, words[1:]):
        if word in ("mintls", "maxtls") and value != "TLS1.3":
            text = f"NTPsec does not know `{value}` as a version of TLS"
            yield statement.says("config.value", WARN, text, f"write `{word} TLS1.3`, or take it out")


def _smear(statement: Statement, _dialect: Dialect) -> Iterator[Said]:
    """Where it would smear, `config.smear` tells."""
    if statement.parsed.taken[1].token.number <= 0:
        text = "`leapsmearinterval`: without effect, and most builds do not know it and complain"
        yield statement.says("config.ignored", WARN, text, "take it out")


def _driftfile(statement: Statement, dialect: Dialect) -> Iterator[Said]:
    values = statement.parsed.words[1:]
    if not values:
        text = "no drift file: after each restart ntpd has to learn this clock's drift anew"
        yield statement.says("config.value", WARN, text, "name a file")
    elif len(values) > 1 and dialect.engine == "classic":
        text = f"`{values[1]}`: taken, but wanted as a line of its own"
        yield statement.says("config.value", WARN, text, f"write `nonvolatile {values[1]}` instead")


def _tick(statement: Statement, _dialect: Dialect) -> Iterator[Said]:
    text = "`tick`: the clock is read in steps of that, or it is ignored"
    yield statement.says("config.value", WARN, text, "take it out")


def _tinker(statement: Statement, dialect: Dialect) -> Iterator[Said]:
    if "tick" in statement.parsed.words:
        yield from _tick(statement, dialect)


_ABOUT: dict[str, Callable[[Statement, Dialect], Iterator[Said]]] = {
    **dict.fromkeys(("server", "pool", "peer", "broadcast", "manycastclient"), whom.source),
    **dict.fromkeys(("restrict", "unrestrict", "delrestrict"), whom.restrict),
    "refclock": whom.refclock,
    "fudge": whom.fudge,
    "logconfig": _logconfig,
    "trustedkey": _trustedkey,
    "tos": _tos,
    "pollskewlist": _pollskewlist,
    "ttl": _list,
    "phone": _list,
    "nts": _nts,
    "leapsmearinterval": _smear,
    "driftfile": _driftfile,
    "tick": _tick,
    "tinker": _tinker,
}
