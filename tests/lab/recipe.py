"""The systems that a server can be, and what makes a bootstrapped tree one of them. A change here rebuilds the images."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Optional

RESOLV_CONF = "nameserver 198.51.100.53\nnameserver 2001:db8:51::53\n"
KEYRING = "/usr/share/keyrings/lab-archive.gpg"
SOURCES = f"deb [signed-by={KEYRING}] http://packages.example/debian ./\n"
INTERFACES = """\
auto lo
iface lo inet loopback

auto eth0
iface eth0 inet static
    address 203.0.113.7/24
    gateway 203.0.113.1
iface eth0 inet6 static
    address 2001:db8:113::7/64
    gateway 2001:db8:113::1
    dad-attempts 0
    accept_ra 0
"""
FILES: dict[str, str] = {
    "etc/hostname": "time1\n",
    "etc/hosts": "127.0.0.1\tlocalhost\n127.0.1.1\ttime1.example time1\n\n::1\tlocalhost ip6-localhost ip6-loopback\n",
    "etc/network/interfaces": INTERFACES,
    "etc/resolv.conf": RESOLV_CONF,
    "etc/fstab": "LABEL=root / ext4 errors=remount-ro 0 1\n",
    # An empty one would make the first boot a "first boot", which enables and disables units by preset.
    "etc/machine-id": "5a17e0c1ab1e4f0e8d0c0ffee0ddba11\n",
}
ABSENT: tuple[str, ...] = ("etc/apt/apt.conf.d/99mmdebstrap", "etc/apt/sources.list.d/0000debian.list")

_BASE = (
    *("ca-certificates", "cron", "dbus", "ifupdown", "iproute2", "iptables", "iputils-ping", "isc-dhcp-client", "kmod"),
    *("less", "linux-image-cloud-amd64", "logrotate", "netbase", "nftables", "openssh-server", "procps", "python3"),
    *("sensible-utils", "tzdata", "udev"),
)
_SYSTEMD = ("systemd", "systemd-sysv")
_UFW = (("ufw", "allow", "22/tcp"), ("ufw", "--force", "enable"))

Init = Literal["systemd", "init scripts"]


@dataclass(frozen=True)
class System:
    """One kind of server: a release of Debian, or its programs under another name, with another package manager or init.

    `installable` is what ntpjoin or a test may install of Debian's packages, each with all that it brings. `commands` are run in the
    tree, as an operator would have typed them; the network namespace in which they run is thrown away. `links` are made, path to
    target. With `foreign` there are package managers of other formats, and repositories for them; the RPMs of `there` are installed
    from the start, and the units of `enabled` start at boot.
    """

    suite: str
    packages: tuple[str, ...]
    installable: tuple[tuple[str, ...], ...] = ()
    commands: tuple[tuple[str, ...], ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    init: Init = "systemd"
    updates: bool = True
    links: dict[str, str] = field(default_factory=dict)
    foreign: bool = False
    there: tuple[str, ...] = ()
    enabled: tuple[str, ...] = ()


DEBIAN_12 = System(
    suite="bookworm",
    packages=(*_BASE, *_SYSTEMD, "apparmor", "systemd-timesyncd", "ufw"),
    installable=(
        ("ntpsec", "ntpsec-ntpdig", "ntpsec-ntpdate"),
        ("chrony",),
        ("openntpd",),
        ("firewalld",),
        ("nftables",),
        ("iptables",),
        ("systemd-timesyncd",),
        ("locales",),
        ("apache2",),
        ("nginx",),
    ),
    commands=_UFW,
)


def _repository(system: str) -> str:
    """The repository of what a system has from the start, for dnf or zypper."""
    settings = ("name=Base", f"baseurl=http://packages.example/{system}/base", "enabled=1", "gpgcheck=0")
    return "\n".join(["[base]", *settings, "autorefresh=1", "type=rpm-md", ""])


_PACMAN = """\
[options]
Architecture = x86_64
SigLevel = Never
[extra]
Server = http://packages.example/arch/extra
"""

SYSTEMS: dict[str, System] = {
    "debian-12": DEBIAN_12,
    "debian-11": System(
        suite="bullseye",
        packages=DEBIAN_12.packages,
        installable=(("ntp", "ntpdate"), ("chrony",), ("systemd-timesyncd",)),
        commands=_UFW,
        # Not all that the index of its security updates names can still be had.
        updates=False,
    ),
    "debian-13": System(
        suite="trixie",
        packages=(*_BASE, *_SYSTEMD, "apparmor", "systemd-timesyncd", "firewalld"),
        installable=(("ntpsec", "ntpsec-ntpdig"), ("chrony",), ("systemd-timesyncd",)),
    ),
    # One for three: which of the package managers is asked is a matter of its os-release (tests/real/guises.py).
    "foreign": System(
        suite="bookworm",
        packages=(
            *(*_BASE, *_SYSTEMD, "systemd-timesyncd", "firewalld"),
            *("dnf", "rpm", "zypper", "pacman-package-manager"),
        ),
        files={
            "etc/yum.repos.d/base.repo": _repository("el"),
            "etc/zypp/repos.d/base.repo": _repository("suse"),
            "etc/pacman.conf": _PACMAN,
            # Debian's rpm keeps its database in the user's home, where zypper does not look.
            "etc/rpm/macros": "%_dbpath /var/lib/rpm\n",
        },
        links={"usr/bin/yum": "dnf"},
        foreign=True,
        there=("system", "chrony"),
        enabled=("chronyd.service",),
    ),
    "sysvinit": System(
        suite="bookworm",
        packages=(*_BASE, "apparmor", "initscripts", "insserv", "rsyslog", "sysv-rc", "sysvinit-core"),
        installable=(("ntpsec", "ntpsec-ntpdig"), ("chrony",)),
        init="init scripts",
    ),
}


def finish(system: System, tree: Path, public_key: str, archive_key: Optional[bytes]) -> None:
    for name, text in {**FILES, **system.files}.items():
        path = tree / name
        path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for name in ABSENT:
        (tree / name).unlink(missing_ok=True)
    for lists in (tree / "var/lib/apt/lists").iterdir():
        if lists.is_file() and lists.name != "lock":
            lists.unlink()
    sources = tree / "etc/apt/sources.list"
    sources.unlink(missing_ok=True)
    if archive_key is not None:
        sources.write_text(SOURCES)
        (tree / KEYRING.lstrip("/")).write_bytes(archive_key)
    for name, target in system.links.items():
        (tree / name).symlink_to(target)
    ssh = tree / "root/.ssh"
    ssh.mkdir(mode=0o700, exist_ok=True)
    (ssh / "authorized_keys").write_text(public_key)
    (ssh / "authorized_keys").chmod(0o600)
