"""What else sets this clock: guest tools, PTP, and jobs that set it now and then. Rivals with a unit of their own are the row's."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Callable, Optional

from ntpjoin.facts import Setter
from ntpjoin.host.machine import Host
from ntpjoin.host.reading import Process, processes, unit_of

#: A folder's files are run, or are tables of what is run: by cron(8), run-parts(8), ifup(8), NetworkManager-dispatcher(8).
_FOLDERS = (
    "/etc/cron.d",
    "/etc/cron.hourly",
    "/etc/cron.daily",
    "/etc/cron.weekly",
    "/etc/cron.monthly",
    "/etc/cron.yearly",
    "/var/spool/cron",
    "/var/spool/cron/crontabs",
    "/etc/network/if-up.d",
    "/etc/NetworkManager/dispatcher.d",
)
_FILES = ("/etc/crontab", "/etc/rc.local")
_UNITS = "/etc/systemd/system"

#: What nobody runs: editors' and package managers' leavings.
_LEAVINGS = (".dpkg-old", ".dpkg-dist", ".dpkg-new", ".rpmsave", ".rpmnew", ".bak", ".disabled", "~")
_LONGEST = 1 << 18


def _always(_: Sequence[str]) -> bool:
    return True


def _with(pattern: str) -> Callable[[Sequence[str]], bool]:
    return lambda words: any(re.fullmatch(pattern, word) for word in words)


def _without(pattern: str) -> Callable[[Sequence[str]], bool]:
    return lambda words: not any(re.fullmatch(pattern, word) for word in words)


#: Words of chronyd(8) by which it leaves the clock alone.
_LEAVES = _with("-[A-Za-z0-9]*[xQ][A-Za-z0-9]*")

#: Programs that set the clock once, and with which words they do.
_JOBS: Mapping[str, Callable[[Sequence[str]], bool]] = {
    "ntpdate": _without("-[A-Za-z]*[qd][A-Za-z]*"),
    "ntpdate-debian": _always,
    "rdate": _without("-[A-Za-z]*p[A-Za-z]*"),
    "openrdate": _without("-[A-Za-z]*p[A-Za-z]*"),
    "sntp": _with("-[A-Za-z]*[Ss][A-Za-z]*|--(step|slew)"),
    "ntpdig": _with("-[A-Za-z]*[Ss][A-Za-z]*|--(step|slew)"),
    "msntp": _with("-[A-Za-z]*[ar][A-Za-z]*"),
    "htpdate": _with("-[A-Za-z]*[as][A-Za-z]*"),
    "tlsdate": _without("-[A-Za-z]*n[A-Za-z]*|--dont-set-clock"),
    "ntpd": _with("-[A-Za-z]*q[A-Za-z]*|--quit"),
    "chronyd": _with("-[A-Za-z]*q[A-Za-z]*"),
    "hwclock": _with("-[A-Za-z]*s[A-Za-z]*|--hctosys"),
    "date": _with("-u?s.*|--set.*"),
    "timedatectl": _with("set-time"),
}


#: Most files name none of them, and need no closer look.
_NAMED = re.compile(rb"\b(?:%s)\b" % b"|".join(name.encode() for name in _JOBS))


def look_setters(
    host: Host,
    units: Collection[str],
    pids: Collection[int] = (),
    *,
    running: Optional[Sequence[Process]] = None,
) -> tuple[Setter, ...]:
    """All that could be found, but for the processes of these units, and these processes, which are told of by themselves.

    `running` are all processes, where they were looked at just now.
    """
    return (*_running(host, running or processes(host), units, pids), *_jobs(host))


def harmless(running: Iterable[Process]) -> frozenset[int]:
    """Time daemons that were told to leave the clock alone."""
    return frozenset(pid for pid, words in running if PurePath(words[0]).name == "chronyd" and _LEAVES(words[1:]))


# --- what runs all the time


def _running(host: Host, running: Iterable[Process], units: Collection[str], pids: Collection[int]) -> Iterator[Setter]:
    for pid, words in running:
        told = _told_of_process(host, words)
        if told and pid not in pids and unit_of(host, pid) not in units:
            yield Setter(told[0], f"process {pid}", told[1])


def _told_of_process(host: Host, words: tuple[str, ...]) -> Optional[tuple[str, str]]:
    """What a process does to the clock and what ends that, None where it leaves it alone."""
    name, rest = PurePath(words[0]).name, words[1:]
    if name == "VBoxService" and "--disable-timesync" not in rest:
        return "VirtualBox's guest additions", "start VBoxService with --disable-timesync"
    if (
        name == "vmtoolsd"
        and host.run(["vmware-toolbox-cmd", "timesync", "status"], check=False).out.strip() == "Enabled"
    ):
        return "open-vm-tools", "vmware-toolbox-cmd timesync disable"
    if name == "phc2sys" and _sets_system_clock(rest):
        return "phc2sys", "stop it, or let it feed ntpd: phc2sys -E ntpshm"
    if name == "ptp4l" and "-S" in rest:
        return "ptp4l with software time stamps", "stop it, or let it feed ntpd: --clock_servo ntpshm"
    if name == "chronyd" and not _LEAVES(rest):
        return "chronyd", "stop it, or start it with -x"
    if name in ("timemaster", "htpdate", "systemd-timesyncd"):
        return name, "stop it"
    return None


def _sets_system_clock(words: Sequence[str]) -> bool:
    """Whether phc2sys(8) with these words sets CLOCK_REALTIME: not as a source, not in automatic mode without -r, not through SHM."""
    pairs = set(zip(words, words[1:]))
    if ("-E", "ntpshm") in pairs or ("-s", "CLOCK_REALTIME") in pairs:
        return False
    return _without("-a")(words) or _with("-a?r+")(words)


# --- what runs now and then


def _jobs(host: Host) -> Iterator[Setter]:
    for path in (*_FILES, *(f"{folder}/{name}" for folder in _FOLDERS for name in host.names(folder))):
        yield from _jobs_in(host, path)
    linked = {
        name
        for folder in host.names(_UNITS)
        if folder.endswith((".wants", ".requires"))
        for name in host.names(f"{_UNITS}/{folder}")
    }
    for name in host.names(_UNITS):
        if name.endswith(".service") and {name, f"{name[:-8]}.timer"} & linked:
            yield from _jobs_in(host, f"{_UNITS}/{name}")


def _jobs_in(host: Host, path: str) -> Iterator[Setter]:
    content = None if path.endswith(_LEAVINGS) or "/." in path else host.read(path)
    if content is None or b"\0" in content or len(content) > _LONGEST or not _NAMED.search(content):
        return
    named = set()
    for number, line in enumerate(content.decode(errors="replace").splitlines(), 1):
        for program in _programs(line):
            if program not in named and host.which(PurePath(program).name):
                named.add(program)
                yield Setter(PurePath(program).name, f"{path}:{number}", "take it out")


def _programs(line: str) -> Iterator[str]:
    """The programs in a line of a script or table that set the clock; one that is only looked for (`[ -x …`) does not count."""
    if line.lstrip().startswith("#"):
        return
    for command in re.split(r"[;&|()`]+|\$\(", line):
        words = re.sub(r"[\"']", "", command).split()
        for at, word in enumerate(words):
            program = word.rpartition("=")[2]
            sets = _JOBS.get(PurePath(program).name)
            looked_for = at and words[at - 1] in ("-x", "-e", "-f", "-v", "which", "type", "command")
            if sets and not looked_for and sets(words[at + 1 :]):
                yield program
