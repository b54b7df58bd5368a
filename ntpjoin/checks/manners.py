"""Who is asked, and how often, by the lines that the daemon has read: the pool's rules, and its operators' wishes. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import replace

from ntpjoin.checks.addresses import is_private
from ntpjoin.checks.restrict import Rules
from ntpjoin.checks.sources import Source, counted, sources
from ntpjoin.checks.upstreams import LEAST, named
from ntpjoin.facts import Directive
from ntpjoin.model import Check, CheckState, Pin
from ntpjoin.records import dataclass
from ntpjoin.upstreams.rules import of_pool

OK, WARN, FAIL = CheckState.OK, CheckState.WARN, CheckState.FAIL

#: How often ntpd asks at most unless a line says otherwise, as a power of two in seconds; nobody may be asked oftener unasked.
_MINPOLL = 6
#: And how seldom at least, whatever a line says (NTP_MAXPOLL).
_MOST = 17


def pool_names(rules: Rules) -> Iterator[Check]:
    """One check for all of them."""
    found = of_the_pool(rules.lines)
    if not found:
        yield Check("upstreams.pool", OK, "no name of the pool itself is followed")
        return
    kept = counted(tuple(line for line in rules.lines if line not in found))
    check, instead = followed(found, rules), f"write {named(kept)} in place of"
    yield check if kept >= LEAST else replace(check, remedy=rules.advice.edited(instead, *found))


def of_the_pool(lines: tuple[Directive, ...]) -> tuple[Directive, ...]:
    """The lines that follow names of the pool itself."""
    return tuple(one.directive for one in sources(lines) if one.kind in ("server", "pool") and of_pool(one.name))


def followed(culprits: tuple[Directive, ...], rules: Rules) -> Check:
    """That these lines do."""
    text = f"a member must not follow the pool itself, but servers picked by hand: {'; '.join(map(str, culprits))}"
    return Check("upstreams.pool", FAIL, text, rules.advice.without(culprits), lines=culprits)


@dataclass(frozen=True)
class TooMuch:
    """What a line asks too much of somebody else's server: how bad it is, in words, and what `mends` the line, named next."""

    line: Directive
    state: CheckState
    what: str
    mends: str


def manners(rules: Rules, pins: tuple[Pin, ...]) -> Iterator[Check]:
    """One check for each thing that a line asks too much."""
    for one in too_much(rules.lines, pins):
        remedy = rules.advice.edited(one.mends, one.line)
        yield Check("upstreams.manners", one.state, f"{one.what}: {one.line}", remedy, lines=(one.line,))


def too_much(lines: tuple[Directive, ...], pins: tuple[Pin, ...]) -> Iterator[TooMuch]:
    """All that these lines ask too much of somebody else's servers."""
    chosen = {pin.address: pin for pin in pins}
    for one in sources(lines):
        if one.kind in ("server", "pool") and not _ours(one):
            yield from _asks(one.directive, chosen.get(one.name, Pin(one.name, one.name)))


def _asks(line: Directive, pin: Pin) -> Iterator[TooMuch]:
    name = pin.name if pin.name == pin.address else f"{pin.name} ({pin.address})"
    least, asked = max(pin.minpoll, _MINPOLL), _minpoll(line)
    if "burst" in line.words:
        yield TooMuch(line, FAIL, f"{name} is sent bursts of packets at every poll (burst)", "take `burst` out of")
    if asked < least:
        whose = "its operator asks for" if pin.minpoll else "may be without its operator's leave"
        what = f"{name} may be asked every {2**asked} s; {2**least} s is the least that {whose}"
        yield TooMuch(line, WARN, what, f"write `minpoll {least}` {_where(line, least)}")
    if not pin.iburst and "iburst" in line.words:
        what = f"{name} is sent a burst when ntpd starts (iburst), which its operator does not want"
        yield TooMuch(line, WARN, what, "take `iburst` out of")


def _where(line: Directive, least: int) -> str:
    """A `maxpoll` below it would count all the same, so it goes, and with it what stood for the least."""
    pairs = [
        pair for pair in zip(line.words, line.words[1:]) if pair[0] in ("minpoll", "maxpoll") and _is_number(pair[1])
    ]
    wrong = [f"`{' '.join(pair)}`" for pair in pairs if int(pair[1]) < least]
    return f"in place of {' and '.join(wrong)} in" if _power(line, "maxpoll", _MOST) < least else "into"


def _minpoll(line: Directive) -> int:
    """What the line asks for; a maxpoll below it counts in its place (newpeer of both engines)."""
    return min(_power(line, "minpoll", _MINPOLL), _power(line, "maxpoll", _MOST))


def _power(line: Directive, key: str, default: int) -> int:
    """The number behind a word: the last one counts."""
    asked = [after for word, after in zip(line.words, line.words[1:]) if word == key and _is_number(after)]
    return min(int(asked[-1]), _MOST) if asked else default


def _is_number(word: str) -> bool:
    return word.isdecimal() and len(word) < 4


def _ours(source: Source) -> bool:
    """Whether it is a server of one's own network, as far as its address tells."""
    try:
        return is_private(ipaddress.ip_network(source.key))
    except ValueError:
        return False
