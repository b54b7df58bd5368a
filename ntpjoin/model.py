"""The nouns of ntpjoin: frozen dataclasses that every room shares.

Units stand in the names: seconds are `_s`, milliseconds `_ms`. Addresses are canonical text (`ipaddress`), paths are absolute text.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, Optional, Protocol

from ntpjoin.records import dataclass

if TYPE_CHECKING:
    from ntpjoin.facts import Directive

Family = Literal["IPv4", "IPv6"]
FAMILIES: tuple[Family, ...] = ("IPv4", "IPv6")

#: JSON-able state that undo needs.
Before = dict[str, Any]


# --- what the operator wants -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wish:
    """What the operator asked for; remembered from run to run, an option not given keeps its value.

    Where no `upstreams` are named they are chosen: from our own catalogue or the file `catalogue`, near `near` (latitude and
    longitude), or the `country`, or the place of the time zone; `from_pool` adds the pool's servers of a country. With
    `accept_catalogue` only such as are open to all and want no mail, and nobody needs to look at them. `monitor` is a daily
    check, which puts its metrics into the file `metrics`, unless that is ''. `notrack`: the kernel does not track NTP.
    """

    upstreams: tuple[str, ...] = ()
    few: bool = False
    firewall: bool = True
    allow_private: bool = False
    public_addresses: tuple[str, ...] = ()
    country: str = ""
    near: str = ""
    catalogue: str = ""
    from_pool: str = ""
    accept_catalogue: bool = False
    monitor: bool = False
    metrics: str = ""
    notrack: bool = False


@dataclass(frozen=True)
class Consent:
    """What the operator allows in this run alone; never remembered."""

    replace: bool = False
    allow_step: bool = False
    attended: bool = False
    enable_epel: bool = False


# --- upstreams ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Resolved:
    """A name and where it leads: its CNAME chain (last name last, empty without one) and addresses, or why there are none.

    Not `whole`: the question for one of the two families was not answered.
    """

    name: str
    chain: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    ttl_s: Optional[int] = None
    problem: str = ""
    whole: bool = True

    @property
    def untold(self) -> str:
        """Where it has addresses: the family of which DNS did not tell whether it has some of that, too; '' where it did."""
        return "" if self.whole or not self.addresses else "IPv4" if ":" in self.addresses[0] else "IPv6"

    def told_beside(self, address: str) -> tuple[str, ...]:
        """Its addresses; none where those of this one's family may be missing, because that question was not answered."""
        return self.addresses if self.whole or any((":" in one) == (":" in address) for one in self.addresses) else ()


@dataclass(frozen=True)
class Sample:
    """One answered exchange with a server in client mode (RFC 5905, section 8), this host's clock as reference.

    `reference_age_s`: how long ago, by its own account, its clock was set last.
    """

    address: str
    offset_s: float
    delay_s: float
    stratum: int
    leap: int
    refid: str
    root_delay_s: float
    root_dispersion_s: float
    precision: int
    reference_age_s: float = 0.0

    @property
    def root_distance_s(self) -> float:
        """Half the delay to the reference clock and back, and the dispersion collected on the way (RFC 5905, A.5.5.2)."""
        return (self.root_delay_s + self.delay_s) / 2 + self.root_dispersion_s


#: How a problem begins that is a kiss-o'-death; its code follows.
KISS = "kiss-o'-death "


@dataclass(frozen=True)
class Asked:
    """What became of asking one address: the best of its samples, or the reason why there is none that counts.

    It was `sent` so many questions (none: this host could not ask) and `heard` so often; `jitter_s` is the spread of its
    offsets. `samples` are all of them, in the order in which they came.
    """

    address: str
    sample: Optional[Sample] = None
    problem: str = ""
    sent: int = 0
    heard: int = 0
    jitter_s: float = 0.0
    samples: tuple[Sample, ...] = ()

    @property
    def kiss(self) -> str:
        """The code of the kiss-o'-death that it sent, '' where it sent none."""
        return self.problem[len(KISS) :] if self.problem.startswith(KISS) else ""


@dataclass(frozen=True)
class Candidate:
    """One upstream as named, where it leads, and what each of its addresses answered."""

    resolved: Resolved
    asked: tuple[Asked, ...] = ()

    @property
    def name(self) -> str:
        """The name as the operator typed it."""
        return self.resolved.name


@dataclass(frozen=True)
class Chosen:
    """An upstream to follow, pinned to one address; `about`: its operator and place, where they are known."""

    name: str
    address: str
    sample: Sample
    about: str = ""


@dataclass(frozen=True)
class Dropped:
    """An upstream that is not followed, and why, in words; `rule` where a rule and not a measurement spoke.

    `remedy` is the option that would let it be followed, "" where there is none. `good`: it could be, but others are better.
    """

    name: str
    why: str
    rule: bool = False
    remedy: str = ""
    good: bool = False


@dataclass(frozen=True)
class Choice:
    """Whom to follow. `asked` counts the names; `offset_s` is the middle offset of the chosen (positive: this clock is behind).

    `waived` says, in words, which rules of diversity they do not keep, because nobody else was good.
    """

    asked: int = 0
    chosen: tuple[Chosen, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    offset_s: Optional[float] = None
    spread_s: Optional[float] = None
    waived: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pin:
    """An upstream as the configuration holds it: the name, in a comment, and the one address asked.

    `minpoll` (log2 of seconds; 0: the daemon's default) and `iburst` are as its operator asks.
    """

    name: str
    address: str
    minpoll: int = 0
    iburst: bool = True


# --- changes and what becomes of them ----------------------------------------------------------------------------------


class Step(str, Enum):
    """The steps of a set-up, in their order; the words stand in plan, output and documentation."""

    PACKAGE = "package"
    CONFIG = "config"
    SERVICE = "service"
    MONITOR = "monitor"
    FIREWALL = "firewall"
    WEB = "web"


@dataclass(frozen=True)
class Undone:
    """What became of taking one change back: restored; kept, because somebody edited it since; or failed."""

    state: Literal["restored", "kept", "failed"]
    text: str


@dataclass(frozen=True)
class Blocker:
    """One reason why nothing will be touched, and what to do about it. `code` is stable."""

    code: str
    text: str
    remedy: str = ""


@dataclass(frozen=True)
class Note:
    """Something to know before saying yes; a warning where it may hurt."""

    text: str
    warning: bool = False


class CheckState(str, Enum):
    """How a check ended; `unknown` says that it could not be seen from here."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Measure:
    """The number that a check judges: it warns beyond `warn` and fails beyond `fail`, where there are such thresholds.

    Of what is counted they are the last that is good and the last that is no fault; a part of a whole that `falls` is bad at them.
    `unit` is `s` for seconds, `%`, or "" for what is counted. `falls`: less is worse. `most`: of more than that it warns, too.
    """

    value: float
    unit: Literal["s", "%", ""] = ""
    warn: Optional[float] = None
    fail: Optional[float] = None
    falls: bool = False
    most: Optional[float] = None


@dataclass(frozen=True)
class Check:
    """One answered question about a server. `id` is stable; `remedy` is what to type; it blames these `lines` of a configuration."""

    id: str
    state: CheckState
    text: str
    remedy: str = ""
    measure: Optional[Measure] = None
    lines: tuple[Directive, ...] = ()


# --- what is told while it happens -------------------------------------------------------------------------------------

EventKind = Literal["looking", "begin", "done", "unchanged", "failed", "wait", "undo", "heard"]


@dataclass(frozen=True)
class Event:
    """Something happened. `wait` events come again and again while waiting: `elapsed_s` of `limit_s`; `heard` is a signal."""

    kind: EventKind
    step: str
    text: str
    elapsed_s: float = 0.0
    limit_s: float = 0.0


class Tell(Protocol):
    """Whoever wants to know what happens; cli wires it to show."""

    def __call__(self, event: Event, /) -> None:
        """Take one event."""
        ...
