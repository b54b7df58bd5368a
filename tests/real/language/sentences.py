"""A line of ntp.conf for each directive with each word that may stand behind it, made from the table of the language."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Optional

from ntpjoin.checks.lint.language import OneOf, Part, Sign, Value, Word
from ntpjoin.checks.lint.table import DIRECTIVES

#: Values that mean something behind a word; those of one kind where nothing depends on them.
_BEHIND = {
    **dict.fromkeys(("server", "pool", "peer", "restrict", "unrestrict", "trap"), "192.0.2.1"),
    **dict.fromkeys(("manycastclient", "manycastserver", "multicastclient"), "239.1.1.1"),
    "broadcast": "192.0.2.255",
    "fudge": "127.127.1.0",
    "refclock": "shm",
    "mask": "255.255.255.255",
    "logconfig": "=syncall",
    "version": "4",
    "key": "0",
    "unit": "0",
    "minsane": "3",
    "maxclock": "8",
    "filenum": "1024",
    "maxtls": "TLS1.3",
    "mintls": "TLS1.3",
    "tlsciphersuites": "TLS_AES_128_GCM_SHA256",
    "tlsecdhcurves": "X25519",
    "basedate": "2020-01-01",
    "includefile": "/nonexistent",
}
_KINDS = {
    "integer": "4",
    "unsigned": "6",
    "number": "0.5",
    "double": "0.5",
    "boolean": "1",
    "text": "/x",
    "name": "192.0.2.1",
    "texts": "x",
}

#: Starts a server for NTS, whose certificate is missing: that ends the daemon a moment later.
_UNTRIED = {("nts", "enable")}

_Parts = tuple[Part, ...]


def every() -> dict[tuple[str, str], str]:
    """By directive and word, '' where none may stand behind it."""
    found = {}
    for word, row in DIRECTIVES.items():
        for option in dict.fromkeys(_words(row.then)) or {"": None}:
            sentence = [word, *((_through(row.then, option, word) if option else _shortest(row.then, word)) or ())]
            found[word, option] = " ".join(sentence)
    return {pair: sentence for pair, sentence in found.items() if pair not in _UNTRIED}


def _words(parts: _Parts) -> Iterator[str]:
    for part in parts:
        if isinstance(part, Word):
            yield part.text
            yield from _words(part.then)
        elif isinstance(part, OneOf):
            for way in part.ways:
                yield from _words(way)


def _shortest(parts: _Parts, behind: str) -> list[str]:
    """The fewest words that complete a line, behind a word."""
    if not parts:
        return []
    head, rest = parts[0], parts[1:]
    if isinstance(head, Word):
        return [head.text, *_shortest((*head.then, *rest), head.text)]
    if isinstance(head, Value):
        return [_BEHIND.get(behind, _KINDS[head.kind]), *_shortest(rest, behind)]
    if isinstance(head, Sign):
        return [head.text, *_shortest(rest, behind)]
    return _shortest((*(head.ways[0] if head.least else ()), *rest), behind)


def _through(parts: _Parts, goal: str, behind: str) -> Optional[list[str]]:
    """The same, with this word in it; None where there is no way."""
    if not parts:
        return None
    head, rest = parts[0], parts[1:]
    if isinstance(head, OneOf):
        ways = [*head.ways, *([()] if head.least == 0 else [])]
        found = (_through((*way, *rest), goal, behind) for way in ways)
        return next((one for one in found if one), None)
    if isinstance(head, Word) and head.text == goal:
        return [goal, *_shortest((*head.then, *rest), goal)]
    if isinstance(head, Word):
        more = _through((*head.then, *rest), goal, head.text)
        return [head.text, *more] if more else None
    more = _through(rest, goal, behind)
    text = head.text if isinstance(head, Sign) else _BEHIND.get(behind, _KINDS[head.kind])
    return [text, *more] if more else None
