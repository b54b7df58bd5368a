"""What a time daemon says of itself and of its sources, and what that means."""

from __future__ import annotations

from typing import Optional

from ntpjoin.records import dataclass

#: Where a daemon tells of a driver instead of a server: 127.127.TYPE.UNIT, in NTPsec as in classic ntpd.
REFERENCE_CLOCKS = "127.127."
#: The driver that only repeats this host's own clock.
LOCAL_CLOCK = "127.127.1."
#: Stands where a source has no address: a name that was not resolved yet, or names that servers are drawn from.
NO_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 - nothing is bound

#: The bits of a source's `flash` by which the daemon knows that it follows this host, and that it has no voice (noselect).
LOOPED, WATCHED = 0x0800, 0x1000

#: From so many polls on there is something to tell of them.
FEWEST_POLLS = 4

#: Where both engines draw the line, unless another tells them otherwise: what is further off is stepped instead of slewed (`tinker
#: step`), and no source of a greater root distance is followed (`tos maxdist`).
STEP_S, MAXDISTANCE_S = 0.128, 1.5

#: Association modes, RFC 5905, section 7.2, and the letters of those that say all.
_SYMMETRIC, _CLIENT, _BROADCAST = (1, 2), 3, 5
_TYPES = {1: "s", 2: "S", 6: "b"}


def _is_multicast(address: str) -> bool:
    """IPv4's 224/4 and IPv6's ff00::/8."""
    first = address.partition(".")[0]
    return address.lower().startswith("ff") if ":" in address else first.isdecimal() and 224 <= int(first) < 240


def majority(count: int) -> int:
    """How many of so many sources must agree before one of them is believed: more than half."""
    return count // 2 + 1


@dataclass(frozen=True)
class SystemVars:
    """What a daemon says of itself; a number is None where it gave none. `peer_associd` is 0 without a system peer.

    `smear_interval_s`: over so long it smears a leap second; None or 0 where it does not. `event` is what happened to it last, in
    ntpq's words (decode.html of the daemons' documentation), '' for nothing.
    """

    leap: int
    stratum: int
    refid: str
    peer_associd: int
    version: str
    offset_ms: Optional[float]
    root_delay_ms: Optional[float]
    root_dispersion_ms: Optional[float]
    sys_jitter_ms: Optional[float]
    frequency_ppm: Optional[float]
    smear_interval_s: Optional[float] = None
    event: str = ""

    @property
    def is_ntpsec(self) -> bool:
        """Whether it is NTPsec; else it is classic ntpd."""
        return "ntpsec" in self.version


@dataclass(frozen=True)
class Counters:
    """What a daemon has counted since it started, or since somebody reset it `since_s` ago; None where it does not tell.

    Packets `received`; of these `limited`: refused as too frequent, and of those `kods` with a kiss-o'-death; `declined`: by a
    restrict line. `dropped`: for want of a buffer. `monitored` of at most `monitored_most` addresses are remembered.
    """

    since_s: Optional[int] = None
    received: Optional[int] = None
    limited: Optional[int] = None
    kods: Optional[int] = None
    declined: Optional[int] = None
    dropped: Optional[int] = None
    monitored: Optional[int] = None
    monitored_most: Optional[int] = None


@dataclass(frozen=True)
class Peer:
    """One line of the billboard; a number is None where the daemon gave none.

    `reach` is the register of the last 8 polls (255: all answered), `when_s` the age of the last packet by the source's own clock,
    as ntpq counts it; `hmode` is 3 for a server that is followed, 1 or 2 for a symmetric peer. `source` is the name that the
    daemon has for it: of a reference clock's driver, or the one in its configuration; '' where it has none. `flash` has a bit for
    each test that its last packet failed (decode.html of the daemons' documentation; RFC 5905, section 11.2 has most of them);
    `event` is what happened to it last, as the system's. `nts_cookies` are left for it where its time is authenticated by NTS.
    `root_distance_ms` is how far from the true time it may be by its latest answers, whether or not the daemon has used them yet
    (RFC 5905, section 11.2.3, without what has come since by the age of the last one).
    """

    associd: int
    tally: str
    address: str
    refid: str
    stratum: int
    reach: int
    hmode: int
    poll_s: int
    configured: bool
    when_s: Optional[float]
    delay_ms: Optional[float]
    offset_ms: Optional[float]
    jitter_ms: Optional[float]
    source: str = ""
    flash: int = 0
    event: str = ""
    nts_cookies: Optional[int] = None
    root_distance_ms: Optional[float] = None

    @property
    def type(self) -> str:
        """What kind of source, by the letters of ntpq's column t.

        l reference clock, p pool, a manycast, u server, s and S symmetric peers that are and are not configured, b broadcast client,
        B and M broadcast and multicast server. A digit is a server whose time is authenticated by NTS: so many cookies are left.
        """
        if self.hmode == _CLIENT:
            if self.is_clock:
                return "l"
            if self.address in NO_ADDRESS and self.refid == "POOL":
                return "p"
            if _is_multicast(self.address):
                return "a"
            return "u" if self.nts_cookies is None else str(min(self.nts_cookies, 9))
        if self.hmode == _BROADCAST:
            return "M" if _is_multicast(self.address) else "B"
        return _TYPES.get(self.hmode, "?")

    @property
    def title(self) -> str:
        """What to call it."""
        return self.source or self.address

    @property
    def is_clock(self) -> bool:
        """Whether it is a reference clock at this host, no server elsewhere."""
        return self.address.startswith(REFERENCE_CLOCKS)

    @property
    def is_local(self) -> bool:
        """Whether it only repeats this host's own clock."""
        return self.address.startswith(LOCAL_CLOCK)

    @property
    def is_call(self) -> bool:
        """Whether it is nobody, but where the daemon calls out to clients, or for servers."""
        return self.hmode == _BROADCAST or _is_multicast(self.address)

    @property
    def is_symmetric(self) -> bool:
        """Whether it and this host back each other up (`peer`): each follows the other where it has nobody better."""
        return self.hmode in _SYMMETRIC

    @property
    def is_source(self) -> bool:
        """Whether it may know the time: somebody, not this host's own clock, and no name without an address."""
        return not (self.is_local or self.is_call or self.address in NO_ADDRESS)

    @property
    def answered(self) -> int:
        """How many of its last eight polls were answered."""
        return bin(self.reach & 0xFF).count("1")

    @property
    def agrees(self) -> bool:
        """Whether its time is right by the daemon's last look: an outlier, too (`-`); not who has fallen silent since."""
        return self.reach > 0 and self.tally in ("*", "+", "o", "#", "-")

    @property
    def watched(self) -> bool:
        """Whether it has no voice (noselect), as far as the daemon tells.

        The bit is that of a silent source, too, and stays for a while when that answers again (peer_unfit of both engines).
        """
        return self.answered >= FEWEST_POLLS and bool(self.flash & WATCHED)


@dataclass(frozen=True)
class Billboard:
    """A daemon's account of itself and of its sources, as `ntpq -p` shows it; no `system` where it told nothing.

    `minsane` is how many sources must survive by the configuration that the daemon reads, None where that is not known.
    """

    system: Optional[SystemVars] = None
    peers: tuple[Peer, ...] = ()
    minsane: Optional[int] = None
    counters: Counters = Counters()

    @property
    def sources(self) -> tuple[Peer, ...]:
        """Those that may know the time, reference clocks, too."""
        return tuple(peer for peer in self.peers if peer.is_source)

    @property
    def voices(self) -> tuple[Peer, ...]:
        """Those of them that the daemon listens to."""
        return tuple(peer for peer in self.sources if not peer.watched)

    @property
    def system_peer(self) -> Optional[Peer]:
        """The source that the clock follows. Where nobody answers any more the daemon names it for some polls on: there is none."""
        number = self.system.peer_associd if self.system else 0
        named = next((peer for peer in self.peers if number and peer.associd == number), None)
        return named if named and (named.reach or self.replying) else None

    @property
    def needed(self) -> int:
        """How many of them must agree; of a daemon whose configuration is not known more than half."""
        return majority(len(self.voices)) if self.minsane is None else self.minsane

    @property
    def survivors(self) -> int:
        """How many sources agree with each other: system peer, candidates and backups.

        Those that agree, too, and are left out as there are enough, count where a majority is asked for, not for `minsane`
        (ntp_proto.c of both engines, clock_select).
        """
        return sum(peer.agrees and (self.minsane is None or peer.tally != "-") for peer in self.sources)

    @property
    def replying(self) -> int:
        """How many sources have answered one of the last eight polls."""
        return sum(peer.reach > 0 for peer in self.sources)

    @property
    def clients(self) -> int:
        """About how many others have asked it lately: whom it remembers, without its own sources and this host."""
        servers = [peer for peer in self.sources if not peer.is_clock]
        return max(0, (self.counters.monitored or 0) - len(servers) - 1)

    @property
    def settled(self) -> bool:
        """A system peer, at least minsane survivors, leap not 3."""
        peer = self.system_peer
        if self.system is None or peer is None or peer.is_local or self.system.leap == 3:
            return False
        return self.survivors >= self.needed
