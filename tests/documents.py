"""The pages of docs/, and what stands in them."""

from __future__ import annotations

import re
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
REFERENCE = REPOSITORY / "docs" / "reference"


def page(name: str) -> str:
    return (REFERENCE / name).read_text()


def section(text: str, heading: str) -> str:
    """From this heading to the next of its level or above."""
    level = heading.split(" ", 1)[0]
    rest = text.split(f"\n{heading}\n", 1)[1]
    return re.split(rf"\n#{{1,{len(level)}}} ", rest, maxsplit=1)[0]


def rows(text: str) -> list[str]:
    """The first column of every table."""
    return re.findall(r"^\| (.*?) \|", text, re.MULTILINE)


def documented(text: str) -> set[str]:
    """Everything in code marks in the first columns, an option without its value."""
    return {word.split(maxsplit=1)[0] for column in rows(text) for word in re.findall(r"`([^`]+)`", column)}
