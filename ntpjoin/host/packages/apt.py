"""apt and dpkg: what is installed, what installing would do, doing it, and taking it back without a network."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from time import monotonic, sleep

from ntpjoin.errors import CommandFailed
from ntpjoin.facts import Pinned
from ntpjoin.host import locks
from ntpjoin.host.machine import Host
from ntpjoin.host.packages import downloads
from ntpjoin.host.packages.manager import LOCK_S, PROXIES, WORK_S, Simulated, cause, pinned, work
from ntpjoin.host.programs import Completed

_ENV = {
    "DEBIAN_FRONTEND": "noninteractive",
    "NEEDRESTART_SUSPEND": "1",
    "APT_LISTCHANGES_FRONTEND": "none",
    **PROXIES,
}
#: What apt and dpkg lock while they work; each is the file's own lock, not its mere existence.
_LOCKS = (
    "/var/lib/dpkg/lock-frontend",
    "/var/lib/dpkg/lock",
    "/var/lib/apt/lists/lock",
    "/var/cache/apt/archives/lock",
)
#: dpkg's own words for a lock that another one holds.
_LOCKED = "lock was locked by another process"

#: dpkg's own error, with the line below it that tells why.
_ERROR = r"^dpkg: error .*(?:\n .*)?"

#: What dpkg knows of all packages (dpkg(1), FILES), and what it has yet to put there.
_STATUS, _UPDATES = "/var/lib/dpkg/status", "/var/lib/dpkg/updates"

#: The states in which dpkg has a package, and those in which it was interrupted (dpkg-query(1), db:Status-Abbrev).
_WHOLE, _UNFINISHED = frozenset("iWt"), frozenset("UFH")
_LETTERS = {
    "installed": "i",
    "triggers-awaited": "W",
    "triggers-pending": "t",
    "unpacked": "U",
    "half-configured": "F",
    "half-installed": "H",
}

LOOK = "apt-get update"
TRY = "apt-get -s install"
INSTALL = "apt-get install"
UPGRADE = "apt-get install --only-upgrade"
MEND = "dpkg --configure -a; where that does not help: apt-get -f install"

#: Where apt keeps the files of packages that it has fetched and checked.
_ARCHIVES = "/var/cache/apt/archives"

_KEEP_CONFFILES = ("-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold")
#: For a disk that is all but full: apt writes none of its caches, and as root, without a user for its sandbox, it counts the room
#: that the file system keeps for root. Nothing is fetched then.
_FRUGAL = ("-o", "APT::Sandbox::User=", "-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache=")
#: Whatever apt.conf says: what goes keeps its configuration unless we purge it, and what nobody needs any more is not ours to remove.
_PLAIN = ("-o", "APT::Get::Purge=false", "-o", "APT::Get::AutomaticRemove=false")
_COMMON = ("apt-get", "-q", "-y", "-o", f"DPkg::Lock::Timeout={LOCK_S}", *_PLAIN)
_TRY = ("apt-get", "-s", "-q", *_PLAIN)
#: Files that come back are installed as they were: be they older, and without what they recommend, which was not there either.
#: Taking back is what the operator has typed: a hold on what came must not leave him half way.
_HELD = "--allow-change-held-packages"
_BACK = (_HELD, "--allow-downgrades", "--no-install-recommends", "install", "--")


def installed(host: Host) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """Every installed package with its version, and those that dpkg was not able to finish."""
    versions: dict[str, str] = {}
    unfinished: list[str] = []
    for name, state, version in _known(host):
        if state in _WHOLE:
            versions[name] = version
        elif state in _UNFINISHED:
            unfinished.append(name)
    return versions, tuple(sorted(unfinished))


def _known(host: Host) -> Iterable[tuple[str, str, str]]:
    """Each package, the letter of its state, and its version: as dpkg has written it down, or by its word where it has not yet."""
    text = "" if host.names(_UPDATES) else host.text(_STATUS)
    return map(_written, text.split("\n\n")) if text else _told(host)


def _told(host: Host) -> Iterator[tuple[str, str, str]]:
    said = host.run(["dpkg-query", "-W", "-f", "${db:Status-Abbrev}\t${binary:Package}\t${Version}\n"], check=False)
    for row in (line.split("\t") for line in said.out.splitlines()):
        if len(row) == 3:
            yield row[1].split(":")[0], row[0][1:2], row[2]


def _written(stanza: str) -> tuple[str, str, str]:
    """The same of a stanza (deb-control(5)); no letter where it tells of no package."""
    name, status, version = (_value(stanza, field) for field in ("Package", "Status", "Version"))
    return name, _LETTERS.get(status.rpartition(" ")[2], "") if name and version else "", version


def _value(stanza: str, field: str) -> str:
    """What stands behind a field's name (deb-control(5)); '' where the stanza has no such field."""
    return f"\n{stanza}".partition(f"\n{field}: ")[2].partition("\n")[0]


def busy(host: Host) -> str:
    """Who holds one of the package manager's locks, in words; '' where nobody does."""
    return locks.held(host, _LOCKS)


#: How long a Release file is valid that says so itself: Debian's for security, a week.
_VALID_S = 7 * 86400


def refresh(host: Host, *, clock_behind_s: float) -> str:
    """Fetch the package indexes anew; returns '' or why they could not be had.

    A clock that is behind makes apt refuse a Release file of today as not valid yet, one that is ahead as no longer valid, so it is
    told by how much. What is no longer valid by the right time, and older than _VALID_S, stays refused.
    """
    time: tuple[str, ...] = ()
    if abs(clock_behind_s) > 1:
        behind = f"Acquire::Max-FutureTime={int(clock_behind_s) + 60}"
        ahead = f"Acquire::Min-ValidTime={int(-clock_behind_s) + _VALID_S}"
        time = ("-o", behind if clock_behind_s > 0 else ahead)
    patience = ("-o", "Acquire::http::Timeout=20", "-o", "Acquire::Retries=1")
    argv = [*_COMMON, "-o", "APT::Update::Error-Mode=any", *patience, *time, "update"]
    said = host.run(argv, timeout_s=WORK_S, check=False, env=_ENV)
    return "" if said.code == 0 else said.said


#: apt's words for a package that no index has.
_MISSING = re.compile(r"Unable to locate package|has no installation candidate")


def simulate(host: Host, names: Sequence[str], *, without: Sequence[str] = ()) -> Simulated:
    """What installing these packages would do, by apt's own simulation, once those of `without` are gone."""
    held = [_HELD] if without else []
    argv = [*_TRY, *held, "install", "--no-install-recommends", "--", *names, *_less(without)]
    said = host.run(argv, check=False, env=_ENV)
    if said.code != 0:
        return Simulated(problem=_problem(host, said), missing=bool(_MISSING.search(said.said)))
    found = re.findall(r"^Inst (\S+)(?: \[(\S+)\])? \((\S+)", said.out, re.MULTILINE)
    return Simulated(
        install=pinned({name: new for name, _, new in found}),
        remove=pinned(dict(re.findall(r"^(?:Remv|Purg) (\S+) \[(\S+)\]", said.out, re.MULTILINE))),
        upgrade=pinned({name: old for name, old, _ in found if old}),
    )


def _problem(host: Host, said: Completed) -> str:
    """Why it cannot be done, with what does not fit; and what is on hold, where that may be the reason: apt does not tell which."""
    text = "\n".join([said.said, *re.findall(_LACKS, said.out, re.MULTILINE)])
    if "held" not in said.err:
        return text
    on_hold = host.run(["apt-mark", "showhold"], check=False).out.split()
    return f"{text}\non hold: {' '.join(on_hold)}; what ends that: apt-mark unhold" if on_hold else text


def fetch(host: Host, packages: Sequence[Pinned], folder: str) -> Mapping[str, str]:
    """Have the files of these packages, at these versions, in `folder` or in apt's own; those that cannot be had are left out."""
    places = (folder, _ARCHIVES)
    return downloads.fetch(host, packages, places, find=_file_of, download=_download, whole=whole)


def _download(host: Host, package: Pinned, folder: str) -> str:
    """The path of the file in this folder, '' where apt could not have it, or does not trust it."""
    argv = [*_COMMON, "-o", "APT::Sandbox::User=root", "download", f"{package.name}={package.version}"]
    said = host.run(argv, timeout_s=300, check=False, env=_ENV, cwd=str(host.path(folder)))
    return _file_of(host, package, folder) if said.code == 0 else ""


def whole(host: Host, file: str) -> bool:
    """Whether the file of a package is there to its last byte: only the list of all in it takes dpkg-deb to its end."""
    return host.run(["dpkg-deb", "--contents", str(host.path(file))], check=False, timeout_s=300).code == 0


def name_of(file: str) -> str:
    """Apt names a file PACKAGE_VERSION_ARCH.deb."""
    return file.rpartition("/")[2].partition("_")[0]


def _file_of(host: Host, package: Pinned, folder: str) -> str:
    """Apt names a file PACKAGE_VERSION_ARCH.deb, the colon of an epoch written as %3a."""
    start = f"{package.name}_{package.version.replace(':', '%3a')}_"
    for name in host.names(folder):
        if name.startswith(start) and name.endswith(".deb"):
            return f"{folder}/{name}"
    return ""


def install(host: Host, packages: Sequence[Pinned], log: str) -> None:
    """Install these versions, removing what the plan said; finishes first what a killed dpkg left behind of them."""
    finish(host, [package.name for package in packages], log)
    wanted = [f"{package.name}={package.version}" for package in packages]
    _work(host, [*_COMMON, *_KEEP_CONFFILES, "install", "--no-install-recommends", "--", *wanted], log)


def finish(host: Host, names: Collection[str], log: str) -> None:
    """Let dpkg finish what it was interrupted in, of these packages and no others; does nothing where there is nothing.

    dpkg itself does not wait for a lock.
    """
    deadline = monotonic() + LOCK_S
    while True:
        unfinished = [name for name in installed(host)[1] if name in names]
        if not unfinished:
            return
        argv = ["dpkg", "--force-confdef", "--force-confold", "--configure", *unfinished]
        said = host.run_logged(argv, log, timeout_s=WORK_S, env=_ENV)
        if said.code == 0:
            return
        if _LOCKED not in said.said or monotonic() > deadline:
            what = f"dpkg could not finish what it was interrupted in, {', '.join(unfinished)}:\n{said.said}"
            raise CommandFailed(what, "dpkg --configure -a")
        sleep(1)


def goes_with(host: Host, names: Sequence[str]) -> tuple[str, ...]:
    """Which other packages, held or not, removing these would remove too: ones that somebody installed since and that need them."""
    if not names:
        return ()
    said = host.run([*_TRY, _HELD, "-o", "APT::Ignore-Hold=true", "remove", "--", *names], check=False, env=_ENV)
    if said.code != 0:
        raise CommandFailed(cause(said, _LACKS).strip())
    gone = re.findall(r"^(?:Remv|Purg) (\S+)", said.out, re.MULTILINE)
    return tuple(sorted(set(gone) - set(names)))


#: apt's words for what a package lacks: its name, a colon, what it depends on.
_LACKS = r"^ \S+ : .*"


def would_remove(host: Host, files: Sequence[str], *, without: Sequence[str] = ()) -> tuple[str, ...]:
    """Which packages installing these files would remove once those of `without` are gone, with these themselves.

    Raises CommandFailed where they cannot be installed.
    """
    if not files:
        return ()
    said = host.run([*_TRY, *_BACK, *files, *_less(without)], check=False, env=_ENV)
    if said.code != 0:
        raise CommandFailed(cause(said, _LACKS).strip())
    return tuple(sorted(re.findall(r"^(?:Remv|Purg) (\S+)", said.out, re.MULTILINE)))


def _less(names: Sequence[str]) -> list[str]:
    """Apt's notation for packages that are to go in the same step: only so a hold on them does not count."""
    return [f"{name}-" for name in names]


def residual(host: Host, names: Sequence[str]) -> tuple[str, ...]:
    """Which of these packages are removed but have left their configuration."""
    if not names:  # of none it would tell of all
        return ()
    said = host.run(["dpkg-query", "-W", "-f", "${db:Status-Abbrev}\t${Package}\n", "--", *names], check=False)
    return tuple(line.partition("\t")[2] for line in said.out.splitlines() if line[1:2] == "c")


def uninstall(host: Host, names: Sequence[str], *, purge: bool, log: str) -> None:
    """Remove packages, with their configuration where `purge` says so. Needs no network, and little room."""
    if names:
        _work(host, [*_COMMON, *_FRUGAL, _HELD, "purge" if purge else "remove", "--", *names], log)


def reinstall(host: Host, files: Sequence[str], log: str) -> None:
    """Install packages from these files, be they older than what is there. Needs no network, and little room."""
    if files:
        _work(host, [*_COMMON, *_FRUGAL, *_KEEP_CONFFILES, *_BACK, *files], log)


def _work(host: Host, argv: Sequence[str], log: str) -> None:
    work(host, argv, log, _ENV, error=_ERROR)


def automatic(host: Host, names: Sequence[str]) -> tuple[str, ...]:
    """Which of these packages are marked as installed automatically."""
    said = host.run(["apt-mark", "showauto", "--", *names], check=False) if names else None
    return tuple(sorted(said.out.split())) if said else ()


def mark_automatic(host: Host, names: Sequence[str], *, automatic: bool) -> None:
    """Mark packages as installed automatically, or by hand."""
    if names:
        host.run(["apt-mark", "auto" if automatic else "manual", "--", *names], timeout_s=60)


def conffiles(host: Host, names: Sequence[str]) -> Mapping[str, str]:
    """Path and digest of each configuration file as these packages brought it."""
    said = host.run(["dpkg-query", "-W", "-f", "${Conffiles}\n", "--", *names], check=False) if names else None
    found: dict[str, str] = {}
    for line in said.out.splitlines() if said else ():
        words = line.split()
        if len(words) >= 2 and words[0].startswith("/"):
            found[words[0]] = f"md5:{words[1]}"
    return found
