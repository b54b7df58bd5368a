"""The images: `net`, which the lab's hosts share, and one for each system that a server can be, with its packages."""

from __future__ import annotations

import inspect
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from tests.lab import cache, machine, process, recipe
from tests.lab.process import Log
from tests.lab.recipe import SYSTEMS, System

#: What the lab's own hosts run.
SUITE = "bookworm"
NET_PACKAGES = (
    "apt-utils,bind9,bind9-dnsutils,ca-certificates,chrony,dnsmasq-base,faketime,gpg,gpg-agent,gpgv,iproute2,iputils-ping,nftables,"
    "libbsd0,libcap2,libseccomp2,libssl3,ntpsec-ntpdate,ntpsec-ntpdig,procps,python3,python3-ntp,tcpdump,util-linux"
)
# Unpacked by force: Debian lets one host have one time daemon, and the lab runs two kinds from one tree.
NET_UNPACKED = "ntpsec"
DISK_SIZE = "3G"
STANDARD = "debian-12"
# Mounts and processes of its own, which end with it, as it does with us.
CONFINED = ("setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child")


@dataclass(frozen=True)
class ServerImage:
    """What a server boots from, and the package pool that was current then. `name` is a key of recipe.SYSTEMS."""

    folder: Path
    name: str = STANDARD

    @property
    def system(self) -> System:
        return SYSTEMS[self.name]

    @property
    def disk(self) -> Path:
        return self.folder / "disk.img"

    @property
    def kernel(self) -> Path:
        return self.folder / "vmlinuz"

    @property
    def initrd(self) -> Path:
        return self.folder / "initrd.img"

    @property
    def ssh_key(self) -> Path:
        return self.folder / "ssh_key"

    @property
    def foreign(self) -> Path:
        """Repositories of another format, a folder each; there where the system has one."""
        return self.folder / "foreign"

    @property
    def repository(self) -> Path:
        """A flat repository without its Release file, and `key.gpg`, `gnupg` to sign one."""
        return self.folder / "repository"


def in_tree(tree: Path, argv: Sequence[str], *, network: bool = False, timeout: float = 600) -> process.Result:
    """Run a command in a root tree, in namespaces of its own."""
    words = [*CONFINED, *(() if network else ("--net",)), f"--root={tree}", "--mount-proc=/proc"]
    debian = process.environment_with({"DEBIAN_FRONTEND": "noninteractive"})
    return process.run([*words, *debian, *argv], check=True, timeout=timeout, shown=argv)


def bootstrap(tree: Path, packages: str, sources: str, suite: str = SUITE) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        listing = Path(scratch) / "debian.list"
        listing.write_text(sources)
        words = [
            *CONFINED,
            "--mount-proc",
            "mmdebstrap",
            "--mode=root",
            "--variant=minbase",
            "--quiet",
            f"--include={packages}",
        ]
        for line in process.run(["apt-config", "dump", "--format=%F %v%n", "Acquire"]).out.splitlines():
            name, _, value = line.partition(" ")
            if name.lower().endswith("::proxy") and value:
                words.append(f'--aptopt={name} "{value}"')
        process.run([*words, suite, str(tree), str(listing)], check=True, timeout=1800)


def net_image(log: Log) -> Path:
    """The tree in which the lab's own daemons run."""
    made_by = [SUITE, NET_PACKAGES, NET_UNPACKED, recipe.RESOLV_CONF]
    made_by += [inspect.getsource(step) for step in (bootstrap, make_net)]
    return cache.built("net", made_by, make_net, log) / "root"


def make_net(folder: Path) -> None:
    tree = folder / "root"
    bootstrap(tree, NET_PACKAGES, machine.debian_sources(SUITE))
    in_tree(tree, ["apt-get", "-qq", "update"], network=True)
    in_tree(tree, ["env", "--chdir=/tmp", "apt-get", "-qq", "download", NET_UNPACKED], network=True)
    (deb,) = (tree / "tmp").glob("*.deb")
    in_tree(tree, ["dpkg", "--force-conflicts", "--unpack", f"/tmp/{deb.name}"])
    deb.unlink()
    (tree / "etc/resolv.conf").write_text(recipe.RESOLV_CONF)


def server_image(name: str, log: Log, repositories: Optional[Path] = None) -> ServerImage:
    """The server that tests boot: a key of recipe.SYSTEMS. One with foreign packages needs the folder of their repositories."""
    system = SYSTEMS[name]
    made_by = [repr(system), repr((recipe.FILES, recipe.ABSENT)), DISK_SIZE]
    made_by += [inspect.getsource(step) for step in (recipe.finish, bootstrap, make_server, fill_pool, make_key)]
    if repositories:
        made_by += [repositories.name, inspect.getsource(add_foreign)]
    net = net_image(log)
    make = lambda folder: make_server(folder, name, net, repositories)  # noqa: E731
    return ServerImage(cache.built(f"vm-{name}", made_by, make, log), name)


def make_server(folder: Path, name: str, net: Path, repositories: Optional[Path]) -> None:
    image = ServerImage(folder, name)
    system, tree = image.system, folder / "root"
    sources = machine.debian_sources(system.suite, updates=system.updates)
    bootstrap(tree, ",".join(system.packages), sources, system.suite)
    image.repository.mkdir()
    fill_pool(tree, image.repository, system)
    make_key(image.repository, net)
    process.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", str(image.ssh_key)], check=True)
    shutil.copy(next((tree / "boot").glob("vmlinuz-*")), image.kernel)
    shutil.copy(next((tree / "boot").glob("initrd.img-*")), image.initrd)
    public = image.ssh_key.with_suffix(".pub").read_text()
    recipe.finish(system, tree, public, None if system.foreign else (image.repository / "key.gpg").read_bytes())
    if repositories and system.foreign:
        add_foreign(system, tree, repositories, image.foreign)
    for command in system.commands:
        in_tree(tree, command)
    in_tree(tree, ("apt-get", "clean"))
    words = ["mkfs.ext4", "-q", "-L", "root", "-E", "lazy_itable_init=0,lazy_journal_init=0"]
    process.run([*words, "-d", str(tree), str(image.disk), DISK_SIZE], check=True, timeout=600)
    shutil.rmtree(tree)


def fill_pool(tree: Path, repository: Path, system: System) -> None:
    """Every package of the image at its installed version, and whatever can be installed."""
    cached = tree / "pool"
    (cached / "partial").mkdir(parents=True)
    options = ["-o", "Dir::Cache::archives=/pool", "-o", "APT::Keep-Downloaded-Packages=true"]
    options += ["-o", "APT::Sandbox::User=root"]
    in_tree(tree, ["apt-get", "-qq", "update"], network=True)
    query = ["dpkg-query", "--show", "--showformat", "${Package}:${Architecture}=${Version}\n"]
    installed = in_tree(tree, query).out.split()
    fetch: list[str] = ["apt-get", "-qq", "-y", *options, "--download-only"]
    in_tree(tree, [*fetch, "--reinstall", "install", *installed], network=True, timeout=1800)
    for packages in system.installable:
        in_tree(tree, [*fetch, "install", *packages], network=True, timeout=1800)
    pool = repository / "pool"
    pool.mkdir()
    for deb in cached.glob("*.deb"):
        shutil.move(str(deb), str(pool / deb.name))
    shutil.rmtree(cached)


def add_foreign(system: System, tree: Path, repositories: Path, foreign: Path) -> None:
    """Install what of the other format is there from the start, and keep its repositories for the package server."""
    shutil.copytree(repositories, foreign)
    # As after the last `pacman -Syu`.
    for name in ("local", "sync"):
        (tree / "var/lib/pacman" / name).mkdir(parents=True, exist_ok=True)
    for database in (foreign / "arch").glob("*/*.db"):
        shutil.copy(database, tree / "var/lib/pacman/sync" / database.name)
    for package in system.there:
        (rpm,) = (foreign / "el/base").glob(f"{package}-[0-9]*.rpm")
        shutil.copy(rpm, tree / "tmp/there.rpm")
        in_tree(tree, ("rpm", "-i", "--force-debian", "/tmp/there.rpm"))
        (tree / "tmp/there.rpm").unlink()
    for unit in system.enabled:
        in_tree(tree, ("systemctl", "enable", unit))


def make_key(repository: Path, net: Path) -> None:
    """A signing key from the past, as an archive's is, and the index of the pool."""
    (repository / "gnupg").mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", "/mnt/gnupg", "--batch", "--quiet", "--faked-system-time", "20200101T000000"]
    in_folder(
        repository, net, [*gpg, "--passphrase", "", "--quick-generate-key", "lab archive", "rsa3072", "sign", "never"]
    )
    in_folder(repository, net, [*gpg, "--output", "/mnt/key.gpg", "--export"])
    scan = in_folder(repository, net, ["env", "--chdir=/mnt", "apt-ftparchive", "packages", "pool"])
    (repository / "Packages").write_text(scan.out)


def in_folder(folder: Path, tree: Path, argv: Sequence[str]) -> process.Result:
    """Run a tool of a tree with the folder on its /mnt; agents that it starts end with it."""
    words = [*CONFINED, "--net", "--propagation", "private"]
    bind = (
        'mount --bind "$1" "$2/mnt" && mount -t proc proc "$2/proc" && root=$2 && shift 2 && exec chroot "$root" "$@"'
    )
    # mount and chroot are two programs in one namespace: only a shell can hold it open between them.
    words += ["sh", "-c", bind, "sh", str(folder), str(tree)]
    return process.run([*words, *argv], check=True, timeout=600, shown=argv)
