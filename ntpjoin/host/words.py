"""The words of one line, as a shell takes it apart."""

from __future__ import annotations

import shlex

#: No line that is read here is longer, and shlex(3) takes its time: twice as long a word, four times.
LONGEST = 8192


def split(line: str, *, comments: bool = False) -> list[str]:
    """Its words without their quotes. Raises ValueError where a quote is not closed, and for a line that is too long."""
    if len(line) > LONGEST:
        raise ValueError("it is too long")
    # Hardly a line has what only a shell understands, and shlex takes its time.
    plain = not any(sign in line for sign in "\"'\\#")
    return line.split() if plain else shlex.split(line, comments=comments)
