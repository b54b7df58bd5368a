"""What every change can do, and the site it works on."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from ntpjoin.facts import Facts
from ntpjoin.host.machine import Host
from ntpjoin.model import Before, Step, Undone
from ntpjoin.records import dataclass

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True)
class Site:
    """Where a change is made: the machine, and in the journal the run's folder for what undo will need, and the entry's number."""

    host: Host
    folder: str
    number: int = 0

    @property
    def log(self) -> str:
        """Takes everything the package manager says."""
        return f"{self.folder}/packages.log"


@dataclass(frozen=True)
class Change(ABC):
    """One change to this machine.

    The loop in `apply` skips it if it `holds`, writes `before` to the journal, applies it, looks again at `part` of the facts, and
    asks once more whether it holds. Deciding (`describe`, `holds`) is pure.
    """

    kind: ClassVar[str] = ""
    part: ClassVar[str] = ""
    step: ClassVar[Step]
    #: Bytes that taking it back may need on a disk that has become full meanwhile.
    room: ClassVar[int] = 1 << 20

    @property
    @abstractmethod
    def object(self) -> str:
        """What is changed: a path, a unit, a port."""

    @abstractmethod
    def describe(self) -> str:
        """What will be done, in a few words that begin with a verb."""

    @abstractmethod
    def done(self, facts: Facts) -> str:
        """What has been done, in a few words that begin with a verb in the past; `facts` are those of the look that proved it."""

    @abstractmethod
    def holds(self, facts: Facts) -> bool:
        """Whether it is so already."""

    def why_not(self, facts: Facts) -> str:
        """Why it does not hold although it was applied, in words for the user."""
        del facts
        return f"it does not hold: {self.describe()}"

    @abstractmethod
    def before(self, site: Site) -> Before:
        """Everything that undo will need, JSON-able."""

    @abstractmethod
    def apply(self, site: Site) -> None:
        """Make it so."""

    @abstractmethod
    def undo(self, site: Site, before: Before) -> Undone:
        """Bring back what was before. Works offline, and on a change that was begun only."""

    def diff(self, facts: Facts) -> str:
        """What will differ in a file, as a unified diff; '' where nothing will, or where it is no file."""
        del facts
        return ""

    def read_by(self) -> str:
        """The unit that must be restarted to see this change, '' where there is none."""
        return ""

    def fields(self) -> dict[str, Any]:
        """Its fields for the journal."""
        return dataclasses.asdict(self)

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> Self:
        """The change with these fields; lists become tuples as they were."""
        return cls(**{name: _frozen(value) for name, value in fields.items()})


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, (list, tuple)) else value


def listed(names: tuple[str, ...], most: int = 3) -> str:
    """'a, b, c and 4 more'."""
    if len(names) <= most + 1:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"
