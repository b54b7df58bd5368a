"""Whatever reads what a program printed, by name: what it was seen to print, and what becomes of that. For the fuzzing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Optional

from ntpjoin.checks.lint.language import Dialect
from ntpjoin.checks.lint.lint import lint
from ntpjoin.errors import CommandFailed
from ntpjoin.facts import Unit
from ntpjoin.host import apache, chrony, firewalld, nginx, ntpconf, ntpd, rulesets, ufw, zones
from ntpjoin.host.machine import Host
from ntpjoin.host.netfilter import nft
from ntpjoin.host.netfilter.ranges import CLIENT_PORTS
from ntpjoin.host.netfilter.rules import Is, Packet, Port, Ruleset
from ntpjoin.host.netfilter.verdict import judge_all
from ntpjoin.host.packages import apt, dnf, pacman, rpm, zypper
from ntpjoin.host.programs import Completed
from ntpjoin.host.reading import environment
from ntpjoin.host.services import systemd
from ntpjoin.look.network import look_addresses
from ntpjoin.look.seen import openings, see
from ntpjoin.look.texts import Texts
from ntpjoin.look.untracked import look_untracked
from tests.lint.corpus import FILES as LINTED
from tests.rulesets import captured
from tests.test_host_apt import HALF, SIMULATED, STATUS
from tests.test_host_packages import COMES, COMES_5, GOES, PAGES, RPM_FILES, RPM_QA, ZYPPER
from tests.test_host_system import SHOWN
from tests.webs import APACHE, FILES, NGINX

DOORS = (
    Packet("IPv4", "eth0", 0xCB007107),
    Packet("IPv4", "lo", 0x7F000001),
    Packet("IPv6", "eth0", 0x20010DB8011300000000000000000007),
)
NAMES = ("ntpsec", "chrony", "ntp")


class Told(Host):
    """A host whose programs print what a test says, whatever they are asked, and whose files hold what it says."""

    def __init__(self, programs: Mapping[str, str], files: Optional[Mapping[str, str]] = None, code: int = 0) -> None:
        super().__init__(root=Path("/nonexistent"))
        self._programs, self._files, self._code = programs, files or {}, code

    def run(self, argv: Sequence[str], *, check: bool = True, **_: Any) -> Completed:
        name = argv[0]
        if name not in self._programs:
            return Completed(tuple(argv), 127, "", "it is not here")
        if check and self._code:
            raise CommandFailed(f"{name} ended with exit code {self._code}")
        return Completed(tuple(argv), self._code, self._programs[name], self._programs[name])

    def which(self, program: str) -> Optional[str]:
        return f"/usr/bin/{program}" if program in self._programs else None

    def read(self, path: str) -> Optional[bytes]:
        return self._files[path].encode() if path in self._files else None

    def exists(self, path: str) -> bool:
        return path in self._files

    def names(self, path: str, *, strict: bool = False) -> tuple[str, ...]:
        del path, strict
        return ()

    def is_root(self) -> bool:
        return True


@dataclass(frozen=True)
class Printed:
    """What one program was seen to print, and who reads it; `form` is 'json' where it is that."""

    seeds: tuple[str, ...]
    read: Callable[[str], object]
    form: str = "lines"
    pieces: tuple[str, ...] = field(default=())


def _follow(ruleset: Ruleset) -> object:
    """All that a look at the packet filter makes of rules."""
    if ruleset.problem:
        return ruleset.problem
    seen = see(ruleset, DOORS)
    wanting = [seen.queries[family] for family in seen.wanting]
    return (
        seen.facts(),
        seen.filtering(),
        openings(ruleset, wanting),
        look_untracked(Told({}), seen, seen.facts()),
        [rulesets.of_ufw(ruleset, one) for one in seen.wanting],
    )


def _nft(text: str) -> object:
    return _follow(rulesets.read(Told({"nft": text})))


def _nft_chains(text: str) -> object:
    """The interfaces of chains, which nft tells beside its JSON."""
    return _follow(nft.with_devices(nft.parse(_BOUND), text))


def _iptables(text: str) -> object:
    return _follow(rulesets.read(Told({"iptables-save": text, "ip6tables-save": text})))


def _both(text: str) -> object:
    """As iptables and nft tell of the same tables."""
    try:
        return _follow(rulesets.combine(nft.parse(_BOUND), {"iptables": f"# x (nf_tables)\n{text}"}))
    except ValueError as error:
        return error


def _ufw(text: str) -> object:
    found = ufw.parse(text)
    judged = [judge_all(ufw.as_rules(one), DOORS) for one in (found, ufw.after_allow(found, 123))]
    return (
        judged,
        ufw.first_commands(found, 123),
        ufw.would_replace(found, 123),
        ufw.families_with_rule(Told({"ufw": text}), 123),
    )


def _zones(text: str) -> object:
    found = zones.parse(text)
    services = {"ntp": ((Is("protocol", ("udp",)), Port("dport", CLIENT_PORTS)),)}
    named = [zone.named_services() for zone in found.values()]
    return named, judge_all(zones.as_rules(found, {"eth0": "public", "lo": "trusted"}, "public", services), DOORS)


def _service(text: str) -> object:
    return firewalld.service(Told({}, {"/etc/firewalld/services/ntp.xml": text}), "ntp")


def _firewall_cmd(text: str) -> object:
    """The daemon's own words, now and written down, with a broken definition of a service."""
    return firewalld.look(Told({"firewall-cmd": text}, {"/etc/firewalld/firewalld.conf": text}))


def _apt(text: str) -> object:
    host = Told({"apt-get": text})
    return apt.simulate(host, NAMES), apt.goes_with(host, NAMES), apt.would_remove(host, NAMES)


def _dpkg(text: str) -> object:
    host = Told({"dpkg-query": text, "apt-mark": text})
    return apt.installed(host), apt.residual(host, NAMES), apt.conffiles(host, NAMES), apt.automatic(host, NAMES)


def _dpkg_status(text: str) -> object:
    return apt.installed(Told({"dpkg-query": ""}, {"/var/lib/dpkg/status": text}))


def _dnf(text: str) -> object:
    host = Told({"dnf": text, "rpm": RPM_QA})
    return (
        dnf.simulate(host, NAMES),
        dnf.goes_with(host, NAMES),
        dnf.would_remove(host, NAMES),
        dnf.automatic(host, NAMES),
    )


def _rpm(text: str) -> object:
    host = Told({"rpm": text})
    return rpm.installed(host), rpm.conffiles(host, NAMES)


def _zypper(text: str) -> object:
    host, failed = Told({"zypper": text, "rpm": RPM_QA}), Told({"zypper": text, "rpm": RPM_QA}, code=104)
    return zypper.simulate(host, NAMES), zypper.goes_with(host, NAMES), zypper.simulate(failed, NAMES)


def _pacman(text: str) -> object:
    host = Told({"pacman": text})
    found = pacman.installed(host), pacman.simulate(host, NAMES), pacman.goes_with(host, NAMES)
    return found, pacman.would_remove(host, ["/f/ntp-1-1-x86_64.pkg.tar.zst"]), pacman.automatic(host, NAMES)


def _systemctl(text: str) -> object:
    return systemd.show(Told({"systemctl": text}), NAMES)


def _journalctl(text: str) -> object:
    lines = systemd.log(Told({"journalctl": text}), Unit("ntpsec.service", invocation="x"))
    return [ntpd.log_complaint(line) for line in lines]


def _versions(text: str) -> object:
    return ntpd.version(Told({"ntpd": text}), "ntpd")


def _config(text: str) -> object:
    """What an operator wrote beside us."""
    read = ntpconf.directives("/etc/ntp.conf", text)
    return read, ntpconf.minsane(read), environment(text)


def _apache(text: str) -> object:
    """Its dump, and the same for what stands in its files."""
    try:
        return apache.sites(APACHE, lambda _: text), apache.sites(text, lambda path: FILES.get(path, ""))
    except ValueError as error:
        return error


def _nginx(text: str) -> object:
    try:
        return nginx.sites(text)
    except ValueError as error:
        return error


def _linted(text: str) -> object:
    """The same, judged for one of the engines."""
    dialect = (Dialect("classic"), Dialect("ntpsec", "1.2.3"))[len(text) % 2]
    return lint(Texts("/etc/ntp.conf", {"/etc/ntp.conf": text}, {}), dialect)


def _of(pages: str, *commands: str) -> tuple[str, ...]:
    """What was captured, the shorter ones, each once."""
    found = {page.get(command, "") for page in captured(pages).values() for command in commands}
    return tuple(sorted((text for text in found if text), key=lambda text: (len(text), text)))


_BOUND = next(text for text in reversed(_of("rulesets", "nft")) if "ingress" in text)

JOURNAL = """\
2026-11-22T01:34:55 ntpd[148]: INIT: ntpd ntpsec-1.2.2: Starting
2026-11-22T01:34:55 ntpd[148]: CONFIG: readconfig: parsing file: /etc/ntpsec/ntp.conf
2026-11-22T01:34:55 ntpd[148]: CONFIG: line 3 column 1 syntax error, unexpected T_String
statistics directory /var/log/ntpsec/ does not exist or is unwriteable, error Permission denied
"""
CONFIG = """\
# ours
server 192.0.2.1 iburst  # a "name"
tos minsane 3 minclock 4
restrict -6 default "kod" limited
includefile "/etc/ntpsec/local.conf"
KEY='a value'
"""
CONFIGS = tuple(filter(None, (path.read_bytes().decode() for path in sorted(LINTED.glob("*.conf")))))
CLIENTS = "192.0.2.1,3,0,6,-6,5,0,0,-6,4294967295\n::1,1,0,127,127,3,0,0,127,4294967295\n"

_SERVICES = [f"/usr/lib/firewalld/services/{name}.xml" for name in ("ntp", "mdns", "samba-client")]

PRINTED: Mapping[str, Printed] = {
    "nft": Printed(_of("rulesets", "nft"), _nft, "json", ("[", '{"a":', '{"concat":[', ",1", '"')),
    "nft list chains": Printed(_of("rulesets", "nft-chains"), _nft_chains),
    "iptables-save": Printed(_of("rulesets", "iptables", "ip6tables"), _iptables, pieces=("-A INPUT ", "COMMIT\n", "! ")),
    "iptables over nft": Printed(_of("managers", "iptables-save")[:8], _both),
    "ufw": Printed(_of("managers", "ufw status verbose"), _ufw, pieces=(" (", "(v6) ", "ALLOW ", "1,", "1:")),
    "firewall-cmd": Printed(
        _of("managers", "firewall-cmd --list-all-zones"), _zones, pieces=('rule service name="', "\tx\n", "  ports: 1/udp\n")
    ),
    "firewalld": Printed(_of("managers", "firewall-cmd --list-all-zones")[:3], _firewall_cmd),
    "firewalld's services": Printed(_of("managers", *_SERVICES), _service, "xml", ("<include service='ntp'/>", "<port ")),
    "apt": Printed((SIMULATED,), _apt, pieces=("Inst a [", "Remv ")),
    "dpkg's own file": Printed((STATUS,), _dpkg_status),
    "dpkg": Printed((HALF, "ii \tntpsec\t1.2.2\nrc \tntp:amd64\t1:4.2\n", " /etc/ntp.conf 0123\n"), _dpkg),
    "dnf": Printed((COMES, COMES_5, GOES), _dnf, pieces=("  x\n", "Installing:\n", "     replacing a.b 1\n")),
    "rpm": Printed((RPM_QA, RPM_FILES), _rpm),
    "zypper": Printed((ZYPPER,), _zypper, "xml", ("<to-install>", "<solvable name='a'>", "&lt;")),
    "pacman": Printed((PAGES, "ntp\t4.2.8.p18-6\n", "ntp 4.2.8.p15-1\n"), _pacman, pieces=("Required By :", "a ", "\n\n")),
    "systemctl": Printed((SHOWN,), _systemctl, pieces=("MainPID=1\n", "\n\n")),
    "journalctl": Printed((JOURNAL,), _journalctl),
    "chronyc": Printed((CLIENTS,), lambda text: chrony.clients(Told({"chronyc": text})), pieces=('"', ",", '",')),
    "ip": Printed(_of("managers", "ip -json address show scope global"), lambda text: look_addresses(Told({"ip": text})), "json"),
    "ntpd": Printed(("ntpd ntpsec-1.2.2\n", "ntpd 4.2.8p15@1.3728-o Wed Sep 23\n"), _versions),
    "apache2ctl": Printed((APACHE, *FILES.values()), _apache, pieces=("*:80  is a NameVirtualHost\n", " (", "ServerAlias a ")),
    "nginx": Printed((NGINX,), _nginx, pieces=("include x;\n", "server {", "{", ";", "'", "listen [::", "${", "\\")),
    "ntp.conf": Printed((CONFIG,), _config, pieces=('"', "'", "a='", "#")),
    "ntp.conf for lint": Printed(CONFIGS, _linted, pieces=('"', "server a\n", "restrict default\n", "(", "tos minsane 3\n", "end\n")),
}  # fmt: skip
