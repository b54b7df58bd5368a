"""Reading ntp.conf as ntpd's own scanner takes it apart: one directive a line, words between blanks, a comment from # on."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Optional

from ntpjoin.facts import Directive

_NUMBER = re.compile(r"[0-9]{1,9}")
_WORD = re.compile(r'"(?P<quoted>[^"]*)"|(?P<bare>[^\s#"]+)|(?P<comment>#.*)', re.ASCII)


def directives(path: str, text: str) -> tuple[Directive, ...]:
    """What the file says, without comments and empty lines; words are not judged, and keywords are small letters only."""
    found = []
    for number, line in enumerate(lines(text), 1):
        words = [
            match["bare"] if match["bare"] is not None else match["quoted"]
            for match in _WORD.finditer(line)
            if match["comment"] is None
        ]
        if words:
            found.append(Directive(path, number, tuple(words)))
    return tuple(found)


def lines(text: str) -> list[str]:
    """The lines of a file, as the scanner gets them: only a newline ends one, and bytes beyond ASCII are left out."""
    return "".join(character for character in text if character.isascii()).split("\n")


def minsane(read: Iterable[Directive]) -> Optional[int]:
    """How many sources must agree: the last `tos minsane` counts. None where no line says so, or not in figures."""
    found = None
    for words in (directive.words for directive in read if directive.words[0] == "tos"):
        for key, value in zip(words, words[1:]):
            found = int(value) if key == "minsane" and _NUMBER.fullmatch(value) else found
    return found
