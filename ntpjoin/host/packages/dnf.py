"""dnf, and yum where that is what dnf is called: Fedora, and Red Hat Enterprise Linux with those built from its sources.

Read are the tables of dnf 4, and those of dnf 5 as its sources print them.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence

from ntpjoin.errors import CommandFailed
from ntpjoin.facts import Pinned
from ntpjoin.host.machine import Host
from ntpjoin.host.packages import downloads, rpm
from ntpjoin.host.packages.manager import PROXIES, WORK_S, Simulated, pinned, work
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

LOOK = "dnf makecache --refresh"
TRY = "dnf --assumeno install"
INSTALL = "dnf install"
UPGRADE = "dnf upgrade"
MEND = "dnf check"

#: Wide enough for every table: dnf 5 cuts versions off where they do not fit.
_ENV = {"COLUMNS": "500", "FORCE_COLUMNS": "500", "DNF5_FORCE_COLUMNS": "500", **PROXIES}

#: Of dnf 5 (libdnf5: TRANSACTION_LOCK_FILEPATH), locked with fcntl(2) before rpm's own, and gone when the transaction has ended.
_LOCKS = ("/run/dnf/rpmtransaction.lock",)

#: Of dnf 4. Each names the process that holds it; dnf itself would wait for it for ever.
_PID_FILES = ("/var/cache/dnf/metadata_lock.pid", "/var/cache/dnf/download_lock.pid", "/var/lib/dnf/rpmdb_lock.pid")

_LEAN = ("--setopt=install_weak_deps=False",)
_OFFLINE = ("--disablerepo=*", "--setopt=keepcache=True")

#: What nobody needs any more is not ours to remove. dnf 5 takes settings before the command, but no options of the command.
_ALONE = ("--setopt=clean_requirements_on_remove=False",)


def _dnf(host: Host) -> str:
    return "dnf" if host.which("dnf") else "yum"


def busy(host: Host) -> str:
    """Who uses dnf or rpm now, in words; '' where nobody does."""
    return rpm.busy(host, _PID_FILES, _LOCKS)


def refresh(host: Host, *, clock_behind_s: float) -> str:
    """Fetch the package indexes anew; returns '' or why they could not be had. They hold no time against the clock."""
    del clock_behind_s
    argv = [_dnf(host), "-q", "--refresh", "--setopt=timeout=20", "--setopt=retries=2", "makecache"]
    said = host.run(argv, timeout_s=WORK_S, check=False, env=_ENV)
    return "" if said.code == 0 else said.said


#: The words of both for a package that no repository has.
_MISSING = re.compile(r"No match for argument|Unable to find a match")

#: A part of the table of a transaction begins with one of these, at the beginning of a line.
_COMES = ("Installing", "Upgrading", "Downgrading", "Reinstalling")
_GOES = ("Removing",)


def simulate(host: Host, names: Sequence[str], *, without: Sequence[str] = ()) -> Simulated:
    """What installing these packages would do, by dnf's own table, which it prints before it asks."""
    del without  # what is in conflict goes by itself
    argv = [_dnf(host), "--assumeno", "--cacheonly", *_LEAN, "install", "--", *names]
    said = host.run(argv, timeout_s=300, check=False, env=_ENV)
    rows = list(_table(said.out))
    if not rows:
        words = said.said if said.code != 0 or _MISSING.search(said.out + said.err) else ""
        return Simulated(problem=words, missing=bool(_MISSING.search(said.out + said.err)))
    before, _ = installed(host)
    install = {name: version for part, name, version in rows if part.startswith(_COMES)}
    remove = {name: before.get(name, version) for part, name, version in rows if part.startswith(_GOES)}
    return Simulated(
        install=pinned(install),
        remove=pinned(remove),
        upgrade=pinned({name: before[name] for name in install if name in before}),
    )


def _table(out: str) -> Iterator[tuple[str, str, str]]:
    """Part, name and version of each row; what a new package obsoletes is a row of the part Removing.

    A row is indented by one blank: name, architecture, version, repository, size. Where a name is too long for its column the rest
    stands on the next line, indented further.
    """
    part, row = "", ""
    for line in [*out.splitlines(), "End:"]:
        if line.startswith(" ") and not line.startswith("  ") and part:
            yield from _row(part, row)
            row = line
        elif line.startswith("  ") and line.split()[:1] == ["replacing"]:
            yield from _row(part, row)
            row = ""
            yield from _replaced(line)
        elif line.startswith("  ") and row:
            row += line
        elif re.match(r"[A-Z][a-z ]+:", line):
            yield from _row(part, row)
            part, row = ("" if line.startswith("Transaction") else line.partition(":")[0]), ""


def _row(part: str, row: str) -> Iterator[tuple[str, str, str]]:
    words = row.split()
    if part and len(words) >= 5:
        yield part, words[0], rpm.plain(words[2])


def _replaced(line: str) -> Iterator[tuple[str, str, str]]:
    """Dnf 4: `replacing NAME.ARCH VERSION`; dnf 5: `replacing NAME ARCH VERSION REPOSITORY SIZE`, for an upgrade, too."""
    words = line.split()[1:]
    if len(words) == 2:
        yield "Removing", words[0].rpartition(".")[0], rpm.plain(words[1].removesuffix("."))


def fetch(host: Host, packages: Sequence[Pinned], folder: str) -> Mapping[str, str]:
    """Have the files of these packages, at these versions, in `folder`; those that cannot be had are left out."""
    return downloads.fetch(host, packages, (folder,), find=_file_of, download=_download, whole=whole)


def _download(host: Host, package: Pinned, folder: str) -> str:
    """The path of the file in this folder, '' where it could not be had.

    Dnf 4 ends badly with a file of bad signature, and leaves it there: it is refused. Dnf 5 looks at a signature only when it
    installs (dnf5/commands/download: the digest that the index names is all); what it fetches is as good as the index.
    """
    said = host.run(_to_download(host, package, str(host.path(folder))), timeout_s=300, check=False, env=_ENV)
    return _file_of(host, package, folder) if said.code == 0 else ""


def _to_download(host: Host, package: Pinned, folder: str) -> list[str]:
    """Dnf 5 has a command for it; 4 has one only where a plugin is installed."""
    wanted = f"{package.name}-{package.version}"
    if host.which("dnf5"):
        return ["dnf5", "download", f"--destdir={folder}", "--", wanted]
    # Kept in the cache, or the next transaction would take it away, from our folder, too.
    options = ["--downloadonly", f"--downloaddir={folder}", "--setopt=keepcache=True"]
    verb = "reinstall" if package.name in installed(host)[0] else "install"
    return [_dnf(host), "-y", *options, verb, "--", wanted]


def _file_of(host: Host, package: Pinned, folder: str) -> str:
    start = rpm.file_start(package.name, package.version)
    return next((f"{folder}/{name}" for name in host.names(folder) if name.startswith(start)), "")


def install(host: Host, packages: Sequence[Pinned], log: str) -> None:
    """Install these versions."""
    wanted = [f"{package.name}-{package.version}" for package in packages]
    work(host, [_dnf(host), "-y", *_LEAN, "install", "--", *wanted], log, _ENV, error=_ERROR)


#: dnf 4's own error, with what follows it; and dnf 5's, which tells below it who holds the lock, or whose signature is bad
#: (dnf5/context.cpp, libdnf5/base/transaction.cpp): six lines with the lock.
_ERROR = r"^Error: .*(?:\n .*){0,3}|^Transaction failed: .*(?:\n.+){0,5}"


def goes_with(host: Host, names: Sequence[str]) -> tuple[str, ...]:
    """Which other packages removing these would remove too: ones that somebody installed since and that need them."""
    if not names:
        return ()
    argv = [_dnf(host), "--assumeno", *_OFFLINE, *_ALONE, "remove", "--", *names]
    return tuple(sorted(_goes(host, argv) - set(names)))


def _goes(host: Host, argv: Sequence[str]) -> set[str]:
    """What this would remove. Raises CommandFailed where dnf does not tell: no table is no word that nothing goes."""
    said = host.run(argv, timeout_s=300, check=False, env=_ENV)
    rows = list(_table(said.out))
    if not rows and said.code != 0 and not _NOTHING.search(said.out + said.err):
        raise CommandFailed(f"{shlex.join(argv)} ended with exit code {said.code}:\n{said.said}")
    return {name for part, name, _ in rows if part.startswith(_GOES)}


#: The words of both where there is nothing to remove.
_NOTHING = re.compile(r"No match for argument|No packages marked for removal|Nothing to do")


def would_remove(host: Host, files: Sequence[str], *, without: Sequence[str] = ()) -> tuple[str, ...]:
    """Which packages installing these files would remove. Raises CommandFailed where they cannot be installed."""
    del without
    if not files:
        return ()
    argv = [_dnf(host), "--assumeno", *_OFFLINE, *_LEAN, "install", "--", *files]
    return tuple(sorted(_goes(host, argv)))


def uninstall(host: Host, names: Sequence[str], *, purge: bool, log: str) -> None:
    """Remove packages; configuration that nobody edited goes with them. Needs no network."""
    del purge  # rpm keeps what was edited, and nothing else
    if names:
        work(host, [_dnf(host), "-y", *_OFFLINE, *_ALONE, "remove", "--", *names], log, _ENV, error=_ERROR)


def automatic(host: Host, names: Sequence[str]) -> tuple[str, ...]:
    """Which of these packages are marked as installed automatically."""
    if not names:
        return ()
    form = "%{name} %{reason}\n"
    argv = [_dnf(host), "-q", "--cacheonly", "repoquery", "--installed", "--qf", form, "--", *names]
    said = host.run(argv, timeout_s=120, check=False, env=_ENV)
    rows = (line.split(None, 1) for line in said.out.splitlines() if line.strip())
    return tuple(sorted({row[0] for row in rows if len(row) == 2 and "dependency" in row[1].lower()}))


def mark_automatic(host: Host, names: Sequence[str], *, automatic: bool) -> None:
    """Mark packages as installed automatically, or by hand."""
    if names:
        words = ("dependency", "user") if host.which("dnf5") else ("remove", "install")
        host.run([_dnf(host), "-y", "mark", words[0] if automatic else words[1], "--", *names], timeout_s=120, env=_ENV)
