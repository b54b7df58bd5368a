"""What every package manager can do; a module for each does it in its own words."""

from __future__ import annotations

import importlib
import os
import re
import shlex
from collections.abc import Collection, Mapping, Sequence
from time import monotonic, sleep
from typing import Protocol, cast

from ntpjoin.errors import CommandFailed
from ntpjoin.facts import Pinned
from ntpjoin.host.machine import Host
from ntpjoin.host.programs import Completed
from ntpjoin.model import Event, Tell
from ntpjoin.records import dataclass

#: How long another one that uses the package manager is waited for, and how long an installation may take.
LOCK_S = 120
WORK_S = 3600

#: Files of packages that a set-up would remove: a cache of ours, so that a plan can tell whether undo will work offline.
CACHE = "/var/cache/ntpjoin/packages"

#: How it begins to be told that they are missing; what follows are the package manager's words.
NO_INDEXES = "the package indexes cannot be had"

#: A proxy may be named in the environment only; package managers obey these.
_PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy")
PROXIES = {name: os.environ[name] for name in _PROXIES if name in os.environ}


@dataclass(frozen=True)
class Simulated:
    """What installing would do: `upgrade` has those of `install` that are there already, at the version that they have now.

    `problem` tells why it cannot be done, '' where it can; `missing`: because no repository has the package.
    """

    install: tuple[Pinned, ...] = ()
    remove: tuple[Pinned, ...] = ()
    upgrade: tuple[Pinned, ...] = ()
    problem: str = ""
    missing: bool = False


class Manager(Protocol):
    """One package manager. Names are those of packages without architecture, versions as it writes them."""

    #: To be typed: what fetches the indexes, shows what an installation would do, installs, upgrades, finishes what was interrupted.
    LOOK: str
    TRY: str
    INSTALL: str
    UPGRADE: str
    MEND: str

    def installed(self, host: Host) -> tuple[Mapping[str, str], tuple[str, ...]]:
        """Every installed package with its version, and those that it was not able to finish."""
        ...

    def busy(self, host: Host) -> str:
        """Who uses it now, in words; '' where nobody does."""
        ...

    def refresh(self, host: Host, *, clock_behind_s: float) -> str:
        """Fetch the package indexes anew; returns '' or why they could not be had."""
        ...

    def simulate(self, host: Host, names: Sequence[str], *, without: Sequence[str] = ()) -> Simulated:
        """What installing these packages would do, once those of `without` are gone where it can be told so."""
        ...

    def fetch(self, host: Host, packages: Sequence[Pinned], folder: str) -> Mapping[str, str]:
        """Have the files of these packages, at these versions, in `folder` or in its own; those that cannot be had are left out."""
        ...

    def whole(self, host: Host, file: str) -> bool:
        """Whether the file of a package is there to its last byte."""
        ...

    def name_of(self, file: str) -> str:
        """The package whose file this is, by the file's name."""
        ...

    def install(self, host: Host, packages: Sequence[Pinned], log: str) -> None:
        """Install these versions, removing what the plan said. Raises CommandFailed."""
        ...

    def finish(self, host: Host, names: Collection[str], log: str) -> None:
        """Finish what it was interrupted in, of these packages and no others. Raises CommandFailed."""
        ...

    def goes_with(self, host: Host, names: Sequence[str]) -> tuple[str, ...]:
        """Which other packages removing these would remove too. Raises CommandFailed where that cannot be told."""
        ...

    def would_remove(self, host: Host, files: Sequence[str], *, without: Sequence[str] = ()) -> tuple[str, ...]:
        """Which packages installing these files would remove, `without` as above. Raises CommandFailed where they cannot be."""
        ...

    def residual(self, host: Host, names: Sequence[str]) -> tuple[str, ...]:
        """Which of these packages are removed but have left their configuration."""
        ...

    def uninstall(self, host: Host, names: Sequence[str], *, purge: bool, log: str) -> None:
        """Remove packages, with their configuration where `purge` says so. Needs no network. Raises CommandFailed."""
        ...

    def reinstall(self, host: Host, files: Sequence[str], log: str) -> None:
        """Install packages from these files, be they older than what is there. Needs no network. Raises CommandFailed."""
        ...

    def automatic(self, host: Host, names: Sequence[str]) -> tuple[str, ...]:
        """Which of these packages are marked as installed automatically."""
        ...

    def mark_automatic(self, host: Host, names: Sequence[str], *, automatic: bool) -> None:
        """Mark packages as installed automatically, or by hand. Raises CommandFailed."""
        ...

    def conffiles(self, host: Host, names: Sequence[str]) -> Mapping[str, str]:
        """Path and digest of each configuration file as these packages brought it: 'md5:…' or another kind of hashlib."""
        ...


def manager(name: str) -> Manager:
    """The package manager of a row; only the one that is asked for is imported."""
    return cast("Manager", importlib.import_module(f"ntpjoin.host.packages.{name}"))


def digest(content: bytes, like: str) -> str:
    """The digest of a file's bytes, of the same kind as another one."""
    import hashlib  # noqa: PLC0415 - loads OpenSSL

    kind = like.partition(":")[0]
    return f"{kind}:{hashlib.new(kind, content, usedforsecurity=False).hexdigest()}"


def pinned(versions: Mapping[str, str]) -> tuple[Pinned, ...]:
    """Packages at these versions, in the order of their names."""
    return tuple(Pinned(name, versions[name]) for name in sorted(versions))


def wait_idle(host: Host, packages: Manager, tell: Tell) -> str:
    """Wait until nobody else uses the package manager, at most LOCK_S; returns '' or who still does.

    Their own patience would not do: each has none for one lock or another, and all wait unsaid.
    """
    began = monotonic()
    while True:
        who, elapsed = packages.busy(host), monotonic() - began
        if not who or elapsed >= LOCK_S:
            return who
        tell(Event("wait", "packages", f"waiting for {who}", elapsed, LOCK_S))
        sleep(1)


def work(
    host: Host,
    argv: Sequence[str],
    log: str,
    env: Mapping[str, str],
    *,
    error: str = "",
    done: Collection[int] = (0,),
) -> None:
    """Run what must not be disturbed; raises CommandFailed unless it ends with a code of `done`.

    The words are the first that the expression `error` finds in what it said, else its last.
    """
    said = host.run_logged(argv, log, timeout_s=WORK_S, env=env)
    if said.code not in done:
        what = f"{shlex.join(argv)} ended with exit code {said.code}:\n{cause(said, error)}"
        raise CommandFailed(what, f"everything it said is in {log}")


def cause(said: Completed, error: str) -> str:
    """The first error that the expression finds, for behind it there is only counting up; else the last words."""
    first = re.search(error, said.out, re.MULTILINE) if error else None
    return first[0] if first else said.said
