"""The server as it stands: what undo must bring back, in a form that can be compared."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Optional, Protocol

from tests.lab.process import Result

COLLECTOR = Path(__file__).with_name("collector.py")
COUNTERS = re.compile(r"counter packets \d+ bytes \d+|\[\d+:\d+\]|# (?:Generated|Completed) .*")


class Runner(Protocol):
    def run(
        self,
        argv: Sequence[str],
        *,
        check: bool = ...,
        timeout: float = ...,
        input: Optional[str] = ...,  # noqa: A002
    ) -> Result: ...


@dataclass(frozen=True)
class Snapshot:
    """Each part maps a thing's name to what is known of it.

    etc: path -> (type, mode, uid, gid, sha256 of a file or target of a link); packages: name ->
    (version, auto or manual, dpkg status); units: name -> (enabled or masked …, active …);
    firewall: command -> what it prints, without counters.
    """

    etc: Mapping[str, tuple[str, ...]]
    packages: Mapping[str, tuple[str, ...]]
    units: Mapping[str, tuple[str, ...]]
    firewall: Mapping[str, tuple[str, ...]]

    def diff(self, other: Snapshot) -> list[str]:
        """What is different in `other`, one line each, sorted; empty when they are equal."""
        lines = []
        for field in fields(self):
            mine: Mapping[str, tuple[str, ...]] = getattr(self, field.name)
            theirs: Mapping[str, tuple[str, ...]] = getattr(other, field.name)
            for name in {*mine, *theirs}:
                if mine.get(name) != theirs.get(name):
                    before, after = changed(mine.get(name), theirs.get(name))
                    lines.append(f"{field.name}: {name}: {before} -> {after}")
        return sorted(lines)

    def as_json(self) -> str:
        return json.dumps({field.name: getattr(self, field.name) for field in fields(self)}, indent=1, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Snapshot:
        return cls(**parts(json.loads(text)))


Rows = Optional[tuple[str, ...]]


def changed(before: Rows, after: Rows) -> tuple[str, str]:
    """Long listings (the firewall's) are told by the lines that differ."""
    if before is not None and after is not None and max(len(before), len(after)) > 5:
        old, new = before, after
        before = tuple(line for line in old if line not in new)
        after = tuple(line for line in new if line not in old)
    return shown(before), shown(after)


def shown(rows: Rows) -> str:
    return "absent" if rows is None else " ".join(rows) or "nothing"


def parts(found: Any) -> dict[str, dict[str, tuple[str, ...]]]:
    return {part: {name: tuple(value) for name, value in rows.items()} for part, rows in found.items()}


def clean(text: str) -> list[str]:
    return [line.rstrip() for line in COUNTERS.sub("", text).splitlines() if line.strip()]


def take(server: Runner, timeout: float) -> Snapshot:
    found = json.loads(server.run(["python3", "-I", "-"], check=True, timeout=timeout, input=COLLECTOR.read_text()).out)
    found["firewall"] = {command: clean(text) for command, text in found["firewall"].items()}
    return Snapshot(**parts(found))
