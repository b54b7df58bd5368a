"""Numbers as a daemon gets them from a word: what leads it, by strtol(3), sscanf(3) and atof(3), and 0 where nothing does. Pure."""

from __future__ import annotations

import re
import sys

_INTEGER = re.compile(r"(-?)0*([0-9]*)")
#: An `e` with no figures behind it is no exponent, though both scanners let it pass.
_REAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_WEEK_S = 604_800
#: What NTPsec adds for each letter behind a number, in seconds (ntp_scanner.h: GPS_ERA_10BIT, GPS_ERA_13BIT).
_ERAS_S = {"g": 1024 * _WEEK_S, "G": 8192 * _WEEK_S}

_LEAST, _MOST = -(1 << 31), (1 << 31) - 1
_LEAST_LONG, _MOST_LONG, _MOST_UNSIGNED = -(1 << 63), (1 << 63) - 1, (1 << 64) - 1
#: So many figures are more than a long has room for.
_FIGURES = 20


def whole(word: str) -> int:
    """What the daemon has of it where it keeps an int. Of what has no room there x86 makes the least that has."""
    if _INTEGER.fullmatch(word):
        return signed(word)
    value = real(word)
    return int(value) if _LEAST <= value <= _MOST else _LEAST


def real(word: str) -> float:
    """What the daemon has of it where it keeps a double. Of a word of figures alone it makes a whole number first."""
    leading = _REAL.match(word)
    return (float(leading[0]) if leading else 0.0) + sum(_ERAS_S.get(letter, 0) for letter in word)


def signed(word: str) -> int:
    """A word of figures, with or without a sign: the lower half of a long."""
    low = max(_LEAST_LONG, min(_figures(word), _MOST_LONG)) & 0xFFFFFFFF
    return low - (1 << 32) if low > _MOST else low


def unsigned(word: str) -> int:
    """A word of figures without a sign: the lower half of an unsigned long."""
    return min(_figures(word), _MOST_UNSIGNED) & 0xFFFFFFFF


def too_low(word: str) -> bool:
    """Whether a whole number is below a long: strtol(3) then says so, and the int of it is 0. Of one that is above it is -1."""
    return _figures(word) < _LEAST_LONG


def too_near_0(word: str, *, eras: bool) -> bool:
    """Whether atof(3) has no room for all of a number, and it comes to 0; NTPsec takes all that loses figures so for 0."""
    mantissa = re.split("[eE]", word)[0]
    least = sys.float_info.min if eras else sys.float_info.min * sys.float_info.epsilon
    return abs(real(word)) < least and any(figure in mantissa for figure in "123456789")


def _figures(word: str) -> int:
    match = _INTEGER.match(word)
    sign, figures = match.groups() if match else ("", "")
    return int(f"{sign}{figures[: _FIGURES + 1] or 0}")
