"""Files of KEY=value lines that a shell reads: telling one value, setting it, taking that back. Every other byte stays as it is."""

from __future__ import annotations

import re
from typing import Optional

from ntpjoin.host import words


def value(content: bytes, key: str) -> Optional[str]:
    """What the file assigns to the key, unexpanded; None where it does not, or where only a shell can tell whether it does."""
    lines = content.split(b"\n")
    at = _last(lines, key)
    return _told(lines[at]) if at is not None else None


def assign(content: bytes, key: str, wanted: str) -> bytes:
    """The file with that value: its last assignment replaced, or a line at its end where there is none that would count."""
    if value(content, key) == wanted:
        return content
    lines, set_to = content.split(b"\n"), assignment(key, wanted).encode()
    at = _last(lines, key)
    if at is not None:
        return b"\n".join([*lines[:at], set_to, *lines[at + 1 :]])
    return content + (b"" if content.endswith(b"\n") or not content else b"\n") + set_to + b"\n"


def restore(content: bytes, former: bytes, key: str, wanted: str) -> Optional[bytes]:
    """`former` again, but with what somebody edited since; None where our line is no longer the one that counts."""
    if content == assign(former, key, wanted):
        return former
    lines, before = content.split(b"\n"), former.split(b"\n")
    at, was = _last(lines, key), _last(before, key)
    if at is None or lines[at] != assignment(key, wanted).encode():
        return None
    return b"\n".join([*lines[:at], *([before[was]] if was is not None else []), *lines[at + 1 :]])


def assignment(key: str, wanted: str) -> str:
    """The line that sets it."""
    return f'{key}="{wanted}"'


def _told(line: bytes) -> Optional[str]:
    """The value of a line that is one assignment and nothing else, its quotes taken off.

    None where the line ends as on Windows: the shell counts the carriage return in.
    """
    if b"\r" in line:
        return None
    try:
        told = words.split(line.partition(b"=")[2].decode(errors="replace"), comments=True)
    except ValueError:
        return None
    return "".join(told) if len(told) < 2 and ";" not in "".join(told) else None


def _last(lines: list[bytes], key: str) -> Optional[int]:
    """The line whose assignment counts; None where the last line that names the key is not a plain assignment at its beginning.

    An indented one may stand in a branch that is never taken, and `export`, `unset` or a second command are the shell's business.
    """
    word = re.escape(key.encode())
    named = [number for number, line in enumerate(lines) if re.match(rb"[^#]*\b" + word + rb"\b", line)]
    if named and re.match(word + rb"=", lines[named[-1]]) and _told(lines[named[-1]]) is not None:
        return named[-1]
    return None
