"""zypper: openSUSE and SUSE Linux Enterprise. What it would do it tells as XML (zypper(8), --xmlout)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from xml.etree import ElementTree as ET

from ntpjoin.errors import CommandFailed, StepFailed
from ntpjoin.facts import Pinned
from ntpjoin.host.machine import FileState, Host
from ntpjoin.host.packages import downloads, rpm
from ntpjoin.host.packages.manager import LOCK_S, PROXIES, WORK_S, Simulated, pinned, work
from ntpjoin.host.packages.rpm import conffiles, finish, installed, name_of, reinstall, residual, whole

#: What comes from rpm as it is belongs to this package manager, too.
__all__ = [
    "INSTALL",
    "LOOK",
    "MEND",
    "TRY",
    "UPGRADE",
    "automatic",
    "busy",
    "conffiles",
    "fetch",
    "finish",
    "goes_with",
    "install",
    "installed",
    "mark_automatic",
    "name_of",
    "refresh",
    "reinstall",
    "residual",
    "simulate",
    "uninstall",
    "whole",
    "would_remove",
]

LOOK = "zypper refresh"
TRY = "zypper install --dry-run"
INSTALL = "zypper install"
UPGRADE = "zypper update"
MEND = "zypper verify"

_ENV = {"ZYPP_LOCK_TIMEOUT": str(LOCK_S), **PROXIES}
_PID_FILES = ("/run/zypp.pid", "/run/zypp-rpm.pid")

_ZYPPER = ("zypper", "--non-interactive")
_OFFLINE = (*_ZYPPER, "--no-refresh", "--disable-repositories")

#: What it would do, as XML, from the indexes that are there.
_TOLD = ("zypper", "--xmlout", "--non-interactive", "--no-refresh")

#: What is in conflict goes, as the plan says, instead of a question.
_REPLACING = ("--force-resolution", "--no-recommends", "--auto-agree-with-licenses")

#: zypper(8): done, with something to know: a reboot or another run is due, a repository was skipped, a script of a package failed.
_DONE = frozenset({0, 102, 103, 106, 107})
_NOT_FOUND = 104

#: Packages that were installed only because others need them, a name a line.
_AUTO = "/var/lib/zypp/AutoInstalled"


def busy(host: Host) -> str:
    """Who uses zypper or rpm now, in words; '' where nobody does."""
    return rpm.busy(host, _PID_FILES)


def refresh(host: Host, *, clock_behind_s: float) -> str:
    """Fetch the package indexes anew; returns '' or why they could not be had. They hold no time against the clock."""
    del clock_behind_s
    said = host.run([*_ZYPPER, "refresh"], timeout_s=WORK_S, check=False, env=_ENV)
    return "" if said.code == 0 else said.said


def simulate(host: Host, names: Sequence[str], *, without: Sequence[str] = ()) -> Simulated:
    """What installing these packages would do, by zypper's own dry run."""
    del without  # what is in conflict goes by itself
    argv = [*_TOLD, "install", "--dry-run", *_REPLACING, "--", *names]
    said = host.run(argv, timeout_s=300, check=False, env=_ENV)
    if said.code not in _DONE:
        return Simulated(problem="\n".join(_messages(said.out)) or said.said, missing=said.code == _NOT_FOUND)
    before, _ = installed(host)
    install = dict(_solvables(said.out, "to-install", "to-upgrade", "to-downgrade", "to-reinstall"))
    return Simulated(
        install=pinned(install),
        remove=pinned(dict(_solvables(said.out, "to-remove"))),
        upgrade=pinned({name: before[name] for name in install if name in before}),
    )


def _parsed(out: str) -> ET.Element:
    try:
        return ET.fromstring(out[out.find("<stream>") :].strip() or "<stream/>")  # noqa: S314 - a program of this system said it
    except ET.ParseError as error:
        raise StepFailed(f"zypper's XML cannot be read: {error}") from None


def _solvables(out: str, *parts: str) -> Iterator[tuple[str, str]]:
    """Name and version of the packages in these parts of what it would do."""
    stream = _parsed(out)
    for part in parts:
        for one in stream.iterfind(f".//{part}/solvable"):
            if (one.get("type") or one.get("kind") or "package") == "package":
                yield one.get("name", ""), rpm.plain(one.get("edition", ""))


def _messages(out: str) -> Iterator[str]:
    for message in _parsed(out).iter("message"):
        if message.get("type") == "error" and message.text:
            yield message.text.strip()


def fetch(host: Host, packages: Sequence[Pinned], folder: str) -> Mapping[str, str]:
    """Have the files of these packages, at the versions that are installed, in `folder`; those that cannot be had are left out."""
    return downloads.fetch(host, packages, (folder,), find=_file_of, download=_download, whole=whole)


def _download(host: Host, package: Pinned, folder: str) -> str:
    """The path of the file below this folder, '' where it could not be had."""
    argv = [*_ZYPPER, "--no-refresh", "--pkg-cache-dir", str(host.path(folder)), "install", "--force"]
    wanted = f"{package.name}={package.version}"
    said = host.run([*argv, "--download-only", "--", wanted], timeout_s=300, check=False, env=_ENV)
    return _file_of(host, package, folder) if said.code in _DONE else ""


def _file_of(host: Host, package: Pinned, folder: str) -> str:
    """Below a folder of its repository's name, and there perhaps of its architecture."""
    start = rpm.file_start(package.name, package.version)
    for name in host.names(folder):
        if name.startswith(start) and name.endswith(".rpm"):
            return f"{folder}/{name}"
        below = _file_of(host, package, f"{folder}/{name}") if not name.endswith(".rpm") else ""
        if below:
            return below
    return ""


def install(host: Host, packages: Sequence[Pinned], log: str) -> None:
    """Install these versions, removing what the plan said."""
    wanted = [f"{package.name}={package.version}" for package in packages]
    _work(host, [*_ZYPPER, "--no-refresh", "install", *_REPLACING, "--", *wanted], log)


def _work(host: Host, argv: Sequence[str], log: str) -> None:
    work(host, argv, log, _ENV, done=_DONE)


def goes_with(host: Host, names: Sequence[str]) -> tuple[str, ...]:
    """Which other packages removing these would remove too: ones that somebody installed since and that need them.

    Raises CommandFailed where zypper does not tell: that nothing is named is no word that nothing goes.
    """
    if not names:
        return ()
    argv = [*_TOLD, "--disable-repositories", "remove", "--dry-run", "--", *names]
    said = host.run(argv, timeout_s=300, check=False, env=_ENV)
    if said.code not in {*_DONE, _NOT_FOUND}:
        raise CommandFailed("\n".join(_messages(said.out)) or said.said)
    return tuple(sorted({name for name, _ in _solvables(said.out, "to-remove")} - set(names)))


def would_remove(host: Host, files: Sequence[str], *, without: Sequence[str] = ()) -> tuple[str, ...]:
    """Which packages installing these files would remove. Raises CommandFailed where they cannot be installed."""
    del without
    if not files:
        return ()
    argv = [*_TOLD, "--disable-repositories", "install", "--dry-run", "--force-resolution", "--allow-unsigned-rpm"]
    said = host.run([*argv, "--", *(str(host.path(file)) for file in files)], timeout_s=300, check=False, env=_ENV)
    if said.code not in _DONE:
        raise CommandFailed("\n".join(_messages(said.out)) or said.said)
    return tuple(sorted(name for name, _ in _solvables(said.out, "to-remove")))


def uninstall(host: Host, names: Sequence[str], *, purge: bool, log: str) -> None:
    """Remove packages; configuration that nobody edited goes with them. Needs no network."""
    del purge  # rpm keeps what was edited, and nothing else
    if names:
        _work(host, [*_OFFLINE, "remove", "--", *names], log)


def automatic(host: Host, names: Sequence[str]) -> tuple[str, ...]:
    """Which of these packages are marked as installed automatically."""
    return tuple(sorted(set(_marked(host)) & set(names)))


def _marked(host: Host) -> list[str]:
    return [line.strip() for line in host.text(_AUTO).splitlines() if re.match(r"[^#\s]", line)]


def mark_automatic(host: Host, names: Sequence[str], *, automatic: bool) -> None:
    """Mark packages as installed automatically, or by hand: zypper has no command for that, only the file that it keeps."""
    there = host.state(_AUTO)
    if not names or there is None:
        return
    lines = [line for line in there.content.decode(errors="replace").splitlines() if line.strip() not in names]
    lines += sorted(names) if automatic else []
    content = "".join(f"{line}\n" for line in lines).encode()
    if content != there.content:
        host.write(_AUTO, FileState(content, there.mode, there.owner, there.context))
