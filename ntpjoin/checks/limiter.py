"""The limiter of an engine: would it refuse the pool's monitors, and what lets more pass? Its arithmetic, replayed. Pure."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Iterator, Mapping
from typing import Callable

from ntpjoin.checks.scoring import ACTIVE_S, GAP_S, SAMPLES
from ntpjoin.facts import Directive
from ntpjoin.systems import Engine

#: Half a day of checks: a limiter that forgets slowly refuses only then.
_CHECKS = 80

#: The lines that set the limiter, and what it does without them (ntp_monitor.c and ntp.h of each engine).
WORD: dict[Engine, str] = {"ntpsec": "limit", "classic": "discard"}
_UNSET: dict[Engine, dict[str, float]] = {
    "ntpsec": {"average": 1.0, "burst": 20.0},
    "classic": {"average": 3, "minimum": 2},
}
#: For many clients behind one address: on NTPsec four times as many at once, twice as many for long; on classic ntpd no limit.
_ROOMY: dict[Engine, dict[str, float]] = {
    "ntpsec": {"burst": 40.0, "average": 2.0},
    "classic": {"average": 1, "minimum": 1},
}
#: Nobody needs more (ours): 6400 clients send 100 packets a second at their fastest, which is one every 64 s.
_CROWD: dict[Engine, dict[str, float]] = {"ntpsec": {"burst": 2000.0, "average": 100.0}, "classic": _ROOMY["classic"]}
#: Which numbers let more pass: rate and size of NTPsec the larger ones, gaps of classic ntpd the smaller ones.
_LOOSER: dict[Engine, Callable[[float, float], bool]] = {"ntpsec": operator.gt, "classic": operator.lt}
#: Classic ntpd's bucket holds so many headways (NTP_SHIFT), and takes averages up to this power of two.
_STAGES, _MOST_AVERAGE = 8, 255


def too_tight(engine: Engine, lines: Iterable[Directive]) -> tuple[Directive, ...]:
    """The lines because of which a monitor of the pool would be refused; none where it would not be."""
    lines = setters(engine, lines)
    lets_pass = (_ntpsec if engine == "ntpsec" else _classic)(_setting(engine, lines))
    if all(map(lets_pass, _gaps())):
        return ()
    last = {name: line for line in lines for name in _values(engine, line)}
    return tuple(dict.fromkeys(last.values()))


def tighter(engine: Engine, lines: Iterable[Directive]) -> tuple[Directive, ...]:
    """The lines without which more passes, and nothing less; none where they are as loose as the engine is by itself."""
    lines, unset = setters(engine, lines), _UNSET[engine]
    tight = tuple(line for line in lines if _is_tighter(engine, _values(engine, line), unset))
    left = _setting(engine, (line for line in lines if line not in tight))
    return tight if _is_tighter(engine, _setting(engine, lines), left) else ()


def looser(engine: Engine, lines: Iterable[Directive]) -> dict[str, float]:
    """Numbers with which more passes: roomy ones, or twice what the lines have; none where no crowd could need more."""
    setting = _setting(engine, lines)
    twice = {name: min(2 * setting[name], most) for name, most in _CROWD[engine].items()}
    for numbers in (_ROOMY[engine], twice):
        found = {name: value for name, value in numbers.items() if _LOOSER[engine](value, setting[name])}
        if found:
            return found
    return {}


def setters(engine: Engine, lines: Iterable[Directive]) -> tuple[Directive, ...]:
    """The lines that set how much passes."""
    return tuple(line for line in lines if _values(engine, line))


def _setting(engine: Engine, lines: Iterable[Directive]) -> dict[str, float]:
    """What they set all together: the last of each counts."""
    setting = dict(_UNSET[engine])
    for line in lines:
        setting.update(_values(engine, line))
    return setting


def _values(engine: Engine, line: Directive) -> dict[str, float]:
    """What a line sets."""
    if line.words[0] != WORD[engine]:
        return {}
    return {name: value for name, value in _options(engine, line) if name in _UNSET[engine]}


def _is_tighter(engine: Engine, values: Mapping[str, float], others: Mapping[str, float]) -> bool:
    """Whether one of these numbers lets less pass than the other of its name, and none lets more."""
    looser_than, pairs = _LOOSER[engine], [(value, others[name]) for name, value in values.items()]
    return any(looser_than(other, value) for value, other in pairs) and not any(looser_than(*pair) for pair in pairs)


def _options(engine: Engine, line: Directive) -> Iterator[tuple[str, float]]:
    """What the engine takes of a line, as its own parser and scanner have it: of 5g NTPsec makes a number, classic ntpd none."""
    # Few files have such a line, and the language is large.
    from ntpjoin.checks.lint import numbers  # noqa: PLC0415
    from ntpjoin.checks.lint.language import Dialect  # noqa: PLC0415
    from ntpjoin.checks.lint.parser import parse  # noqa: PLC0415

    parsed = parse(" ".join(line.words), Dialect(engine))
    tokens = [one.token for one in parsed.taken[1:]] if parsed.counts else []
    for name, value in zip(tokens[::2], tokens[1::2]):
        number = value.number if value.kind == "integer" else numbers.real(value.text)
        if (engine, name.text) != ("classic", "average") or 0 <= number <= _MOST_AVERAGE:
            yield name.text, number


def _gaps() -> Iterator[float]:
    """The seconds before each packet but the first, which no limiter refuses."""
    for check in range(_CHECKS):
        for packet in range(SAMPLES):
            if check or packet:
                yield GAP_S if packet else ACTIVE_S


def _ntpsec(setting: dict[str, float]) -> Callable[[float], bool]:
    """A score that fades with `burst` as its time constant, in seconds, may not reach `average`."""
    average, fades_s = setting["average"], setting["burst"]
    step = 1 / fades_s if fades_s > 0 else math.inf
    score = step

    def lets_pass(gap_s: float) -> bool:
        nonlocal score
        score = score * math.exp(-gap_s / fades_s) + step if fades_s > 0 else math.inf
        return score < average

    return lets_pass


def _classic(setting: dict[str, float]) -> Callable[[float], bool]:
    """`minimum` seconds between two packets, with one of grace; and a bucket that leaks a second each second.

    A packet fills it by 2 to the power of `average`, less 2 of grace; one that is refused fills it whole.
    """
    headway, minimum_s = 2 ** int(setting["average"]), setting["minimum"]
    most = _STAGES * headway
    level = 0

    def lets_pass(gap_s: float) -> bool:
        nonlocal level
        level = max(0, level - round(gap_s))
        good = gap_s + 1 >= minimum_s and level + headway < most
        level = level + headway - 2 if good else most + headway if level < most else level
        return good

    return lets_pass
