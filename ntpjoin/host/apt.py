"""apt and dpkg: what is installed, what installing would do, doing it, and taking it back without a network."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from time import monotonic, sleep

from ntpjoin.errors import CommandFailed
from ntpjoin.facts import Pinned
from ntpjoin.host.machine import Host

#: How long a lock of another apt is waited for, and how long an installation may take.
LOCK_S = 120
WORK_S = 3600

#: Files of packages that a set-up would remove: a cache of ours, so that a plan can tell whether undo will work offline.
CACHE = "/var/cache/ntpjoin/packages"

_ENV = {"DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_SUSPEND": "1", "APT_LISTCHANGES_FRONTEND": "none"}
#: apt's and dpkg's own words for a lock that another one holds.
_LOCKED = "lock"

_KEEP_CONFFILES = ("-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold")
_COMMON = ("apt-get", "-q", "-y", "-o", f"DPkg::Lock::Timeout={LOCK_S}")


def installed(host: Host) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """Every installed package with its version, and those that dpkg was not able to finish."""
    said = host.run(["dpkg-query", "-W", "-f", "${db:Status-Abbrev}\t${binary:Package}\t${Version}\n"], check=False)
    versions: dict[str, str] = {}
    unfinished: list[str] = []
    for line in said.out.splitlines():
        abbreviation, name, version = line.split("\t")
        name = name.split(":")[0]
        if abbreviation[1] in "iWt":
            versions[name] = version
        elif abbreviation[1] in "UFH":
            unfinished.append(name)
    return versions, tuple(sorted(unfinished))


def refresh(host: Host, *, clock_behind_s: float) -> str:
    """Fetch the package indexes anew; returns '' or why they could not be had.

    A clock that is behind makes apt refuse a Release file of today as not valid yet, so it is told by how much. apt does not
    wait for the lock of its lists (DPkg::Lock::Timeout is for dpkg's), so we do.
    """
    future = ("-o", f"Acquire::Max-FutureTime={int(clock_behind_s) + 60}") if clock_behind_s > 1 else ()
    argv = [*_COMMON, "-o", "APT::Update::Error-Mode=any", "-o", "Acquire::http::Timeout=20", *future, "update"]
    deadline = monotonic() + LOCK_S
    while True:
        said = host.run(argv, timeout_s=WORK_S, check=False, env=_ENV)
        if said.code == 0 or _LOCKED not in said.err or monotonic() > deadline:
            return "" if said.code == 0 else said.said
        sleep(1)


def simulate(host: Host, names: Sequence[str]) -> tuple[tuple[Pinned, ...], tuple[Pinned, ...], str]:
    """What installing these packages would install and remove, and why it cannot be done ('' where it can)."""
    said = host.run(["apt-get", "-s", "-q", "install", "--no-install-recommends", "--", *names], check=False, env=_ENV)
    if said.code != 0:
        return (), (), said.said
    install = re.findall(r"^Inst (\S+)(?: \[\S+\])? \((\S+)", said.out, re.MULTILINE)
    remove = re.findall(r"^(?:Remv|Purg) (\S+) \[(\S+)\]", said.out, re.MULTILINE)
    return _pinned(install), _pinned(remove), ""


def _pinned(found: Sequence[tuple[str, str]]) -> tuple[Pinned, ...]:
    return tuple(sorted((Pinned(name, version) for name, version in found), key=lambda package: package.name))


def fetch(host: Host, packages: Sequence[Pinned], folder: str) -> Mapping[str, str]:
    """Have the files of these packages, at these versions, in `folder`; those that cannot be had are left out."""
    host.make_folder(folder, 0o700)
    found: dict[str, str] = {}
    for package in packages:
        path = _file_of(host, package, folder)
        if not path:
            host.run(
                [*_COMMON, "-o", "APT::Sandbox::User=root", "download", f"{package.name}={package.version}"],
                timeout_s=300,
                check=False,
                env=_ENV,
                cwd=str(host.path(folder)),
            )
            path = _file_of(host, package, folder)
        if path:
            found[package.name] = path
    return found


def _file_of(host: Host, package: Pinned, folder: str) -> str:
    """Apt names a file PACKAGE_VERSION_ARCH.deb, the colon of an epoch written as %3a."""
    start = f"{package.name}_{package.version.replace(':', '%3a')}_"
    for name in host.names(folder):
        if name.startswith(start) and name.endswith(".deb"):
            return f"{folder}/{name}"
    return ""


def install(host: Host, packages: Sequence[Pinned], log: str) -> None:
    """Install these versions, removing what the plan said; finishes first what a killed dpkg left behind."""
    finish(host, log)
    wanted = [f"{package.name}={package.version}" for package in packages]
    _work(host, [*_COMMON, *_KEEP_CONFFILES, "install", "--no-install-recommends", "--", *wanted], log)


def finish(host: Host, log: str) -> None:
    """Let dpkg finish what it was interrupted in; does nothing where there is nothing.

    dpkg itself does not wait for a lock, and a killed ntpjoin may have left an apt behind that still works.
    """
    deadline = monotonic() + LOCK_S
    argv = ["dpkg", "--configure", "-a", "--force-confdef", "--force-confold"]
    while True:
        said = host.run_logged(argv, log, timeout_s=WORK_S, env=_ENV)
        if said.code == 0:
            return
        if _LOCKED not in said.said or monotonic() > deadline:
            raise CommandFailed(
                f"dpkg could not finish what it was interrupted in:\n{said.said}", "dpkg --configure -a"
            )
        sleep(1)


def goes_with(host: Host, names: Sequence[str]) -> tuple[str, ...]:
    """Which other packages removing these would remove too: ones that somebody installed since and that need them."""
    if not names:
        return ()
    said = host.run(["apt-get", "-s", "-q", "remove", "--", *names], check=False, env=_ENV)
    gone = re.findall(r"^(?:Remv|Purg) (\S+)", said.out, re.MULTILINE)
    return tuple(sorted(set(gone) - set(names)))


def would_remove(host: Host, files: Sequence[str]) -> tuple[str, ...]:
    """Which packages installing these files would remove."""
    said = host.run(["apt-get", "-s", "-q", "install", "--", *files], check=False, env=_ENV) if files else None
    return tuple(sorted(re.findall(r"^(?:Remv|Purg) (\S+)", said.out, re.MULTILINE))) if said else ()


def residual(host: Host, names: Sequence[str]) -> tuple[str, ...]:
    """Which of these packages are removed but have left their configuration."""
    said = host.run(["dpkg-query", "-W", "-f", "${db:Status-Abbrev}\t${Package}\n", "--", *names], check=False)
    return tuple(line.split("\t")[1] for line in said.out.splitlines() if line[1:2] == "c")


def uninstall(host: Host, names: Sequence[str], *, purge: bool, log: str) -> None:
    """Remove packages, with their configuration where `purge` says so. Needs no network."""
    if names:
        _work(host, [*_COMMON, "purge" if purge else "remove", "--", *names], log)


def reinstall(host: Host, files: Sequence[str], log: str) -> None:
    """Install packages from these files. Needs no network."""
    if files:
        _work(
            host,
            [
                *_COMMON,
                *_KEEP_CONFFILES,
                "-o",
                "APT::Sandbox::User=root",
                "--allow-downgrades",
                "install",
                "--",
                *files,
            ],
            log,
        )


def _work(host: Host, argv: Sequence[str], log: str) -> None:
    said = host.run_logged(argv, log, timeout_s=WORK_S, env=_ENV)
    if said.code != 0:
        what = f"{shlex.join(argv)} ended with exit code {said.code}:\n{said.said}"
        raise CommandFailed(what, f"everything it said is in {log}")


def automatic(host: Host, names: Sequence[str]) -> tuple[str, ...]:
    """Which of these packages are marked as installed automatically."""
    said = host.run(["apt-mark", "showauto", "--", *names], check=False) if names else None
    return tuple(sorted(said.out.split())) if said else ()


def mark_automatic(host: Host, names: Sequence[str], *, automatic: bool) -> None:
    """Mark packages as installed automatically, or by hand."""
    if names:
        host.run(["apt-mark", "auto" if automatic else "manual", "--", *names], timeout_s=60)


def conffiles(host: Host, names: Sequence[str]) -> Mapping[str, str]:
    """Path and MD5 sum of each configuration file as these packages brought it."""
    said = host.run(["dpkg-query", "-W", "-f", "${Conffiles}\n", "--", *names], check=False) if names else None
    found: dict[str, str] = {}
    for line in said.out.splitlines() if said else ():
        words = line.split()
        if len(words) >= 2 and words[0].startswith("/"):
            found[words[0]] = words[1]
    return found
