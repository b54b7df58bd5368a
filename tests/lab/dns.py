"""The lab's DNS: one BIND that knows every name there is."""

from __future__ import annotations

from tests.lab.hosts import HOSTS, SERVER4, SERVER6
from tests.lab.namespaces import STATE, Daemon, Sandbox

FOLDER = STATE / "dns"
# The zone file of servfail.example is never written: BIND answers SERVFAIL for such a zone.
# silent.example is dropped by policy: no answer at all. All else that no zone has is NXDOMAIN,
# because the root is served here too.
CONF = """\
options {
    directory "/lab/dns"; pid-file none; session-keyfile none; lock-file none;
    listen-on { any; }; listen-on-v6 { any; };
    recursion yes; allow-query { any; }; allow-recursion { any; }; allow-query-cache { any; };
    dnssec-validation no; empty-zones-enable no; notify no; minimal-responses yes;
    response-policy { zone "policy.invalid"; } qname-wait-recurse no;
};
controls { };
zone "." { type primary; file "root.zone"; };
zone "example" { type primary; file "example.zone"; };
zone "pool.ntp.org" { type primary; file "pool.zone"; };
zone "servfail.example" { type primary; file "missing.zone"; };
zone "policy.invalid" { type primary; file "policy.zone"; };
"""
HEAD = "$TTL 300\n@ SOA dns.example. root.dns.example. 1 3600 600 86400 60\n@ NS dns.example.\n"
POOL = HEAD + "0 A 192.0.2.11\n0 A 192.0.2.12\n0 AAAA 2001:db8:2::11\n"
POLICY = HEAD + "silent.example CNAME rpz-drop.\n"
# ntp6.foxtrot.example is a CNAME, see example(); here are the names that belong to no host of their own.
ODD_NAMES = """\
alias.alpha A 192.0.2.11
alias.alpha AAAA 2001:db8:2::11
time.evil CNAME 0.pool.ntp.org.
private A 10.9.8.7
empty TXT "a name without an address"
mixed A 192.0.2.12
mixed A 10.9.8.7
loop CNAME loop2
loop2 CNAME loop
"""


def example() -> str:
    lines = [HEAD + ODD_NAMES]
    rows = [(host.name, host.ipv4, host.ipv6) for host in HOSTS.values()]
    for fqdn, four, six in [*rows, ("time1.example", SERVER4, SERVER6)]:
        name = fqdn.rpartition(".")[0]
        if name == "ntp6.foxtrot":
            lines.append("ntp6.foxtrot CNAME time.foxtrot\n")
            name = "time.foxtrot"
        if four:
            lines.append(f"{name} A {four}\n")
        if six:
            lines.append(f"{name} AAAA {six}\n")
    return "".join(lines)


class NameServer:
    """The one name server, at 198.51.100.53 and 2001:db8:51::53."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.daemon = Daemon(sandbox, "dns", "dns", ["named", "-g", "-c", "/lab/dns/named.conf"])

    @property
    def original(self) -> dict[str, str]:
        return {"root": HEAD + "example. NS dns.example.\n", "example": example(), "pool": POOL, "policy": POLICY}

    def launch(self) -> None:
        self.sandbox.write(FOLDER / "named.conf", CONF)
        for name, text in self.original.items():
            if not self.sandbox.outside(FOLDER / f"{name}.zone").exists():
                self.sandbox.write(FOLDER / f"{name}.zone", text)
        self.daemon.start()

    def start(self) -> None:
        self.launch()
        self.wait()

    def wait(self) -> None:
        self.daemon.answers(["dig", "+time=1", "+tries=1", "+short", "@127.0.0.1", "dns.example", "A"])

    def stop(self) -> None:
        self.daemon.stop()

    def add(self, records: str, zone: str = "example") -> None:
        """Add records to a zone, for instance when a name is to move: `add("ntp1.alpha A 192.0.2.99")`."""
        path = FOLDER / f"{zone}.zone"
        self.replace(self.sandbox.outside(path).read_text() + records.rstrip("\n") + "\n", zone)

    def replace(self, text: str, zone: str = "example") -> None:
        """Give a zone a new text; its daemon is restarted with it."""
        self.sandbox.write(FOLDER / f"{zone}.zone", text)
        self.stop()
        self.start()

    def text(self, zone: str = "example") -> str:
        return self.sandbox.outside(FOLDER / f"{zone}.zone").read_text()

    def heal(self) -> None:
        """Back to the names that the lab came up with."""
        changed = [name for name, text in self.original.items() if self.text(name) != text]
        for name in changed:
            self.sandbox.write(FOLDER / f"{name}.zone", self.original[name])
        if changed:
            self.stop()
        self.start()
