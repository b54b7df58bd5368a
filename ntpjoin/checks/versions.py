"""Which of two versions is the newer one: upstream's own, and those of packages. Pure."""

from __future__ import annotations

import re

_Word = tuple[tuple[int, ...], int]

#: Numbers have no more digits than this; what has more is no version.
_LONGEST = 18


def upstream(revision: str) -> str:
    """Upstream's version in a package's: '1:4.2.8p15+dfsg-1' has 4.2.8p15, and Arch Linux writes 4.2.8.p18."""
    return re.split("[-+~]", revision.rpartition(":")[2], maxsplit=1)[0].replace(".p", "p")


def version_key(version: str) -> tuple[tuple[int, int, str], ...]:
    """What upstream's versions are sorted by: 4.2.8 < 4.2.8p9 < 4.2.8p10 < 4.3, and 1.2.2 < 1.2.2a < 1.2.3."""
    words = re.findall(r"([0-9]+)|([a-z]+)", version.lower())
    return tuple((1, _number(digits), "") if digits else (0, 0, letters) for digits, letters in words)


def numbers(version: str) -> tuple[int, ...]:
    """Only the numbers of it."""
    return tuple(_number(word) for word in re.findall("[0-9]+", version))


def revision_key(revision: str) -> tuple[int, tuple[_Word, ...], tuple[_Word, ...]]:
    """What packages' versions are sorted by (deb-version(7)): epoch, upstream's part, the distribution's; rpm's sort alike."""
    epoch, _, rest = revision.rpartition(":")
    head, dash, tail = rest.rpartition("-")
    return _number(epoch) if epoch.isdecimal() else 0, _words(head if dash else tail), _words(tail if dash else "")


def _words(text: str) -> tuple[_Word, ...]:
    """Letters and digits by turns; a tilde comes before the end, the end before letters, letters before all else."""
    return tuple(
        ((*map(_rank, word), 0), _number(digits) if digits else 0)
        for word, digits in re.findall(r"([^0-9]*)([0-9]*)", text)
    )


def _rank(letter: str) -> int:
    return -1 if letter == "~" else ord(letter) if letter.isalpha() else ord(letter) + 0x110000


def _number(digits: str) -> int:
    return int(digits[:_LONGEST])
