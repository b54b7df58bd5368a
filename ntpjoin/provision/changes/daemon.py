"""Running the time daemon, or only starting it again, and the proof that it is our configuration that it runs with."""

from __future__ import annotations

from time import monotonic, sleep
from typing import ClassVar, Optional

from ntpjoin.errors import StepFailed
from ntpjoin.facts import Daemon, Facts
from ntpjoin.host import ports
from ntpjoin.host.services.manager import services
from ntpjoin.model import Before, Step, Undone
from ntpjoin.provision.changes.base import Change, Site
from ntpjoin.provision.changes.units import bring_back, look, remember
from ntpjoin.records import dataclass
from ntpjoin.systems import to_type

#: How long the daemon may take to hold its port, and how long it must then have lived: a daemon that finds its port taken, or
#: a file unreadable, ends within a second or two while `systemctl start` has long said 0.
_UP_S = 30.0
_STEADY_S = 3.0


@dataclass(frozen=True)
class RestartDaemon(Change):
    """Have the daemon running as another invocation than `stale` ('': it does not run), holding UDP 123 and reading `config`."""

    kind: ClassVar[str] = "restart"
    part: ClassVar[str] = "daemon"
    step: ClassVar[Step] = Step.SERVICE

    unit: str
    config: str
    stale: str

    @property
    def object(self) -> str:
        """The unit."""
        return self.unit

    def describe(self) -> str:
        """Start or restart."""
        return f"restart {self.unit}" if self.stale else f"start {self.unit}"

    def done(self, facts: Facts) -> str:
        """What was seen of it."""
        return f"{self.unit} runs anew as process {facts.unit(self.unit).pid}, reads {self.config}, holds UDP 123"

    def holds(self, facts: Facts) -> bool:
        """Whether it is another invocation, and serves."""
        return not _wrong_process(facts, self.unit, self.config, self.stale)

    def why_not(self, facts: Facts) -> str:
        """The first thing that is not as it should be."""
        return _wrong_process(facts, self.unit, self.config, self.stale)

    def before(self, site: Site) -> Before:
        """The unit's states."""
        return remember(site.host, self.unit)

    def apply(self, site: Site) -> None:
        """Start it, again where it runs, and watch that it stays."""
        restart(site, self.unit)

    def undo(self, site: Site, before: Before) -> Undone:
        """The unit's states as they were; the process that ran is gone."""
        return bring_back(site.host, self.unit, before)


@dataclass(frozen=True)
class RunDaemon(Change):
    """Have the daemon enabled, running, holding UDP 123, reading `config` and following exactly `peers`.

    `stale` is the invocation that has not read what was written since, '' where there is none: then it is started again.
    With `others` the operator's own include file may bring more peers than ours.
    """

    kind: ClassVar[str] = "daemon"
    part: ClassVar[str] = "daemon"
    step: ClassVar[Step] = Step.SERVICE

    unit: str
    config: str
    peers: tuple[str, ...]
    stale: str = ""
    fresh: bool = True
    others: bool = False

    @property
    def object(self) -> str:
        """The unit."""
        return self.unit

    def describe(self) -> str:
        """Start or restart."""
        return f"enable and start {self.unit}" if self.fresh else f"restart {self.unit}"

    def done(self, facts: Facts) -> str:
        """What was seen of it."""
        del facts
        return f"{self.unit} runs and reads {self.config}"

    def holds(self, facts: Facts) -> bool:
        """Whether systemd, the process table, the sockets and the daemon itself all say so."""
        return not self._wrong(facts)

    def why_not(self, facts: Facts) -> str:
        """The first thing that is not as it should be."""
        return self._wrong(facts)

    def _wrong(self, facts: Facts) -> str:
        unit = facts.unit(self.unit)
        if unit.running and unit.enabled != "enabled":
            return f"{self.unit} is {unit.enabled}, it would not run after a reboot"
        if unit.running and unit.held:
            return f"{self.unit} is held back, it would not run after a reboot"
        return _wrong_process(facts, self.unit, self.config, self.stale) or self._wrong_peers(facts.daemon)

    def _wrong_peers(self, daemon: Optional[Daemon]) -> str:
        if daemon is None or daemon.board.system is None:
            return "ntpd does not tell its peers on the loopback address"
        ours, theirs = set(self.peers), set(daemon.peers)
        if ours - theirs or (theirs - ours and not self.others):
            return f"ntpd follows {', '.join(sorted(theirs)) or 'nobody'}, not {', '.join(sorted(ours))}"
        return ""

    def before(self, site: Site) -> Before:
        """The unit's states."""
        return remember(site.host, self.unit)

    def apply(self, site: Site) -> None:
        """Let it start, enable, start (again, where it runs), and watch that it stays."""
        if look(site.host, self.unit).held:
            services(site.host).release(site.host, self.unit)
        services(site.host).set_enabled(site.host, self.unit, enabled=True)
        restart(site, self.unit)

    def undo(self, site: Site, before: Before) -> Undone:
        """The unit's states as they were."""
        return bring_back(site.host, self.unit, before)


def _wrong_process(facts: Facts, name: str, config: str, stale: str) -> str:
    """What is not as it should be with the daemon's process, as systemd, the process table and the sockets tell it; or ''."""
    unit, daemon = facts.unit(name), facts.daemon
    if not unit.running:
        skipped = (
            "" if unit.condition else f": a condition of the unit is not met ({to_type('status', name)} tells which)"
        )
        return f"{name} does not run{skipped}"
    if stale and unit.invocation == stale:
        return f"{name} was not started again, it runs with the old configuration"
    if daemon is None or daemon.pid != unit.pid:
        return f"the process of {name} is not ntpd"
    if daemon.config != config:
        return f"ntpd reads {daemon.config}, not {config}"
    if not any(holder.pid == daemon.pid for holder in facts.holders or ()):
        return "ntpd does not hold UDP 123"
    return ""


def restart(site: Site, unit: str) -> None:
    """Start a unit, again where it runs, and watch it until it holds UDP 123 and has stayed."""
    host = site.host
    running = look(host, unit).running
    services(host).start(host, unit, again=running)
    deadline, pid, since = monotonic() + _UP_S, 0, monotonic()
    while monotonic() < deadline:
        now = look(host, unit)
        if now.active in ("failed", "inactive") or now.waits:
            words = "\n".join(services(host).log(host, now)[-8:])
            reason = f"it ended ({now.result})" if now.condition else "a condition of the unit is not met"
            raise StepFailed(
                f"{unit} does not stay up: {reason}\n{words}".rstrip(), f"look at: {to_type('status', unit)}"
            )
        holds = any(holder.pid == now.pid for holder in ports.holders(host, 123) or ())
        if not holds or now.pid != pid:
            pid, since = now.pid, monotonic()
        elif monotonic() - since >= _STEADY_S:
            return
        sleep(0.25)
    raise StepFailed(f"{unit} runs but did not hold UDP 123 within {_UP_S:g} s", f"look at: {to_type('status', unit)}")
