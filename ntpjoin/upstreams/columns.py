"""A catalogue file: comma-separated values whose first line names the columns. Pure; every wrong value is told with its place."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any, Callable

from ntpjoin.errors import UsageProblem, quoted, shown
from ntpjoin.records import dataclass
from ntpjoin.upstreams.grammar import parse_upstream
from ntpjoin.upstreams.places import parse_country

#: More wrong lines than these are counted, not told.
MOST_TOLD = 5
_LONGEST_TEXT = 200
_DOCUMENTATION = "docs/reference/catalogue.md tells the columns and their values."


@dataclass(frozen=True)
class Table:
    """What a file says: hosts with those of their columns that have a value, and hosts that shall not be in the catalogue."""

    rows: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    removed: frozenset[str] = frozenset()


class _WrongError(Exception):
    """A line that cannot be used, and why."""


@dataclass(frozen=True)
class _Column:
    """How a value is read (ValueError or UsageProblem where it is wrong), and what is allowed, in words."""

    read: Callable[[str], Any]
    allowed: str


def _choice(*words: str) -> _Column:
    def read(text: str) -> str:
        if text not in words:
            raise ValueError
        return text

    return _Column(read, f"{', '.join(words[:-1])} or {words[-1]}")


def _yes_no(text: str) -> bool:
    return {"yes": True, "no": False}[text]


def _number(low: float, high: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        number = float(text) if re.fullmatch(r"[+-]?\d+(\.\d*)?", text, re.ASCII) else math.nan
        if not low <= number <= high:
            raise ValueError
        return number

    return read


def _whole(allowed: Sequence[int]) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not re.fullmatch(r"\d{1,9}", text, re.ASCII) or int(text) not in allowed:
            raise ValueError
        return int(text)

    return read


def _text(text: str) -> str:
    if len(text) > _LONGEST_TEXT or not text.isprintable():
        raise ValueError
    return text


def _as_numbers(text: str) -> tuple[int, ...]:
    return tuple(_whole(range(1, 1 << 32))(word.upper().removeprefix("AS")) for word in text.split())


_BOOLEAN = _Column(_yes_no, "yes or no")
_ANSWER = _choice("yes", "no", "unknown")
_WORDS = _Column(_text, f"text of at most {_LONGEST_TEXT} characters on one line")

#: The columns by name: the fields of `Server`. A value that is left out has that one's default.
COLUMNS: Mapping[str, _Column] = {
    "host": _Column(parse_upstream, "a host name or an address"),
    "country": _Column(parse_country, "two letters, like DE"),
    "place": _WORDS,
    "lat": _Column(_number(-90, 90), "a number of degrees from -90 to 90"),
    "lon": _Column(_number(-180, 180), "a number of degrees from -180 to 180"),
    "stratum": _Column(_whole(range(1, 16)), "a whole number from 1 to 15"),
    "operator": _WORDS,
    "access": _choice("open", "restricted", "closed", "unknown"),
    "notify": _ANSWER,
    "smears": _ANSWER,
    "rotates": _BOOLEAN,
    "anycast": _BOOLEAN,
    "use_name": _BOOLEAN,
    # Two seconds are good manners with everybody; below 64 s nobody may poll who was not asked, and beyond ntpd's
    # default of maxpoll (10) its minpoll would be cut.
    "gap_s": _Column(_number(2, 3600), "a number of seconds from 2 to 3600"),
    "minpoll": _Column(_whole((0, *range(6, 11))), "0 or a whole number from 6 to 10"),
    "iburst": _BOOLEAN,
    "asn": _Column(_as_numbers, "AS numbers with blanks between them"),
    "ipv6": _ANSWER,
    "nts": _ANSWER,
    "pool_member": _ANSWER,
    "area": _WORDS,
    "evidence": _choice("A", "B", "C"),
    "note": _WORDS,
    "source": _WORDS,
}


def parse(content: bytes, file: str) -> Table:
    """Read a file; `file` is its name for messages. UsageProblem tells up to five wrong lines at once, and counts the others."""
    lines = _lines(content, file)
    if not lines:
        return Table()
    (number, head), *rest = lines
    rows: dict[str, Mapping[str, Any]] = {}
    seen: dict[str, int] = {}
    removed: set[str] = set()
    problems: list[str] = []
    try:
        columns = _columns(_cells(head))
    except _WrongError as wrong:
        raise _problem(file, [f"line {number}: {wrong}"]) from None
    for number, line in rest:
        try:
            values, removes = _row(columns, _cells(line))
            host = values["host"]
            if host in seen:
                raise _WrongError(f"{host} stands in line {seen[host]} already")  # noqa: TRY301 - told as the others are
        except _WrongError as wrong:
            problems.append(f"line {number}: {wrong}")
            continue
        seen[host] = number
        if removes:
            removed.add(host)
        else:
            rows[host] = values
    if problems:
        raise _problem(file, problems)
    return Table(rows, frozenset(removed))


def _problem(file: str, problems: Sequence[str]) -> UsageProblem:
    more = len(problems) - MOST_TOLD
    told = [*problems[:MOST_TOLD], *([f"and {more} more lines"] if more > 0 else [])]
    return UsageProblem("\n  ".join([f"{shown(file)} cannot be used:", *told]), _DOCUMENTATION)


def _lines(content: bytes, file: str) -> list[tuple[int, str]]:
    """Lines that say something, with their numbers."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _problem(file, [f"line {line}: the byte 0x{content[error.start]:02x} is not UTF-8"]) from None
    numbered = enumerate((line.rstrip("\r") for line in text.split("\n")), 1)
    return [(number, line) for number, line in numbered if line.strip() and not line.lstrip().startswith("#")]


def _cells(line: str) -> list[str]:
    """The values of one line, which has no line breaks within."""
    try:
        [cells] = csv.reader([line], strict=True)
    except (csv.Error, ValueError) as error:
        raise _WrongError(f"it is not comma-separated values: {error}") from None
    return [cell.strip() for cell in cells]


def _columns(names: Sequence[str]) -> list[str]:
    unknown = [quoted(name) for name in names if name not in COLUMNS]
    if unknown:
        wrong = f"{', '.join(unknown[:MOST_TOLD])} {'is no column' if len(unknown) == 1 else 'are no columns'}"
        raise _WrongError(f"{wrong}; there are {', '.join(COLUMNS)}")
    twice = [name for name in COLUMNS if names.count(name) > 1]
    if twice:
        raise _WrongError(f"the column {twice[0]} stands there twice")
    if "host" not in names:
        raise _WrongError("there is no column host")
    return list(names)


def _row(columns: Sequence[str], cells: Sequence[str]) -> tuple[Mapping[str, Any], bool]:
    """One line's values, and whether it removes its host; all that is wrong with it in one _WrongError."""
    given = {name: cell for name, cell in zip(columns, cells) if cell}
    removes = given.get("host", "").startswith("-")
    # Who removes a host need not type the commas behind it.
    if len(cells) > len(columns) or (len(cells) < len(columns) and not removes):
        raise _WrongError(f"it has {len(cells)} values for {len(columns)} columns")
    if removes:
        given["host"] = given["host"][1:].strip()
        others = [name for name in given if name != "host"]
        if others:
            raise _WrongError(f"{others[0]}: a host that is removed has no other values")
    read = {name: _value(name, cell) for name, cell in {"host": "", **given}.items()}
    wrong = [f"{name}: {why}" for name, (_, why) in read.items() if why]
    if not wrong and ("lat" in read) != ("lon" in read):
        wrong.append("lat and lon: one stands there without the other")
    if wrong:
        raise _WrongError("; ".join(wrong))
    return {name: value for name, (value, _) in read.items()}, removes


def _value(name: str, cell: str) -> tuple[Any, str]:
    """What a cell says, or why it says nothing."""
    try:
        return COLUMNS[name].read(cell), ""
    except UsageProblem as problem:
        return None, problem.message
    except (ValueError, KeyError):
        return None, f"{quoted(cell)} is not {COLUMNS[name].allowed}"
