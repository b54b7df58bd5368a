"""Facts and what belongs to them, of a server as it would be: each test changes what it is about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Optional

from ntpjoin.board import Billboard, Counters, Peer, SystemVars
from ntpjoin.facts import (
    Daemon,
    Facts,
    FileFact,
    Holder,
    JournalFacts,
    PackageFacts,
    Pinned,
    RunFact,
    System,
    Unit,
)
from ntpjoin.firewall import FirewallFacts
from ntpjoin.host.distros import ROWS
from ntpjoin.look.detect import Detection
from ntpjoin.model import FAMILIES, Asked, Choice, Chosen, Pin, Sample, Wish
from ntpjoin.provision.render import ntp_conf
from ntpjoin.surroundings import Confinement, Identity, Leapfile, Machine, Place, Surroundings, Tracking

ROW = ROWS[0]
NAMES = ("ntp1.example.net", "ntp2.example.net", "ntp3.example.net", "ntp4.example.net", "ntp5.example.net")
ADDRESSES = ("192.0.2.1", "2001:db8::2", "192.0.2.3", "192.0.2.4", "2001:db8::5")
PINS = tuple(Pin(name, address) for name, address in zip(NAMES, ADDRESSES))
WISH = Wish(upstreams=NAMES, allow_private=True)
OWN4, OWN6 = "203.0.113.7", "2001:db8:113::7"

NTPSEC = Pinned("ntpsec", "1.2.2+dfsg1-1+deb12u1")
PYTHON = Pinned("python3-ntp", "1.2.2+dfsg1-1+deb12u1")
TIMESYNCD = Pinned("systemd-timesyncd", "252.39-1~deb12u1")
TIMESYNCD_UNIT = "systemd-timesyncd.service"

SYSTEM = System(
    id="debian",
    version="12",
    codename="bookworm",
    title="Debian GNU/Linux 12 (bookworm)",
    row=ROW,
    init="systemd",
    container="",
    may_set_clock=True,
    root=True,
)


def changed(facts: Any, **parts: Any) -> Any:
    """The same with other parts; `system__root=False` reaches into a part."""
    for name, value in parts.items():
        head, _, rest = name.partition("__")
        facts = replace(facts, **{head: changed(getattr(facts, head), **{rest: value}) if rest else value})
    return facts


def sample(address: str, offset_s: float = 0.001, stratum: int = 2, leap: int = 0) -> Sample:
    return Sample(address, offset_s, 0.01, stratum, leap, "192.0.2.99", 0.01, 0.01, -20)


def choice(offset_s: Optional[float] = 0.001, count: int = 5, **changes: Any) -> Choice:
    chosen = tuple(Chosen(pin.name, pin.address, sample(pin.address)) for pin in PINS[:count])
    return replace(Choice(len(NAMES), chosen, (), offset_s, 0.004), **changes)


def fresh(**parts: Any) -> Facts:
    """Debian 12 with timesyncd and an active ufw, nothing done yet."""
    made = Facts(
        system=SYSTEM,
        packages=PackageFacts(
            installed={"libc6": "2.36", TIMESYNCD.name: TIMESYNCD.version},
            install=(NTPSEC, PYTHON),
            remove=(TIMESYNCD,),
            kept={TIMESYNCD.name: "/var/cache/ntpjoin/packages/x.deb"},
        ),
        files={ROW.config: None, ROW.include: None, ROW.drift: None},
        units={
            ROW.unit: Unit(ROW.unit),
            TIMESYNCD_UNIT: Unit(TIMESYNCD_UNIT, "loaded", "enabled", "active", "running", 300, "aa"),
        },
        firewall=FirewallFacts("ufw", {"IPv4": False, "IPv6": False}, opens=FAMILIES),
        addresses=(OWN4, OWN6),
        leapfile_valid=True,
    )
    found: Facts = changed(made, **parts)
    return found


def peer(number: int, **changes: Any) -> Peer:
    made = Peer(
        associd=number,
        tally="*" if number == 1 else "+",
        address=ADDRESSES[number - 1],
        refid="192.0.2.99",
        stratum=2,
        reach=255,
        hmode=3,
        poll_s=64,
        configured=True,
        when_s=12.0,
        delay_ms=1.5,
        offset_ms=0.4,
        jitter_ms=0.1,
    )
    return replace(made, **changes)


SYSTEM_VARS = SystemVars(0, 3, "192.0.2.1", 1, "ntpd ntpsec-1.2.2", 0.4, 1.0, 2.0, 0.1, -3.0)
BOARD = Billboard(SYSTEM_VARS, tuple(peer(number) for number in range(1, 6)), counters=Counters(monitored=20))


#: What lies around a daemon that does well, on a virtual machine with AppArmor.
SURROUNDINGS = Surroundings(
    identity=Identity(106, frozenset({112}), "ntpsec:ntpsec"),
    drift=ROW.drift,
    drift_folder=Place("/var/lib/ntpsec", 106, 112, "ntpsec:ntpsec", 0o755),
    leapfile=Leapfile(
        ROW.leapfile,
        f"{ROW.config}:7: leapfile {ROW.leapfile}",
        Place(ROW.leapfile, 0, 0, "root:root", 0o644),
        valid=True,
        expires="2027-06-28",
        days=200,
    ),
    confinement=Confinement("AppArmor", "/usr/sbin/ntpd", "/etc/apparmor.d/usr.sbin.ntpd"),
    tracking=Tracking(40, 65536),
    machine=Machine(
        virtual=True,
        product="QEMU Standard PC",
        clocksource="kvm-clock",
        clocksources=("kvm-clock", "tsc", "acpi_pm"),
        stolen_percent=0.4,
    ),
)


def converged(**parts: Any) -> Facts:
    """The same server after a set-up."""
    content = ntp_conf(ROW, PINS, leapfile=True)
    made = Facts(
        system=SYSTEM,
        packages=PackageFacts(installed={"libc6": "2.36", NTPSEC.name: NTPSEC.version, PYTHON.name: PYTHON.version}),
        files={
            ROW.config: FileFact(content.encode(), 0o644, "root:root", ours=True),
            ROW.include: FileFact(b"", 0o644, "root:root", ours=True),
            ROW.drift: FileFact(b"-3.000\n", 0o644, "ntpsec:ntpsec"),
            "/etc/default/ntpsec": FileFact(b'IGNORE_DHCP="yes"\n', 0o644, "root:root"),
        },
        units={
            ROW.unit: Unit(ROW.unit, "loaded", "enabled", "active", "running", 812, "bb"),
            TIMESYNCD_UNIT: Unit(TIMESYNCD_UNIT),
        },
        holders=tuple(Holder(812, "ntpd", address) for address in ("0.0.0.0", "::", OWN4, OWN6)),
        daemon=Daemon(812, ("/usr/sbin/ntpd", "-c", ROW.config), ROW.config, BOARD, age_s=4000.0),
        firewall=FirewallFacts("ufw", {"IPv4": True, "IPv6": True}, opens=FAMILIES),
        addresses=(OWN4, OWN6),
        leapfile_valid=True,
        journal=JournalFacts(runs=(RunFact(1, "done", WISH, PINS),), written={ROW.config: (content,)}),
        surroundings=SURROUNDINGS,
    )
    found: Facts = changed(made, **parts)
    return found


def answered(*addresses: str) -> dict[str, Asked]:
    return {address: Asked(address, sample(address, stratum=3)) for address in addresses}


def detected(facts: Facts, **parts: Any) -> Detection:
    """What `detect` found on a host that has these facts."""
    values: dict[str, Any] = {
        "facts": facts,
        "manager": "apt",
        "virtualisation": "kvm",
        "unit": facts.unit(ROW.unit),
        "daemon": facts.daemon,
        "engine": None,
        "version": "",
        "rivals": (),
        "unknown": (),
    }
    return Detection(**{**values, **parts})
