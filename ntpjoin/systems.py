"""What differs between distributions, as data: the shape of a row of the table. The rows themselves are in `host.distros`."""

from __future__ import annotations

from typing import Literal, Optional

from ntpjoin.records import dataclass

Engine = Literal["classic", "ntpsec"]
Init = Literal["systemd", "init scripts"]

#: What a row rests on: set up, rebooted and taken back on that very system; the same with its package manager, paths and unit on
#: another distribution's programs; or read from its packages' sources only.
Evidence = Literal["run", "modelled", "read"]


@dataclass(frozen=True)
class Rival:
    """A program that sets the clock too: its package ('' where it is part of another one) and its unit."""

    package: str
    unit: str

    @property
    def name(self) -> str:
        """What it is called: by its package, else by its unit."""
        return self.package or self.unit.removesuffix(".service")


@dataclass(frozen=True)
class Setting:
    """One KEY=value of a file that a shell reads."""

    path: str
    key: str
    value: str


@dataclass(frozen=True)
class Repository:
    """Where a system's own repositories lack the daemon: what has it, the package that enables that, and what to type.

    `package` is '' where only the operator can enable it; `otherwise` is what to type where that package is not to be had either, or
    is there and does not help.
    """

    name: str
    package: str
    remedy: str
    otherwise: str = ""


@dataclass(frozen=True)
class Match:
    """Which os-release(5) a row is for: its *raw* ID, and one thing more.

    That is the codename of its base, the first part of its VERSION_ID, or its VARIANT_ID. Where all are empty the ID alone counts, as
    with systems that know no versions.
    """

    ids: tuple[str, ...]
    codenames: tuple[str, ...] = ()
    versions: tuple[int, ...] = ()
    variants: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """One supported system: everything that differs between distributions, and nothing else.

    `snippets` is a folder whose *.conf the daemon reads by itself, '' where it has none: then `include` is named in ours. `leapfile`
    is where `leap_package` puts the list of leap seconds. `former_config` is a file of a former package that is no longer read.
    `lines` are directives that the package's own scripts want to find in the configuration, and `makes` are files that they make, and
    leave behind or take away whoever has edited them. `dhcp` keeps DHCP from replacing the configuration. `python` is the python3
    that the system ships.
    """

    name: str
    title: str
    match: Match
    manager: str
    packages: tuple[str, ...]
    engine: Engine
    unit: str
    daemon: str
    config: str
    include: str
    snippets: str
    drift: str
    leapfile: str
    leap_package: str
    stats: str
    user: str
    rivals: tuple[Rival, ...]
    dhcp: tuple[Setting, ...]
    dhcp_config: str
    former_config: str
    python: str
    evidence: Evidence
    config_owner: str = "root:root"
    config_mode: int = 0o644
    lines: tuple[str, ...] = ()
    makes: tuple[str, ...] = ()
    repository: Optional[Repository] = None


@dataclass(frozen=True)
class Refusal:
    """Why a system is in no row, and what could be done there."""

    match: Match
    why: str
    remedy: str


#: What an administrator types, under systemd and with init scripts.
_TYPED = {
    "start": ("systemctl start {}", "service {} start"),
    "restart": ("systemctl restart {}", "service {} restart"),
    "reload": ("systemctl reload {}", "service {} reload"),
    "status": ("systemctl status {}", "service {} status"),
    # `update-rc.d NAME enable` alone is an error where somebody has taken all links away; `defaults` leaves alone what is there.
    "enable": ("systemctl enable {}", "update-rc.d {0} defaults; update-rc.d {0} enable"),
    "retire": ("systemctl disable --now {}", "update-rc.d {0} disable; service {0} stop"),
    "unmask": ("systemctl unmask {}", "update-rc.d {0} defaults; update-rc.d {0} enable"),
    "log": ("journalctl -u {}", "grep ntpd /var/log/syslog"),
    "definition": ("systemctl cat {}", "cat /etc/init.d/{}"),
}


def to_type(act: str, unit: str) -> str:
    """What to type to have this done to a unit. One of systemd is named with its suffix, an init script without."""
    systemd, script = _TYPED[act]
    return (systemd if unit.endswith(".service") else script).format(unit)


#: What an administrator types to have a package newer, or as it came, or to read what was changed in it.
_MANAGED = {
    "upgrade": {
        "apt": "apt-get update; apt-get install --only-upgrade {}",
        "dnf": "dnf --refresh upgrade {}",
        "zypper": "zypper refresh; zypper update {}",
        "pacman": "pacman -Syu",
    },
    "restore": {
        "apt": "apt-get install --reinstall {}",
        "dnf": "dnf reinstall {}",
        "zypper": "zypper install --force {}",
        "pacman": "pacman -S {}",
    },
    "changes": {
        "apt": "apt-get changelog {}",
        "dnf": "rpm -q --changelog {}",
        "zypper": "rpm -q --changelog {}",
        "pacman": "pacman -Qc {}",
    },
}


def to_manage(act: str, manager: str, package: str) -> str:
    """What to type to have this done to a package."""
    return _MANAGED[act][manager].format(package)
