"""The images: `net` (the lab's hosts share it), `pool` (.deb files) and `vm` (the server's disk)."""

from __future__ import annotations

import inspect
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.lab import cache, machine, process, recipe
from tests.lab.process import Log

SUITE = "bookworm"
NET_PACKAGES = (
    "apt-utils,bind9,bind9-dnsutils,ca-certificates,chrony,dnsmasq-base,faketime,gpg,gpg-agent,gpgv,iproute2,iputils-ping,nftables,"
    "libbsd0,libcap2,libseccomp2,libssl3,ntpsec-ntpdate,ntpsec-ntpdig,procps,python3,python3-ntp,tcpdump,util-linux"
)
# Unpacked by force: Debian lets one host have one time daemon, and the lab runs two kinds from one tree.
NET_UNPACKED = "ntpsec"
VM_PACKAGES = (
    "apparmor,ca-certificates,cron,dbus,ifupdown,iproute2,iptables,iputils-ping,isc-dhcp-client,kmod,less,linux-image-cloud-amd64,"
    "logrotate,netbase,nftables,openssh-server,procps,python3,sensible-utils,systemd,systemd-sysv,systemd-timesyncd,"
    "tzdata,udev,ufw"
)
# What ntpjoin or a test may install in the VM, each with all that it brings.
INSTALLABLE = (
    ("ntpsec", "ntpsec-ntpdig", "ntpsec-ntpdate"),
    ("chrony",),
    ("openntpd",),
    ("firewalld",),
    ("nftables",),
    ("iptables",),
    ("systemd-timesyncd",),
    ("locales",),
)
DISK_SIZE = "3G"
# Mounts and processes of its own, which end with it, as it does with us.
CONFINED = ("setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child")


@dataclass(frozen=True)
class ServerImage:
    """What a server boots from, and the package pool that was current then."""

    folder: Path

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


def server_image(log: Log) -> ServerImage:
    """The Debian server that tests boot."""
    made_by = [SUITE, VM_PACKAGES, repr(INSTALLABLE), DISK_SIZE, inspect.getsource(recipe)]
    made_by += [inspect.getsource(step) for step in (bootstrap, make_server, fill_pool, make_key)]
    net = net_image(log)
    return ServerImage(cache.built("vm", made_by, lambda folder: make_server(folder, net), log))


def make_server(folder: Path, net: Path) -> None:
    image = ServerImage(folder)
    tree = folder / "root"
    bootstrap(tree, VM_PACKAGES, machine.debian_sources(SUITE))
    image.repository.mkdir()
    fill_pool(tree, image.repository)
    make_key(image.repository, net)
    process.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", str(image.ssh_key)], check=True)
    shutil.copy(next((tree / "boot").glob("vmlinuz-*")), image.kernel)
    shutil.copy(next((tree / "boot").glob("initrd.img-*")), image.initrd)
    public = image.ssh_key.with_suffix(".pub").read_text()
    recipe.finish(tree, public, (image.repository / "key.gpg").read_bytes())
    for command in recipe.COMMANDS:
        in_tree(tree, command)
    words = ["mkfs.ext4", "-q", "-L", "root", "-E", "lazy_itable_init=0,lazy_journal_init=0"]
    process.run([*words, "-d", str(tree), str(image.disk), DISK_SIZE], check=True, timeout=600)
    shutil.rmtree(tree)


def fill_pool(tree: Path, repository: Path) -> None:
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
    for packages in INSTALLABLE:
        in_tree(tree, [*fetch, "install", *packages], network=True, timeout=1800)
    pool = repository / "pool"
    pool.mkdir()
    for deb in cached.glob("*.deb"):
        shutil.move(str(deb), str(pool / deb.name))
    shutil.rmtree(cached)


def make_key(repository: Path, net: Path) -> None:
    """A signing key from the past, as an archive's is, and the index of the pool."""
    (repository / "gnupg").mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", "/mnt/gnupg", "--batch", "--quiet", "--faked-system-time", "20200101T000000"]
    in_repository(
        repository, net, [*gpg, "--passphrase", "", "--quick-generate-key", "lab archive", "rsa3072", "sign", "never"]
    )
    in_repository(repository, net, [*gpg, "--output", "/mnt/key.gpg", "--export"])
    scan = in_repository(repository, net, ["env", "--chdir=/mnt", "apt-ftparchive", "packages", "pool"])
    (repository / "Packages").write_text(scan.out)


def in_repository(repository: Path, net: Path, argv: Sequence[str]) -> process.Result:
    """Run a tool of the `net` image with the repository on its /mnt; agents that it starts end with it."""
    words = [*CONFINED, "--net", "--propagation", "private"]
    bind = 'mount --bind "$1" "$2/mnt" && root=$2 && shift 2 && exec chroot "$root" "$@"'
    # mount and chroot are two programs in one namespace: only a shell can hold it open between them.
    words += ["sh", "-c", bind, "sh", str(repository), str(net)]
    return process.run([*words, *argv], check=True, timeout=600, shown=argv)
