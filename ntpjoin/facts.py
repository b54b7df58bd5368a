"""What a host is and does now, as data. Only `look` makes these; everything else decides on them.

`None` means: could not be seen (not root, or the program that tells is missing). An empty collection means: looked, and none there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Optional

from ntpjoin.board import Billboard
from ntpjoin.firewall import FirewallFacts
from ntpjoin.model import Pin, Wish
from ntpjoin.records import dataclass
from ntpjoin.surroundings import Surroundings
from ntpjoin.systems import Init, Refusal, Row

if TYPE_CHECKING:  # few commands look at it
    from ntpjoin.web import WebFacts


@dataclass(frozen=True)
class Directive:
    """One line of a configuration that ntpd reads: the file, the line's number, its words without comments and quotes."""

    path: str
    line: int
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {' '.join(self.words)}"


@dataclass(frozen=True)
class System:
    """The operating system, and what of it a set-up depends on. `refusal` says why it has no `row`; `init` None: none we know."""

    id: str
    version: str
    codename: str
    title: str
    row: Optional[Row]
    init: Optional[Init]
    container: str
    may_set_clock: bool
    root: bool
    refusal: Optional[Refusal] = None


@dataclass(frozen=True)
class Pinned:
    """A package at a version."""

    name: str
    version: str


@dataclass(frozen=True)
class PackageFacts:
    """`installed` names every installed package; `install`/`remove` say what asking for the row's packages would do.

    `upgrade` has those that it would bring at another version, at the one they have. `kept` has the file, at the installed
    version, of each that would be removed or upgraded; `problem` says why the packages cannot be had (`missing`: no repository has
    them), `busy` who has used the package manager for too long. `enables` is what enabling the row's repository would install first,
    `in_vain`: that was asked for, and does not help.
    """

    installed: Mapping[str, str] = field(default_factory=dict)
    unfinished: tuple[str, ...] = ()
    install: tuple[Pinned, ...] = ()
    remove: tuple[Pinned, ...] = ()
    upgrade: tuple[Pinned, ...] = ()
    kept: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""
    missing: bool = False
    busy: str = ""
    enables: tuple[Pinned, ...] = ()
    in_vain: bool = False

    def goes(self, package: str) -> bool:
        """Whether installing the row's packages would remove this one."""
        return any(one.name == package for one in self.remove)


@dataclass(frozen=True)
class FileFact:
    """A file as it is. `stock`: unchanged since the package brought it; `ours`: unchanged since we wrote it; not `plain`: a link.

    `unseen`: it is there, or its folder is, but we may not read it.
    """

    content: bytes
    mode: int
    owner: str
    stock: bool = False
    ours: bool = False
    plain: bool = True
    unseen: bool = False


@dataclass(frozen=True)
class Unit:
    """A systemd unit, in systemd's own words (systemctl show).

    `held`: we keep it from starting until it is configured; `stale`: its files have changed since systemd read them.
    """

    name: str
    load: str = "not-found"
    enabled: str = ""
    active: str = "inactive"
    sub: str = "dead"
    pid: int = 0
    invocation: str = ""
    result: str = "success"
    condition: bool = True
    held: bool = False
    stale: bool = False

    @property
    def exists(self) -> bool:
        """Whether there is such a unit, masked or not."""
        return self.load != "not-found"

    @property
    def running(self) -> bool:
        """Whether systemd says that it runs."""
        return self.active in ("active", "reloading", "activating") and not self.waits

    @property
    def waits(self) -> bool:
        """Whether it has ended and systemd will start it again later (Restart=, RestartSec=)."""
        return self.sub == "auto-restart"


@dataclass(frozen=True)
class Program:
    """The ntpjoin that runs: its Python, and the one file that it is, with its SHA-256; '' where it is installed.

    `lasts`: that file, or the package, stays where it is, is found from anywhere, and nobody but root can change it.
    """

    python: str = ""
    archive: str = ""
    digest: str = ""
    lasts: bool = False


@dataclass(frozen=True)
class Holder:
    """A process that holds UDP 123 on an address, and the unit that it belongs to, '' where that is not known."""

    pid: int
    program: str
    address: str
    unit: str = ""


#: A daemon younger than this may not have asked all its sources often enough: they are cleared when it steps the clock, and then
#: asked every 64 s.
SETTLING_S = 300.0


@dataclass(frozen=True)
class Daemon:
    """A running ntpd: its command line, the file that it was told to read, and what it says of itself over mode 6.

    `age_s` is how long it has run.
    """

    pid: int
    argv: tuple[str, ...]
    config: str
    board: Billboard = field(default_factory=Billboard)
    age_s: float = 0.0

    @property
    def peers(self) -> tuple[str, ...]:
        """The addresses of its sources."""
        return tuple(peer.address for peer in self.board.peers)

    @property
    def silent(self) -> tuple[str, ...]:
        """Sources that have not answered one of eight polls; a daemon that is young or has no system peer cannot tell yet."""
        synchronised = self.board.system is not None and self.board.system.peer_associd
        told = synchronised and self.age_s >= SETTLING_S
        return tuple(peer.address for peer in self.board.peers if peer.reach == 0) if told else ()


@dataclass(frozen=True)
class Setter:
    """Something else that sets this clock: what it is, where it was seen, and what ends it."""

    what: str
    where: str
    remedy: str


@dataclass(frozen=True)
class Space:
    """The file system below a folder that a set-up writes to: whether it takes writes, and its free bytes."""

    folder: str
    writable: bool
    free: int


@dataclass(frozen=True)
class RunFact:
    """One run in the journal: its number, whether it ended, what it wished for and pinned, and the command that it was."""

    number: int
    state: str
    wish: Wish
    pins: tuple[Pin, ...]
    command: str = "setup"


#: What a reader without root is told.
JOURNAL_UNSEEN = "what was asked for in earlier runs can only be read by root"


@dataclass(frozen=True)
class JournalFacts:
    """What earlier runs left. `restart_due`: a run died after it changed what the daemon reads and before it restarted it.

    `began` names the packages that a run that died was about to install or to remove. `problem` says why the journal cannot be
    read, `remedy` what to do about it; `unseen`: only root can read it, and what is remembered is unknown then.
    """

    runs: tuple[RunFact, ...] = ()
    written: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    restart_due: bool = False
    began: tuple[str, ...] = ()
    problem: str = ""
    unseen: bool = False
    remedy: str = ""

    @property
    def metrics(self) -> tuple[str, ...]:
        """The files that the daily checks of these runs put their metrics into."""
        return tuple(dict.fromkeys(run.wish.metrics for run in self.runs if run.wish.metrics))

    @property
    def last(self) -> Optional[RunFact]:
        """The newest run that stands, or that died; one that failed or was taken back says nothing of what the operator wants."""
        standing = [run for run in self.runs if run.state in ("open", "done")]
        return standing[-1] if standing else None


@dataclass(frozen=True)
class Zone:
    """This host's time zone by name; the tz database's zone.tab and tzdata.zi as text; '' for what is not there."""

    name: str
    table: str = ""
    links: str = ""


@dataclass(frozen=True)
class Facts:
    """All that was seen of this host.

    `dhcp_config`: a configuration that DHCP's hook made lies where the row says; `former_config`: one that a former
    package left. `directives`: what the daemon reads beside our file; `unread` are files of these that we may not read.
    `rival_clients`: a time daemon that would be replaced, and about how many others ask it, where it tells. `harmless` are the
    processes of time daemons that were told to leave the clock alone.
    `program`: what a timer would start; looked at only where one is wished for. `metrics`: the file that it would put its metrics
    into, '' where none is wished for. `leases`: addresses that the kernel will forget after so many seconds unless somebody renews
    them, temporary ones, too. `web`: the web server; None where it was not looked at.
    """

    system: System
    packages: PackageFacts = PackageFacts()
    files: Mapping[str, Optional[FileFact]] = field(default_factory=dict)
    units: Mapping[str, Unit] = field(default_factory=dict)
    holders: Optional[tuple[Holder, ...]] = ()
    daemon: Optional[Daemon] = None
    firewall: FirewallFacts = field(default_factory=FirewallFacts)
    addresses: tuple[str, ...] = ()
    leapfile_valid: bool = False
    dhcp_config: bool = False
    former_config: bool = False
    directives: tuple[Directive, ...] = ()
    unread: tuple[str, ...] = ()
    setters: tuple[Setter, ...] = ()
    rival_clients: Mapping[str, int] = field(default_factory=dict)
    harmless: frozenset[int] = frozenset()
    journal: JournalFacts = JournalFacts()
    spaces: tuple[Space, ...] = ()
    program: Program = Program()
    metrics: str = ""
    leases: Mapping[str, int] = field(default_factory=dict)
    surroundings: Surroundings = field(default_factory=Surroundings)
    web: Optional[WebFacts] = None

    def unit(self, name: str) -> Unit:
        """The unit of that name; one that is not there where systemd does not know it."""
        return self.units.get(name, Unit(name))
