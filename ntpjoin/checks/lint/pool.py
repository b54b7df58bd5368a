"""The pool's rules, for lines that no daemon has read yet: whom they follow, whom they serve. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Optional

from ntpjoin.checks import manners, smear
from ntpjoin.checks.access import Entry
from ntpjoin.checks.lint.language import Dialect
from ntpjoin.checks.lint.numbers import whole
from ntpjoin.checks.lint.whom import as_address
from ntpjoin.checks.restrict import QUESTIONS, Culprits, Question, Rules, restrictions
from ntpjoin.checks.sources import Source, sources
from ntpjoin.checks.upstreams import LEAST, MOST, counted
from ntpjoin.facts import Directive
from ntpjoin.model import Check, CheckState
from ntpjoin.upstreams.rules import of_pool, smears

OK, WARN, FAIL, UNKNOWN = CheckState.OK, CheckState.WARN, CheckState.FAIL, CheckState.UNKNOWN

#: Who has one of these is heard in spite of `notrust`; not so with these flags.
_AUTHENTICATED = frozenset({"key", "autokey", "nts"})
_WHATEVER_IT_SIGNS = frozenset({"ignore", "noserve"})

#: From this stratum on orphan mode serves nobody (ntp_proto.c: STRATUM_UNSPEC).
_NO_ORPHAN = 16


def _peered(entry: Entry) -> Optional[Culprits]:
    missing = [flag for flag in ("nopeer", "notrap") if flag not in entry.flags and "ignore" not in entry.flags]
    return entry.lacking(missing[0]) if missing else None


#: What the pool wants of classic ntpd; NTPsec neither makes associations nor sets traps for others.
_OF_CLASSIC = (
    Question(
        Check("access.nopeer", OK, "strangers may neither become peers nor set traps"),
        WARN,
        "strangers may become peers, or set traps: the default wants both `nopeer` and `notrap`",
        _peered,
    ),
)


def followed(rules: Rules, dialect: Dialect) -> Iterator[Check]:
    """Whom the lines follow, each by its line, and whether there are enough of them."""
    found = sources(rules.lines)
    yield from (manners.followed((line,), rules) for line in manners.of_the_pool(rules.lines))
    yield from manners.manners(rules, ())
    yield from _smearing(found)
    yield from _local(found)
    yield from _orphan(rules.lines)
    yield from _twice(found)
    yield from _unheard(found, rules)
    yield from _count(found, rules.lines, dialect)


def _unheard(found: tuple[Source, ...], rules: Rules) -> Iterator[Check]:
    """A restrict line holds for what a server answers, too. One check for all of whom it is the same line."""
    deaf: dict[Culprits, list[str]] = {}
    for one in found:
        if one.kind in ("server", "pool"):
            deaf.setdefault(_deafening(one, rules), []).append(one.name)
    for culprits, names in deaf.items():
        if culprits:
            text = f"what {', '.join(names)} will answer is thrown away: {'; '.join(map(str, culprits))}"
            yield Check("sync.peer", FAIL, text, rules.advice.without(culprits), lines=culprits)


def _deafening(one: Source, rules: Rules) -> Culprits:
    """The lines by which it is not heard."""
    address = as_address(one.name)
    culprits = rules.why_unheard(str(address)) if address else rules.why_named_unheard(one.name)
    if _AUTHENTICATED & set(one.directive.words):
        return tuple(line for line in culprits if _WHATEVER_IT_SIGNS & set(line.words))
    return culprits


def _smearing(found: tuple[Source, ...]) -> Iterator[Check]:
    """By name and address only: what a server says of itself is not asked."""
    followed = [one for one in found if one.kind in ("server", "pool")]
    known = [one for one in followed if smears(one.name)]
    for one in known:
        mixed = len(known) < len(followed)
        text = f"{one.name} {smear.SERVICE}{', and others do not' if mixed else ''}: {one.directive}"
        state = FAIL if mixed else WARN
        yield Check("upstreams.smear", state, text, "follow another server", lines=(one.directive,))


def _local(found: tuple[Source, ...]) -> Iterator[Check]:
    for one in found:
        if one.kind == "local":
            text = (
                f"{one.name} is this host's own clock under another name: the pool asks not to use it: {one.directive}"
            )
            yield Check("upstreams.local", WARN, text, "take it out, with its `fudge` line", lines=(one.directive,))


def _orphan(lines: tuple[Directive, ...]) -> Iterator[Check]:
    """Orphan mode gives the time of this clock, whatever that is, to the whole Internet."""
    for line in lines:
        strata = _values(line, "orphan")
        if strata and 0 < whole(strata[-1]) < _NO_ORPHAN:
            text = f"without upstreams it would go on by its own clock, and say that it is stratum {strata[-1]}: {line}"
            yield Check("upstreams.orphan", WARN, text, "take `orphan` out of it", lines=(line,))


def _twice(found: tuple[Source, ...]) -> Iterator[Check]:
    """Two lines for one name; for one over IPv4 and one over IPv6 ntpd has two sources, and does not know that they are one host."""
    seen: dict[str, dict[str, Directive]] = {}
    for one in found:
        family, former = _family(one.directive), seen.setdefault(one.key, {})
        if former:
            other = former.get(family) or next(iter(former.values()))
            lines = (one.directive, other)
            both = {family, _family(other)} == {"-4", "-6"}
            gives = "may give" if one.kind == "pool" else "gives"
            what = f"for both families: ntpd {gives} one host two voices" if both else "twice, and counts once"
            text = f"{one.name} is named {what}: {'; '.join(map(str, lines))}"
            yield Check("upstreams.twice", WARN, text, "name another server instead", lines=lines)
        former.setdefault(family, one.directive)


def _family(line: Directive) -> str:
    return line.words[1] if line.words[1] in ("-4", "-6") else ""


def _count(found: tuple[Source, ...], lines: tuple[Directive, ...], dialect: Dialect) -> Iterator[Check]:
    """Enough of them, by name; how many a pool brings is not known here, and the pool's own names are told already."""
    count = len({one.key for one in found if one.counts})
    pools = [one for one in found if one.kind == "pool"]
    if not pools or count > MOST:
        remedy = f"name {LEAST} to {MOST} servers that their operators offer to all: ntpjoin upstreams list"
        check = counted(count, remedy)
        if check.state is not OK:
            yield check
    elif count < LEAST and not any(of_pool(one.name) for one in pools):
        text = (
            f"{count} sources, and how many {pools[0].name} brings is not known here; the pool wants {LEAST} to {MOST}"
        )
        yield Check("upstreams.count", UNKNOWN, text, "where it runs: ntpjoin verify")
    yield from _majority(None if pools else count, lines, dialect)


def _majority(count: Optional[int], lines: tuple[Directive, ...], dialect: Dialect) -> Iterator[Check]:
    """How many have to agree, and how many may be kept; `count` None: nobody knows how many there will be."""
    minsane, maxclock = _last(lines, "minsane"), _last(lines, "maxclock")
    line = _line(lines, "minsane")
    blamed = (line,) if line else ()
    told = f": {line}" if line else ""
    if count is not None and minsane is not None and minsane > count:
        text = f"{minsane} sources have to agree, and there are {count}: it will never be synchronised{told}"
        yield Check("upstreams.minsane", FAIL, text, f"write `tos minsane {count // 2 + 1}`", lines=blamed)
    elif dialect.engine == "ntpsec" and (minsane or 0) <= 1 and (count is None or count >= LEAST):
        wanted = 2 if count == LEAST else 3
        text = f"one source alone would be believed, and NTPsec complains of that{told}"
        yield Check("upstreams.minsane", WARN, text, f"write `tos minsane {wanted}`", lines=blamed)
    if count is not None and maxclock is not None and maxclock < count:
        text = f"no more than {maxclock} sources are kept, and there are {count}: {_line(lines, 'maxclock')}"
        line = _line(lines, "maxclock")
        yield Check(
            "upstreams.maxclock", WARN, text, f"write `tos maxclock {max(count, 10)}`", lines=(line,) if line else ()
        )


def _last(lines: tuple[Directive, ...], option: str) -> Optional[int]:
    line = _line(lines, option)
    return whole(_values(line, option)[-1]) if line else None


def _line(lines: tuple[Directive, ...], option: str) -> Optional[Directive]:
    """The last `tos` line that says so."""
    return next((line for line in reversed(lines) if _values(line, option)), None)


def _values(line: Directive, option: str) -> list[str]:
    """What a `tos` line gives an option: none, one, or several, of which the last one counts."""
    pairs = zip(line.words[1::2], line.words[2::2]) if line.words[0] == "tos" else ()
    return [value for word, value in pairs if word == option]


def served(rules: Rules) -> Iterator[Check]:
    """Whom the lines let ask what. What one line lacks is told once, but for flags that go together."""
    questions = (*QUESTIONS, *(_OF_CLASSIC if rules.engine == "classic" else ()))
    found = [check for check in restrictions(rules, (), questions) if check.state is not OK]
    yield from found
    limited = {line for check in found if check.id == "access.limited" for line in check.lines}
    for line in rules.lines:
        if line.words[0] == "restrict" and "kod" in line.words and "limited" not in line.words and line not in limited:
            why = "does nothing" if rules.engine == "classic" else "is complained of"
            text = f"`kod` {why} without `limited` in the same line: {line}"
            yield Check("access.limited", WARN, text, rules.advice.edited("write `limited` into", line), lines=(line,))
