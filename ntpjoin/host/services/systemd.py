"""systemd through systemctl(1): what a unit is, and changing it. Exit codes of systemctl prove nothing; look again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ntpjoin.facts import Unit
from ntpjoin.host.machine import FileState, Host

_PROPERTIES = (
    "Id,LoadState,UnitFileState,ActiveState,SubState,MainPID,InvocationID,Result,ConditionResult,NeedDaemonReload"
)

#: How long systemd may take to change something: reading all units anew takes a minute on a host that is short of everything, and
#: giving up would take back what only is slow. More than the 90 s that a unit has to start or stop.
_WORK_S = 240.0

#: Longer than any number of a process.
_LONGEST_PID = 16

#: There while systemd manages this machine (sd_booted(3)).
_RUNTIME = "/run/systemd/system"

#: Units and drop-ins here outlive a reboot (systemd.unit(5)).
_UNITS = "/etc/systemd/system"

#: Where systemd keeps when timers were last due (systemd.timer(5), Persistent=).
_STAMPS = "/var/lib/systemd/timers"


def running(host: Host) -> bool:
    """Whether systemd manages this machine."""
    return host.exists(_RUNTIME)


def show(host: Host, names: Sequence[str]) -> Mapping[str, Unit]:
    """The units of these names, all asked at once. An alias is found under the name asked and tells its real name.

    Raises CommandFailed where systemd does not answer: a unit that is not there is an answer.
    """
    said = host.run(["systemctl", "show", "-p", _PROPERTIES, "--", *names])
    blocks = said.out.strip("\n").split("\n\n")
    return {name: replace(_unit(name, block), held=held(host, name)) for name, block in zip(names, blocks)}


def _unit(name: str, block: str) -> Unit:
    values: dict[str, str] = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
    pid = values.get("MainPID", "")
    return Unit(
        name=values.get("Id", name),
        load=values.get("LoadState", "not-found"),
        enabled=values.get("UnitFileState", ""),
        active=values.get("ActiveState", "inactive"),
        sub=values.get("SubState", "dead"),
        pid=int(pid) if pid.isascii() and pid.isdecimal() and len(pid) < _LONGEST_PID else 0,
        invocation=values.get("InvocationID", ""),
        result=values.get("Result", "success"),
        condition=values.get("ConditionResult", "yes") == "yes",
        stale=values.get("NeedDaemonReload", "no") == "yes",
    )


def start(host: Host, name: str, *, again: bool = False) -> None:
    """Start a unit, or start it again; forgets earlier failures first so that systemd's start limit does not refuse."""
    forget_failure(host, name)
    host.run(["systemctl", "restart" if again else "start", name], timeout_s=_WORK_S, check=False)


def forget_failure(host: Host, name: str) -> None:
    """Let a unit that failed count as never started; a failed unit stays known even when its file is gone."""
    host.run(["systemctl", "reset-failed", name], check=False)


def stop(host: Host, name: str) -> None:
    """Stop a unit."""
    host.run(["systemctl", "stop", name], timeout_s=_WORK_S)


def renew(host: Host, name: str) -> None:
    """Have what runs read its configuration anew."""
    host.run(["systemctl", "reload", name], timeout_s=_WORK_S)


def set_enabled(host: Host, name: str, *, enabled: bool) -> None:
    """Let a unit start at boot, or not."""
    host.run(["systemctl", "enable" if enabled else "disable", name], timeout_s=_WORK_S)


def unit_file(name: str) -> str:
    """Where an administrator's unit of this name lies."""
    return f"{_UNITS}/{name}"


def reload(host: Host) -> None:
    """Have systemd read all units anew. Raises CommandFailed."""
    host.run(["systemctl", "daemon-reload"], timeout_s=_WORK_S)


def forget_timer(host: Host, name: str) -> None:
    """Take away when a timer with Persistent= was last due; systemd itself never does."""
    host.remove(f"{_STAMPS}/stamp-{name}")


_HOLD = b"""\
# Written by ntpjoin: the daemon must not serve before `ntpjoin setup` has configured it.
# `ntpjoin setup` and `ntpjoin undo` take this file away.
[Unit]
ConditionPathExists=!/
"""


def _hold_file(name: str) -> str:
    return f"{_UNITS}/{name}.d/ntpjoin-hold.conf"


def held(host: Host, name: str) -> bool:
    """Whether we keep the unit from starting."""
    return host.exists(_hold_file(name))


def hold(host: Host, name: str) -> None:
    """Keep a unit from starting, whoever asks, also after a reboot, until it is released: a condition that is never met.

    Not a mask: while a unit is masked, Debian's deb-systemd-helper cannot enable it, and leaves its links behind on purge.
    """
    path = _hold_file(name)
    host.make_folder(str(Path(path).parent))
    host.write(path, FileState(_HOLD, 0o644, ""))
    reload(host)


def release(host: Host, name: str) -> None:
    """Let the unit start again."""
    path = _hold_file(name)
    host.remove(path)
    host.remove_folder(str(Path(path).parent))
    reload(host)


def log(host: Host, unit: Unit) -> tuple[str, ...]:
    """What the unit's newest start wrote to the journal; found by its invocation, since the clock may have jumped."""
    if not unit.invocation:
        return ()
    said = host.run(
        ["journalctl", "--no-pager", "-q", "-o", "cat", f"_SYSTEMD_INVOCATION_ID={unit.invocation}"], check=False
    )
    return tuple(line for line in said.out.splitlines() if line.strip())
