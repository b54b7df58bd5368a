"""pacman: Arch Linux and what follows it.

The databases of its repositories are never fetched anew by us: with newer ones than the packages that are installed, what comes may
need libraries that are not there (a partial upgrade). Where they are missing or too old, the operator is told to upgrade.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import PurePath

from ntpjoin.errors import CommandFailed
from ntpjoin.facts import Pinned
from ntpjoin.host import locks
from ntpjoin.host.machine import Host
from ntpjoin.host.packages.manager import PROXIES, Simulated, pinned, work
from ntpjoin.host.reading import processes
from ntpjoin.records import dataclass

LOOK = "pacman -Syu"
TRY = "pacman -S --print"
INSTALL = "pacman -S"
UPGRADE = "pacman -Syu"
MEND = "pacman -Dk"

_DATABASE = "/var/lib/pacman"

#: There while it works; it names nobody, and stays where pacman was killed.
_LOCK = f"{_DATABASE}/db.lck"

#: Programs that hold it.
_FRONT_ENDS = ("pacman", "yay", "paru", "pamac", "pamac-daemon", "packagekitd")

#: Where it keeps the files of packages that it has fetched.
_FILES = "/var/cache/pacman/pkg"

#: The number of the question whether a package in conflict shall go (alpm.h): `--ask` turns the answer that --noconfirm gives.
_CONFLICT = "4"


def installed(host: Host) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """Every installed package with its version; pacman keeps no half installed ones."""
    said = host.run(["pacman", "-Q"], check=False)
    rows = (line.split() for line in said.out.splitlines())
    return {row[0]: row[1] for row in rows if len(row) == 2}, ()


def busy(host: Host) -> str:
    """Who uses it now, in words; '' where nobody does."""
    if not host.exists(_LOCK):
        return ""
    for pid, words in processes(host):
        if PurePath(words[0]).name in _FRONT_ENDS:
            return locks.named(host, pid)
    return f"nobody who is seen: {_LOCK} stays where pacman was killed; if it was, remove that file"


def refresh(host: Host, *, clock_behind_s: float) -> str:
    """'' where there are databases of repositories, else why they could not be had: they are not fetched by us (see above)."""
    del clock_behind_s
    there = any(name.endswith(".db") for name in host.names(f"{_DATABASE}/sync"))
    return "" if there else "the databases of its repositories were never fetched"


def simulate(host: Host, names: Sequence[str], *, without: Sequence[str] = ()) -> Simulated:
    """What installing these packages would do: what comes by pacman's own word, what goes by what is in conflict with that."""
    argv = ["pacman", "-S", "--needed", "--print", "--print-format", "%n\t%v", "--", *names]
    said = host.run(argv, check=False, env=PROXIES)
    if said.code != 0:
        return Simulated(problem=said.said, missing="target not found" in said.err)
    before, _ = installed(host)
    install = {name: version for name, tab, version in (line.partition("\t") for line in said.out.splitlines()) if tab}
    coming = _coming(host, tuple(install), "-Si", *install) if install else ()
    remove = _in_conflict(host, coming)
    broken = _broken(host, remove, coming, without)  # what is in conflict goes by itself
    if broken:
        return Simulated(problem=f"{', '.join(remove)} would have to go, but {broken}")
    return Simulated(
        install=pinned(install),
        remove=pinned({name: before[name] for name in remove}),
        upgrade=pinned({name: before[name] for name in install if name in before}),
    )


@dataclass(frozen=True)
class _Page:
    """What an information page says of a package: all of its names, what it cannot be beside, who needs it; without versions."""

    name: str
    names: frozenset[str]
    conflicts: frozenset[str] = frozenset()
    needed_by: frozenset[str] = frozenset()


def _pages(host: Host, *question: str) -> tuple[_Page, ...]:
    return tuple(_told(host.run(["pacman", question[0], "--", *question[1:]], check=False).out))


def _coming(host: Host, names: Collection[str], *question: str) -> tuple[_Page, ...]:
    """The pages of what comes; of what has none only its name is known."""
    pages = {page.name: page for page in _pages(host, *question)}
    return tuple(pages.get(name) or _Page(name, frozenset({name})) for name in names)


def _told(out: str) -> Iterator[_Page]:
    for text in out.split("\n\n"):
        rows = (line.partition(":") for line in text.splitlines())
        fields = {key.rstrip(): told for key, _, told in rows}
        provides, conflicts, needed_by = (_listed(fields, key) for key in ("Provides", "Conflicts With", "Required By"))
        name = fields.get("Name", "").strip()
        if name:
            yield _Page(name, provides | {name}, conflicts, needed_by)


def _listed(fields: Mapping[str, str], key: str) -> frozenset[str]:
    return frozenset(re.split("[<>=]", word)[0] for word in fields.get(key, "").split() if word != "None")


def _in_conflict(host: Host, coming: Sequence[_Page]) -> tuple[str, ...]:
    """Installed packages that cannot be beside these: by what these say, and what the installed ones say of them."""
    there = _pages(host, "-Qi") if coming else ()
    names = {page.name for page in coming}
    return tuple(
        sorted(
            page.name
            for page in there
            if page.name not in names
            and any(page.conflicts & one.names or one.conflicts & page.names for one in coming)
        )
    )


#: A dependency that a transaction would leave unmet, in pacman's words: what breaks it, what is needed, who needs it.
_UNMET = re.compile(r"^:: (.*dependency '([^']+)' required by (\S+))$", re.MULTILINE)


def _broken(host: Host, gone: Sequence[str], coming: Sequence[_Page], without: Sequence[str]) -> str:
    """In pacman's words, what the removal of these would break, unless what comes makes up for it, or one of `without` needs it."""
    said = host.run(["pacman", "-R", "--print", "--", *gone], check=False) if gone else None
    names = frozenset[str]().union(*(page.names for page in coming))
    found = _UNMET.findall(said.out + said.err) if said else ()
    return "; ".join(
        text for text, needed, who in found if who not in without and re.split("[<>=]", needed)[0] not in names
    )


def fetch(host: Host, packages: Sequence[Pinned], folder: str) -> Mapping[str, str]:
    """The files of these packages that pacman or an earlier run of ours has kept: only newer ones could be fetched."""
    found: dict[str, str] = {}
    for package in packages:
        for place in (folder, _FILES):
            pattern = re.escape(f"{package.name}-{package.version}-") + r"[^-]+\.pkg\.tar(\.\w+)?"
            paths = [f"{place}/{name}" for name in host.names(place) if re.fullmatch(pattern, name)]
            if paths:
                found.setdefault(package.name, paths[0])
    return found


def whole(host: Host, file: str) -> bool:
    """Whether the file of a package is there: pacman gives a file its name when all of it has come."""
    return host.exists(file)


def name_of(file: str) -> str:
    """A file is named NAME-VERSION-RELEASE-ARCH.pkg.tar.zst."""
    return file.rpartition("/")[2].rsplit("-", 3)[0]


def install(host: Host, packages: Sequence[Pinned], log: str) -> None:
    """Install these packages, at the versions of the databases, which the plan was made from; what is in conflict with them goes."""
    names = [package.name for package in packages]
    argv = ["pacman", "-S", "--needed", "--noconfirm", "--ask", _CONFLICT, "--", *names]
    try:
        work(host, argv, log, PROXIES, error=_ERROR)
    except CommandFailed as error:
        if "failed retrieving file" not in error.message:
            raise
        raise CommandFailed(
            error.message, f"the databases are older than the mirrors: {UPGRADE}, then try again"
        ) from None


#: pacman's own error, with the lines below it.
_ERROR = r"^error: .*(?:\n.*){0,3}"


def finish(host: Host, names: Collection[str], log: str) -> None:
    """Nothing: pacman knows of no half installed packages, which it could finish."""
    del host, names, log


def goes_with(host: Host, names: Sequence[str]) -> tuple[str, ...]:
    """Which other packages need these: pacman would refuse to remove them alone."""
    needing = frozenset[str]().union(*(page.needed_by for page in _pages(host, "-Qi", *names))) if names else ()
    return tuple(sorted(set(needing) - set(names)))


def would_remove(host: Host, files: Sequence[str], *, without: Sequence[str] = ()) -> tuple[str, ...]:
    """Which packages installing these files would remove. Raises CommandFailed where they lack what they, or others, depend on.

    Only what those of `without` need does not count.
    """
    if not files:
        return ()
    paths = [str(host.path(file)) for file in files]
    said = host.run(["pacman", "-U", "--print", "--", *paths], check=False, env=PROXIES)
    unmet = _UNMET.findall(said.out + said.err)
    lacks = [text for text, _, who in unmet if who not in without]
    if said.code != 0 and (lacks or not unmet):
        raise CommandFailed("; ".join(lacks) or said.said)
    return _in_conflict(host, _coming(host, tuple(map(name_of, files)), "-Qip", *paths))


def residual(host: Host, names: Sequence[str]) -> tuple[str, ...]:
    """None: what was edited is left under another name, *.pacsave, and belongs to nobody."""
    del host, names
    return ()


def uninstall(host: Host, names: Sequence[str], *, purge: bool, log: str) -> None:
    """Remove packages; what was edited of their configuration is kept as *.pacsave unless `purge`. Needs no network."""
    if names:
        options = ["--nosave"] if purge else []
        work(host, ["pacman", "-R", "--noconfirm", *options, "--", *names], log, PROXIES, error=_ERROR)


def reinstall(host: Host, files: Sequence[str], log: str) -> None:
    """Install packages from these files, be they older than what is there. Needs no network."""
    if files:
        paths = [str(host.path(file)) for file in files]
        work(host, ["pacman", "-U", "--noconfirm", "--ask", _CONFLICT, "--", *paths], log, PROXIES, error=_ERROR)


def automatic(host: Host, names: Sequence[str]) -> tuple[str, ...]:
    """Which of these packages are marked as installed as a dependency."""
    return tuple(sorted(set(host.run(["pacman", "-Qdq"], check=False).out.split()) & set(names))) if names else ()


def mark_automatic(host: Host, names: Sequence[str], *, automatic: bool) -> None:
    """Mark packages as installed as a dependency, or explicitly."""
    if names:
        host.run(["pacman", "-D", "--asdeps" if automatic else "--asexplicit", "--", *names], timeout_s=60)


def conffiles(host: Host, names: Sequence[str]) -> Mapping[str, str]:
    """Path and digest of each configuration file as these packages brought it, from pacman's own database."""
    versions, _ = installed(host) if names else ({}, ())
    found: dict[str, str] = {}
    for name in names:
        page = host.text(f"{_DATABASE}/local/{name}-{versions.get(name, '')}/files")
        for line in page.partition("%BACKUP%\n")[2].partition("\n\n")[0].splitlines():
            path, _, digest = line.partition("\t")
            found[f"/{path}"] = f"md5:{digest}"
    return found
