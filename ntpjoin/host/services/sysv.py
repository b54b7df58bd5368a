"""Init scripts through service(8), and their links in /etc/rc?.d through update-rc.d(8).

A unit is the script of that name in /etc/init.d; what runs is told by its pid file and the process table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from time import monotonic, sleep

from ntpjoin.facts import Unit
from ntpjoin.host.machine import FileState, Host

_SCRIPTS = "/etc/init.d"

#: The runlevels of Debian in which services run (init(8)); a unit starts at boot by a link S??NAME there.
_LEVELS = ("2", "3", "4", "5")

#: Marks of ours: which units we keep from starting.
_HELD = "/var/lib/ntpjoin/held"

#: How long a daemon may take from its fork to its pid file.
_PID_S = 5.0

#: Scripts wait for their daemon to end: as long as systemd would.
_WORK_S = 240.0

#: How much of the log's end is looked through.
_LOG_BYTES = 1 << 20
_SYSLOG = "/var/log/syslog"
_DAEMON_LOG = "/var/log/daemon.log"
#: What ntpd of either engine says once, when it has forked and before it reads its configuration (ntp_proto.c, measure_precision).
_BEGINS = "precision = "


def running(host: Host) -> bool:
    """Whether init scripts start what runs here: process 1 is an init, and service(8) is there."""
    return host.text("/proc/1/comm").strip() == "init" and host.which("service") is not None


def show(host: Host, names: Sequence[str]) -> Mapping[str, Unit]:
    """The units of these names."""
    return {name: _unit(host, name) for name in names}


def _unit(host: Host, name: str) -> Unit:
    script = host.text(f"{_SCRIPTS}/{name}")
    if not script:
        return Unit(name, held=held(host, name))
    pid = _pid(host, script)
    return Unit(
        name=name,
        load="loaded",
        enabled="enabled" if any(_links(host, name, "S")) else "disabled",
        active="active" if pid else "inactive",
        sub="running" if pid else "dead",
        pid=pid,
        invocation=f"{pid}-{_started(host, pid)}" if pid else "",
        held=held(host, name),
    )


#: How Debian's scripts name their pid file; what they run has the name of the script where they say `$NAME`.
_PIDFILE = re.compile(r"^\s*(?:export\s+)?PIDFILE=[\"']?([^\s\"';]+)", re.MULTILINE)
_NAME = re.compile(r"^\s*NAME=[\"']?([^\s\"';$]+)", re.MULTILINE)


def _pid(host: Host, script: str) -> int:
    """The daemon's process, 0 where it does not run."""
    named, name = _PIDFILE.search(script), _NAME.search(script)
    if named is None:
        return 0
    path = re.sub(r"\$\{?NAME\}?", name[1] if name else "", named[1])
    told = host.text(path).strip()
    return int(told) if told.isdigit() and host.exists(f"/proc/{told}/cmdline") else 0


def _started(host: Host, pid: int) -> str:
    """When a process began, in clock ticks since boot (proc(5), field 22 of stat): tells it from a later one of the same number."""
    words = host.text(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return words[19] if len(words) > 19 else ""


def _links(host: Host, name: str, kind: str) -> Iterator[str]:
    """The links of this unit in the runlevels in which services run; `kind` is S or K."""
    for level in _LEVELS:
        folder = f"/etc/rc{level}.d"
        yield from (
            f"{folder}/{link}" for link in host.names(folder) if re.fullmatch(kind + r"\d\d" + re.escape(name), link)
        )


def start(host: Host, name: str, *, again: bool = False) -> None:
    """Start a unit, or start it again, and give the daemon time to write its pid file: scripts end when it has forked."""
    host.run(["service", name, "restart" if again else "start"], timeout_s=_WORK_S, check=False)
    deadline = monotonic() + _PID_S
    while not _unit(host, name).running and monotonic() < deadline:
        sleep(0.1)


def stop(host: Host, name: str) -> None:
    """Stop a unit."""
    host.run(["service", name, "stop"], timeout_s=_WORK_S)


def renew(host: Host, name: str) -> None:
    """Have what runs read its configuration anew."""
    host.run(["service", name, "reload"], timeout_s=_WORK_S)


def forget_failure(host: Host, name: str) -> None:
    """Nothing: a script keeps no memory of having failed."""
    del host, name


def set_enabled(host: Host, name: str, *, enabled: bool) -> None:
    """Let a unit start at boot, or not; links that are missing are made by what the script says of itself."""
    if enabled:
        host.run(["update-rc.d", name, "defaults"], timeout_s=_WORK_S)
    host.run(["update-rc.d", name, "enable" if enabled else "disable"], timeout_s=_WORK_S)


def held(host: Host, name: str) -> bool:
    """Whether we keep the unit from starting."""
    return host.exists(f"{_HELD}/{name}")


def hold(host: Host, name: str) -> None:
    """Keep a unit from starting: stopped in every runlevel, which invoke-rc.d(8) obeys, and the package's own links then follow."""
    for link in _links(host, name, "S"):
        host.remove(link)
    for level in _LEVELS:
        host.make_folder(f"/etc/rc{level}.d")
        host.link(f"/etc/rc{level}.d/K01{name}", f"../init.d/{name}")
    # Last: a mark without all of its links would be taken for a whole hold.
    host.make_folder(_HELD)
    host.write(f"{_HELD}/{name}", FileState(b"", 0o600, ""))


def release(host: Host, name: str) -> None:
    """Let the unit start again; where its script is gone, its links go, too."""
    host.remove(f"{_HELD}/{name}")
    host.remove_folder(_HELD)
    if not host.exists(f"{_SCRIPTS}/{name}"):
        for link in _links(host, name, "K"):
            host.remove(link)


def log(host: Host, unit: Unit) -> tuple[str, ...]:
    """What the unit's process wrote to the log that syslog keeps; nothing where there is none."""
    path = next((path for path in (_SYSLOG, _DAEMON_LOG) if host.exists(path)), "")
    if not unit.pid or not path:
        return ()
    mark = re.compile(rf"\bntpd\[{unit.pid}\]: ")
    lines = host.run(["tail", "-c", str(_LOG_BYTES), str(host.path(path))], check=False).out.splitlines()
    said = tuple(mark.split(line, maxsplit=1)[1] for line in lines if mark.search(line))
    # After a reboot it often has the number that it had before.
    begins = max((at for at, line in enumerate(said) if _BEGINS in line), default=0)
    return said[begins:]
