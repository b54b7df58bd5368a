"""What lies around the daemon on its host, beside its own words: whose its files are, what holds it back, what carries its packets.

`None` means, as everywhere in the facts: could not be seen.
"""

from __future__ import annotations

from typing import Literal, Optional

from ntpjoin.records import dataclass

READ, WRITE, ENTER = 4, 2, 1


@dataclass(frozen=True)
class Place:
    """A file or folder: whose it is, by number and as 'user:group', and its mode."""

    path: str
    uid: int
    gid: int
    owner: str
    mode: int


@dataclass(frozen=True)
class Identity:
    """As whom a process acts: its user and groups by number, and as 'user:group'.

    It `overrides` the modes of files where it has CAP_DAC_OVERRIDE (capabilities(7)).
    """

    uid: int
    groups: frozenset[int]
    owner: str
    overrides: bool = False

    def may(self, place: Place, bits: int) -> bool:
        """Whether the mode allows it all of READ, WRITE, ENTER that are asked for: the first of owner, group, others that fits."""
        shift = 6 if self.uid == place.uid else 3 if place.gid in self.groups else 0
        return self.overrides or place.mode >> shift & bits == bits


@dataclass(frozen=True)
class Leapfile:
    """The list of leap seconds that the configuration names, in `line`; or, where no line does, the one that this system has.

    `place` is None where there is no such file. `valid`: its hash is right, or the line says not to look at it. `expires` is a date
    (2026-12-28), and `days` are left until then; negative: they are past.
    """

    path: str
    line: str = ""
    place: Optional[Place] = None
    valid: bool = False
    expires: str = ""
    days: Optional[int] = None


@dataclass(frozen=True)
class Denial:
    """Something that AppArmor or SELinux did not let the daemon do.

    `what` is AppArmor's operation, or SELinux' permissions; `name` the file or the capability; `mask` the letters of what AppArmor
    denied, `family` and `sock` the kind of a socket.
    """

    what: str
    name: str = ""
    mask: str = ""
    family: str = ""
    sock: str = ""


@dataclass(frozen=True)
class Confinement:
    """What AppArmor (its profile, and the profile's file, '' where it is not found) or SELinux (its context) holds the daemon to.

    `denials` are those of this very process; None where the logs that have them cannot be read.
    """

    by: Literal["AppArmor", "SELinux"]
    profile: str
    file: str = ""
    denials: Optional[tuple[Denial, ...]] = ()


@dataclass(frozen=True)
class Tracking:
    """How many connections the kernel tracks, and how many at most; 0: no limit."""

    count: int
    most: int


@dataclass(frozen=True)
class Machine:
    """What this host runs on: `virtual` where it is a virtual machine, `product` what the maker calls it, `container` its kind.

    `clocksource` is what the kernel reads the time from, `clocksources` all that it could, the best first. `stolen_percent`: the part
    of its time since it started in which the machine below gave the processors to others. `memory_kb` is all of its memory, 0
    where it does not tell.
    """

    virtual: bool = False
    product: str = ""
    container: str = ""
    clocksource: str = ""
    clocksources: tuple[str, ...] = ()
    stolen_percent: Optional[float] = None
    memory_kb: int = 0


@dataclass(frozen=True)
class Surroundings:
    """All of that. `identity` and `confinement` are the daemon's; `confinement` None: nothing holds it to anything.

    `drift` is the drift file that the configuration names, '' where it names none, `drift_folder` the folder it lies in, None where
    that is not there. `leapfile` None: the configuration could not be read. `replaced`: another program lies now where the running
    daemon was started from. `tracking` None: no connections are tracked here.
    """

    identity: Optional[Identity] = None
    replaced: bool = False
    drift: str = ""
    drift_folder: Optional[Place] = None
    leapfile: Optional[Leapfile] = None
    confinement: Optional[Confinement] = None
    tracking: Optional[Tracking] = None
    machine: Machine = Machine()
