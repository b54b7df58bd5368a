"""What dnf and zypper share: the database of rpm."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from ntpjoin.host import locks
from ntpjoin.host.machine import Host
from ntpjoin.host.packages.manager import work

#: Held by every transaction, with fcntl(2); the second is where newer systems keep the database (rpm's macro _dbpath).
_LOCKS = ("/var/lib/rpm/.rpm.lock", "/usr/lib/sysimage/rpm/.rpm.lock")

#: RFC 4880, 9.4, as %{FILEDIGESTALGO} tells it; (none) is of before it was told.
_DIGESTS = {"(none)": "md5", "1": "md5", "2": "sha1", "8": "sha256", "9": "sha384", "10": "sha512"}


def installed(host: Host) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """Every installed package with its version and release; rpm keeps no half installed ones."""
    said = host.run(["rpm", "-qa", "--qf", "%{NAME}\t%{EVR}\n"], check=False)
    rows = (line.split("\t") for line in said.out.splitlines())
    return {row[0]: plain(row[1]) for row in rows if len(row) == 2}, ()


def plain(version: str) -> str:
    """A version without the epoch 0, which some programs write and some do not."""
    return version.removeprefix("0:")


def busy(host: Host, pid_files: Sequence[str], others: Sequence[str] = ()) -> str:
    """Who holds rpm's lock or one of these others, or lives by one of these pid files, in words; '' where nobody does."""
    who = locks.held(host, (*_LOCKS, *others))
    if who:
        return who
    for path in pid_files:
        told = host.text(path).strip()
        if told.isdigit() and host.exists(f"/proc/{told}"):
            return f"{locks.named(host, int(told))}, which stands in {path}"
    return ""


def finish(host: Host, names: Collection[str], log: str) -> None:
    """Nothing: rpm knows of no half installed packages, which it could finish."""
    del host, names, log


def residual(host: Host, names: Sequence[str]) -> tuple[str, ...]:
    """None: what was edited is left under another name, *.rpmsave, and belongs to nobody."""
    del host, names
    return ()


def whole(host: Host, file: str) -> bool:
    """Whether the file of a package is there to its last byte, by the digests in it; whose it is was asked when it came."""
    return host.run(["rpm", "-K", "--nosignature", str(host.path(file))], check=False, timeout_s=300).code == 0


def name_of(file: str) -> str:
    """A file is named NAME-VERSION-RELEASE.ARCH.rpm."""
    return file.rpartition("/")[2].rsplit("-", 2)[0]


def file_start(name: str, version: str) -> str:
    """How the name of a package's file begins: the epoch is left out."""
    return f"{name}-{version.rpartition(':')[2]}."


def conffiles(host: Host, names: Sequence[str]) -> Mapping[str, str]:
    """Path and digest of each configuration file as these packages brought it."""
    form = "[%{=FILEDIGESTALGO}\t%{FILEFLAGS:fflags}\t%{FILEDIGESTS}\t%{FILENAMES}\n]"
    said = host.run(["rpm", "-q", "--qf", form, "--", *names], check=False) if names else None
    found: dict[str, str] = {}
    for line in said.out.splitlines() if said else ():
        words = line.split("\t")
        if len(words) == 4 and "c" in words[1] and words[2]:
            found[words[3]] = f"{_DIGESTS.get(words[0], 'md5')}:{words[2]}"
    return found


def reinstall(host: Host, files: Sequence[str], log: str) -> None:
    """Install packages from these files, be they older than what is there. Needs no network."""
    if files:
        argv = ["rpm", "-U", "--oldpackage", "--replacepkgs", "--", *(str(host.path(file)) for file in files)]
        work(host, argv, log, {})
