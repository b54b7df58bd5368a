"""What an engine makes of one line: where it stops understanding, and how much of the line counts all the same. Pure.

Both parsers are made by bison, from grammars in which the next word always tells which way to go. One that fits none ends the
statement; what stood before it counts where it could have ended there, and not at all where something was still to come.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Optional

from ntpjoin.checks.lint import scanner
from ntpjoin.checks.lint.language import Dialect, OneOf, Part, Sign, Value, Word
from ntpjoin.checks.lint.scanner import Kind, Mode, Token
from ntpjoin.checks.lint.table import DIRECTIVES
from ntpjoin.records import dataclass

#: What may still come.
_Left = tuple[Part, ...]

_FITS: dict[str, tuple[Kind, ...]] = {
    "integer": ("integer",),
    "unsigned": ("integer", "unsigned"),
    "double": ("double",),
    "number": ("integer", "double"),
    "boolean": ("integer",),
    "text": ("string",),
    "name": ("string",),
    "texts": ("string",),
}


@dataclass(frozen=True)
class Taken:
    """A token, and what of the language it was: a word of the table, or a value behind such a word (`of`)."""

    token: Token
    part: Part
    of: str


@dataclass(frozen=True)
class Parsed:
    """What was understood of a line, up to `wrong`, the first token that was not; '' as its text: the line ended too early.

    `counts`: the statement counts, as far as it was understood. `left` is what could have come instead, None: any directive.
    """

    taken: tuple[Taken, ...] = ()
    wrong: Optional[Token] = None
    counts: bool = True
    left: Optional[_Left] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """The words that were understood."""
        return tuple(one.token.text for one in self.taken)


@lru_cache(maxsize=1024)
def parse(line: str, dialect: Dialect) -> Parsed:
    """One line of a file; nothing is taken of an empty one."""
    known, eras = vocabulary(dialect), dialect.engine == "ntpsec"
    left: Optional[_Left] = None
    taken: list[Taken] = []
    at, last = 0, ""
    mode: Mode = "token"
    while (token := scanner.next_token(line, at, mode, known, eras=eras)) is not None:
        next_ones = _expand(left) if left is not None else ((word, word.then) for word in _named(token.text))
        fitting = next((one for one in next_ones if _fits(one[0], token, dialect)), None)
        if fitting is None:
            return Parsed(tuple(taken), token, counts=left is not None and _may_end(left), left=left)
        part, left = fitting
        if isinstance(part, Word):
            mode, last = _mode(part.then), part.text
        elif mode != "strings":
            mode = "string" if isinstance(part, Sign) and part.text == "=" else "token"
        taken.append(Taken(token, part, last))
        at = token.end
    if left is not None and not _may_end(left):
        return Parsed(tuple(taken), Token("string", "", len(line), len(line)), counts=False, left=left)
    return Parsed(tuple(taken))


def _named(text: str) -> tuple[Word, ...]:
    return (DIRECTIVES[text],) if text in DIRECTIVES else ()


def _expand(left: _Left) -> Iterator[tuple[Part, _Left]]:
    """Each word, value or sign that may come next, and what is left behind it."""
    if not left:
        return
    head, rest = left[0], left[1:]
    if isinstance(head, Word):
        yield head, (*head.then, *rest)
    elif not isinstance(head, OneOf):
        yield head, rest
    else:
        again = () if head.most else (OneOf(head.ways, 0, None),)
        for way in head.ways:
            yield from _expand((*way, *again, *rest))
        if head.least == 0:
            yield from _expand(rest)


def _may_end(left: _Left) -> bool:
    return all(isinstance(part, OneOf) and part.least == 0 for part in left)


def _fits(part: Part, token: Token, dialect: Dialect) -> bool:
    if isinstance(part, Word):
        return token.kind == "word" and token.text == part.text and part.known.by(dialect)
    if isinstance(part, Sign):
        return token.kind == "sign" and token.text == part.text
    if isinstance(part, Value) and part.kind == "boolean" and token.kind == "word":
        return token.text == "true"
    return isinstance(part, Value) and token.kind in _FITS[part.kind]


def _mode(then: _Left) -> Mode:
    """How the scanner takes what comes behind a word."""
    head = then[0] if then else None
    if isinstance(head, OneOf):
        return _mode(head.ways[0])
    if isinstance(head, Value) and head.kind in ("text", "texts"):
        return "string" if head.kind == "text" else "strings"
    return "token"


def wanted(parsed: Parsed, dialect: Dialect) -> tuple[Part, ...]:
    """The words and values that would have been understood instead of the wrong one."""
    parts = DIRECTIVES.values() if parsed.left is None else (part for part, _ in _expand(parsed.left))
    return tuple(part for part in parts if not isinstance(part, Word) or part.known.by(dialect))


@lru_cache(maxsize=8)
def vocabulary(dialect: Dialect) -> frozenset[str]:
    """All words that an engine knows, wherever they may stand."""
    return frozenset(word.text for word in _every(tuple(DIRECTIVES.values())) if word.known.by(dialect))


def _every(parts: _Left) -> Iterator[Word]:
    for part in parts:
        if isinstance(part, Word):
            yield part
            yield from _every(part.then)
        elif isinstance(part, OneOf):
            for way in part.ways:
                yield from _every(way)
