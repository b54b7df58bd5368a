"""One line of ntp.conf, taken apart as the scanner of both engines does (ntp_scanner.c). Pure.

What a word is depends on the one before: behind `server` or `driftfile` comes a string, whatever it looks like, behind `logconfig`
nothing but strings; else a word that the engine knows is that word, digits are a number, and all else is a string. Bytes beyond ASCII
are left out, so that a blank of a word processor joins what stands around it.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Literal, Optional

from ntpjoin.checks.lint import numbers
from ntpjoin.records import dataclass

#: `word` is one that the engine knows, `unsigned` an integer that is too large for a signed one, or hexadecimal; what is `too long`,
#: or a number that C has `no room` for, ends the daemon.
Kind = Literal["word", "integer", "unsigned", "double", "string", "sign", "too long", "no room"]

#: How the next words are taken.
Mode = Literal["token", "string", "strings"]

_BLANKS = " \t\v\f\r"
_SIGNS = "{}(),;|="
#: The scanner has no more room for a word, and ends the daemon (MAX_LEXEME; 4.2.8p18 has 128).
LONGEST = 1024
_MOST = (1 << 31) - 1

_INTEGER = re.compile(r"-?[0-9]*")
_HEXADECIMAL = re.compile(r"0[xX][0-9a-fA-F]*")
_DOUBLE = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]*)?")
#: NTPsec adds eras of GPS to a number (GPS_ERA_10BIT, GPS_ERA_13BIT).
_ERA_DOUBLE = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]*)?[gG]*")


@dataclass(frozen=True)
class Token:
    """What stands next on a line, from `begin` to `end`; `number` is the value of an integer or unsigned one."""

    kind: Kind
    text: str
    begin: int
    end: int
    number: int = 0


def next_token(line: str, at: int, mode: Mode, known: Collection[str], *, eras: bool) -> Optional[Token]:
    """What stands at or behind a place; None where only blanks and a comment do. `known` are the engine's words."""
    text, end, quoted = "", at, False
    while not text:  # nothing between two quotes is not even an empty word
        begin = end
        while begin < len(line) and line[begin] in _BLANKS:
            begin += 1
        if begin == len(line) or line[begin] == "#":
            return None
        if mode == "token" and line[begin] in _SIGNS:
            return Token("sign", line[begin], begin, begin + 1)
        text, end, quotes = _lexeme(line, begin, mode)
        quoted = quoted or quotes
    if len(text) > LONGEST:
        return Token("too long", text, begin, end)
    if mode != "token" and text[:2] in ("-4", "-6"):
        return Token("word", text[:2], begin, end)
    if mode != "token" or quoted:
        return Token("string", text, begin, end)
    kind, number = _kind(text, known, eras=eras)
    return Token(kind, text, begin, end, number)


def _lexeme(line: str, begin: int, mode: Mode) -> tuple[str, int, bool]:
    """A word and where it ends. A quote inside begins the rest of it, and its partner, or the end of the line, ends it."""
    at = begin
    while (
        at < len(line)
        and line[at] not in _BLANKS
        and line[at] not in '"#'
        and not (mode == "token" and line[at] in _SIGNS)
    ):
        at += 1
    if at == len(line) or line[at] != '"':
        return line[begin:at], at, False
    close = line.find('"', at + 1)
    inside = line[at + 1 :] if close < 0 else line[at + 1 : close]
    return line[begin:at] + inside, len(line) if close < 0 else close + 1, True


def _kind(text: str, known: Collection[str], *, eras: bool) -> tuple[Kind, int]:
    if text in known:
        return "word", 0
    if _INTEGER.fullmatch(text):
        # The scanner asks sscanf(3), which goes round at 32 bits.
        if text.startswith("-") or numbers.unsigned(text) <= _MOST:
            return "no room" if numbers.too_low(text) else "integer", numbers.signed(text)
        return "unsigned", numbers.unsigned(text)
    if _HEXADECIMAL.fullmatch(text):
        return "unsigned", int(text[2:] or "0", 16) & 0xFFFFFFFF
    if (_ERA_DOUBLE if eras else _DOUBLE).fullmatch(text):
        return "no room" if numbers.too_near_0(text, eras=eras) else "double", 0
    return "string", 0
