"""What the daemon's configuration says, ours and the operator's own files together. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Optional

from ntpjoin.facts import Directive, Facts, FileFact
from ntpjoin.look.config import main_directives
from ntpjoin.model import Check, CheckState
from ntpjoin.systems import Row, to_type


def lines(facts: Facts, row: Row) -> tuple[Directive, ...]:
    """All directives of our file and of the operator's, in the daemon's order; none of a file that may not be read."""
    if facts.files.get(row.config) is None:
        return facts.directives
    found: list[Directive] = []
    for line in main_directives(facts, row):
        found += facts.directives if includes(line) == row.include else (line,)
    return (*found, *facts.directives) if row.snippets else tuple(found)


def place(facts: Facts, row: Row) -> str:
    """The file into which lines of the operator's own go: the one that is included, where it is; else the main one."""
    included = row.snippets or any(includes(line) == row.include for line in main_directives(facts, row))
    return row.include if included else row.config


def read_lines(facts: Facts, row: Row) -> Optional[tuple[Directive, ...]]:
    """Those that the running daemon has read; None where they cannot be seen, or are not the point.

    Not the point: no ntpd runs, it reads another file than ours, or the package's own has come back in its place. That is one
    fault, the checks of the service tell it, and what mends it puts all these lines in their place.
    """
    file = facts.files.get(row.config)
    known = reads_ours(facts, row) and file is not None and _seen(file) and not facts.unread
    return lines(facts, row) if known else None


def reads_ours(facts: Facts, row: Row) -> bool:
    """Whether the daemon was told to read our file, and the package's own is not there instead of it."""
    file = facts.files.get(row.config)
    replaced = file is not None and file.stock and not file.ours and row.config in facts.journal.written
    return facts.daemon is not None and facts.daemon.config == row.config and not replaced


def includes(line: Directive) -> str:
    """The file that a line includes, '' where it includes none."""
    return line.words[1] if line.words[0] == "includefile" and len(line.words) == 2 else ""


def unseen(facts: Facts, row: Row) -> Iterator[Check]:
    """Why they cannot be judged, or not all of them; told once, for all checks that rest on them."""
    file = facts.files.get(row.config)
    if not reads_ours(facts, row) or (file is None and row.config in facts.journal.written):
        return
    known = read_lines(facts, row)
    elsewhere = [str(line) for line in known or () if includes(line)]
    if known is not None and not elsewhere:
        return
    remedy = "sudo ntpjoin verify"
    if known is not None:
        what, remedy = (
            f"what is included there is not judged: {'; '.join(elsewhere)}",
            f"move such lines to {place(facts, row)}",
        )
    elif file is None:
        what, remedy = f"{row.config} is gone", "ntpjoin setup"
    elif not file.plain:
        what, remedy = f"{row.config} is not a plain file", f"look at it: ls -l {row.config}"
    else:
        what = f"{', '.join(facts.unread or (row.config,))} may not be read"
    yield Check("config.lines", CheckState.UNKNOWN, f"not all that ntpd reads is known: {what}", remedy)


def setup(facts: Facts, row: Row) -> str:
    """What to type to have our file in place: somebody's own is replaced only where he says so."""
    return "ntpjoin setup --replace" if somebodys(facts, row) else "ntpjoin setup"


def somebodys(facts: Facts, row: Row) -> bool:
    """Whether the main file is somebody's own; whose it is, root knows."""
    file = facts.files.get(row.config)
    return not (facts.journal.unseen or file is None or file.ours or file.stock)


def take_out(culprits: Iterable[Directive], row: Row) -> str:
    """What to type to take these lines out, whoever wrote them."""
    return f"take {places(culprits, 'out of')}, then: {to_type('restart', row.unit)}"


def places(culprits: Iterable[Directive], of: str) -> str:
    """Where these lines stand, in words: their numbers `of`, or `out of`, each file."""
    found: dict[str, list[str]] = {}
    for line in dict.fromkeys(culprits):
        found.setdefault(line.path, []).append(str(line.line))
    return " and ".join(
        f"line{'s' * (len(numbers) > 1)} {', '.join(numbers)} {of} {path}" for path, numbers in found.items()
    )


def _seen(file: FileFact) -> bool:
    return file.plain and not file.unseen
