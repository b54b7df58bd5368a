"""A fault as a row of the table, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Optional

from tests.real.planted.host import Check, Host

#: What a human does who has read these checks.
Mend = Callable[[Host, Sequence[Check]], None]


@dataclass(frozen=True)
class Sign:
    """What a check must say: its id, how it ends, and words that its text or its remedy has."""

    id: str
    state: str
    words: tuple[str, ...] = ()

    def is_in(self, check: Check) -> bool:
        """Whether this check says so."""
        said = f"{check['text']} | {check['remedy']}"
        return (check["id"], check["state"]) == (self.id, self.state) and all(word in said for word in self.words)

    def __str__(self) -> str:
        return f"{self.id} {self.state}"


def fails(id: str, *words: str) -> Sign:  # noqa: A002 - as in JSON
    return Sign(id, "fail", words)


def warns(id: str, *words: str) -> Sign:  # noqa: A002
    return Sign(id, "warn", words)


def unknown(id: str, *words: str) -> Sign:  # noqa: A002
    return Sign(id, "unknown", words)


def type_commands(host: Host, line: str) -> None:
    """Type a line of commands, which must work."""
    assert line, "there is nothing to type"
    done = host.type(line)
    assert done.code == 0, f"{line}: exit {done.code}\n{done.out}{done.err}"


def type_remedies(host: Host, found: Sequence[Check]) -> None:
    """Type each remedy as it is printed, in the order of the checks."""
    for remedy in dict.fromkeys(check["remedy"] for check in found):
        type_commands(host, remedy)


def type_first(host: Host, found: Sequence[Check]) -> None:
    """Type the first of several remedies that say the same."""
    type_commands(host, found[0]["remedy"])


def type_between(before: str, after: str = "\n") -> Mend:
    """Type what stands in the remedy between these words."""

    def mend(host: Host, found: Sequence[Check]) -> None:
        remedy = found[0]["remedy"]
        assert before in remedy, remedy
        type_commands(host, remedy[remedy.index(before) + len(before) :].partition(after)[0])

    return mend


def take_lines_out(host: Host, found: Sequence[Check]) -> None:
    """Take out the lines that the remedies name, and type what stands behind `then: `."""
    host.take_out(" | ".join(check["remedy"] for check in found))
    type_commands(host, found[0]["remedy"].rpartition("then: ")[2])


def take_told_out(host: Host, found: Sequence[Check]) -> None:
    """The same where the text names them, and the remedy says to take that out."""
    assert found[0]["remedy"].startswith("take "), found[0]["remedy"]
    host.take_out(found[0]["text"])
    type_commands(host, found[0]["remedy"].rpartition("then: ")[2])


def own_lines(*lines: str) -> Callable[[Host], None]:
    """These lines stand in the operator's own file, and the daemon has read them."""

    def plant(host: Host) -> None:
        host.own_lines(*lines)

    return plant


def typed(line: str) -> Callable[[Host], None]:
    """Somebody has typed this."""

    def plant(host: Host) -> None:
        host.run(line)

    return plant


@dataclass(frozen=True)
class Fault:
    """A row: how it is planted, and what must be found then.

    `signs`: what is to be found, the right check first; `follows`: what is true as well because of it, with the reason. All else that
    is not ok and was ok before is a false alarm. `wait_s`: how long `verify` may wait for the daemon to settle, 0 where it cannot.
    `mend` does what the remedies say, None: no command can, and the words of the signs explain that.
    """

    name: str
    plant: Callable[[Host], None]
    signs: tuple[Sign, ...]
    follows: Mapping[Sign, str] = field(default_factory=dict)
    mend: Optional[Mend] = type_remedies
    wait_s: float = 60
    mended_wait_s: float = 120
