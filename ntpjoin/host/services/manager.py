"""What every init can do; a module for each does it in its own words. What they say of success proves nothing; look again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Optional, Protocol

from ntpjoin.facts import Unit
from ntpjoin.host.machine import Host
from ntpjoin.host.services import systemd
from ntpjoin.systems import Init


class Services(Protocol):
    """One init. Names are those that `unit_name` makes of the table's."""

    def show(self, host: Host, names: Sequence[str]) -> Mapping[str, Unit]:
        """The units of these names; one that is not there is told as such. Raises CommandFailed where the init does not answer."""
        ...

    def start(self, host: Host, name: str, *, again: bool = False) -> None:
        """Start a unit, or start it again."""
        ...

    def stop(self, host: Host, name: str) -> None:
        """Stop a unit. Raises CommandFailed."""
        ...

    def renew(self, host: Host, name: str) -> None:
        """Have what runs read its configuration anew, without a break. Raises CommandFailed."""
        ...

    def forget_failure(self, host: Host, name: str) -> None:
        """Let a unit that failed count as never started."""
        ...

    def set_enabled(self, host: Host, name: str, *, enabled: bool) -> None:
        """Let a unit start at boot, or not. Raises CommandFailed."""
        ...

    def hold(self, host: Host, name: str) -> None:
        """Keep a unit from starting, whoever asks, also one that is yet to be installed, until it is released."""
        ...

    def release(self, host: Host, name: str) -> None:
        """Let the unit start again."""
        ...

    def log(self, host: Host, unit: Unit) -> tuple[str, ...]:
        """What the unit's newest start wrote to the log."""
        ...


def init(host: Host) -> Optional[Init]:
    """Which init this machine was booted with; None for any other."""
    if systemd.running(host):
        return "systemd"
    from ntpjoin.host.services import sysv  # noqa: PLC0415 - few machines have it

    return "init scripts" if sysv.running(host) else None


def services(host: Host) -> Services:
    """The init of this machine."""
    if systemd.running(host):
        return systemd
    from ntpjoin.host.services import sysv  # noqa: PLC0415

    return sysv
