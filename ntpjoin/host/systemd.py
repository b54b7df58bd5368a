"""systemd through systemctl(1): what a unit is, and changing it. Exit codes of systemctl prove nothing; look again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ntpjoin.facts import Unit
from ntpjoin.host.machine import Host

_PROPERTIES = "Id,LoadState,UnitFileState,ActiveState,SubState,MainPID,InvocationID,Result,ConditionResult"


def running(host: Host) -> bool:
    """Whether systemd manages this machine (sd_booted(3))."""
    return host.exists("/run/systemd/system")


def show(host: Host, names: Sequence[str]) -> Mapping[str, Unit]:
    """The units of these names, all asked at once. An alias is found under the name asked and tells its real name."""
    said = host.run(["systemctl", "show", "-p", _PROPERTIES, "--", *names], check=False)
    blocks = said.out.strip("\n").split("\n\n") if said.code == 0 else []
    return {name: _unit(name, block) for name, block in zip(names, blocks)}


def _unit(name: str, block: str) -> Unit:
    values: dict[str, str] = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
    return Unit(
        name=values.get("Id", name),
        load=values.get("LoadState", "not-found"),
        enabled=values.get("UnitFileState", ""),
        active=values.get("ActiveState", "inactive"),
        sub=values.get("SubState", "dead"),
        pid=int(values.get("MainPID", "0") or 0),
        invocation=values.get("InvocationID", ""),
        result=values.get("Result", "success"),
        condition=values.get("ConditionResult", "yes") == "yes",
    )


def start(host: Host, name: str, *, again: bool = False) -> None:
    """Start a unit, or start it again; forgets earlier failures first so that systemd's start limit does not refuse."""
    host.run(["systemctl", "reset-failed", name], check=False)
    host.run(["systemctl", "restart" if again else "start", name], timeout_s=240, check=False)


def stop(host: Host, name: str) -> None:
    """Stop a unit."""
    host.run(["systemctl", "stop", name], timeout_s=120)


def set_enabled(host: Host, name: str, *, enabled: bool) -> None:
    """Let a unit start at boot, or not."""
    host.run(["systemctl", "enable" if enabled else "disable", name], timeout_s=60)


def mask(host: Host, name: str, *, until_reboot: bool) -> None:
    """Keep a unit from being started by anybody, until the next boot or for good."""
    host.run(["systemctl", "mask", *(["--runtime"] if until_reboot else []), name], timeout_s=60)


def unmask(host: Host, name: str, *, until_reboot: bool) -> None:
    """Take such a mask off."""
    host.run(["systemctl", "unmask", *(["--runtime"] if until_reboot else []), name], timeout_s=60)


def log(host: Host, unit: Unit) -> tuple[str, ...]:
    """What the unit's newest start wrote to the journal; found by its invocation, since the clock may have jumped."""
    if not unit.invocation:
        return ()
    said = host.run(
        ["journalctl", "--no-pager", "-q", "-o", "cat", f"_SYSTEMD_INVOCATION_ID={unit.invocation}"], check=False
    )
    return tuple(line for line in said.out.splitlines() if line.strip())
