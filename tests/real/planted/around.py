"""Faults around the daemon: its package, its files, what holds it back, its addresses, its machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.lab.hosts import SERVER4
from tests.real.planted.fault import (
    Fault,
    fails,
    own_lines,
    type_between,
    type_commands,
    typed,
    unknown,
    warns,
)
from tests.real.planted.host import OWN, UNIT, Check, Host

LEAPFILE = "/usr/share/zoneinfo/leap-seconds.list"
RULES = "/etc/cron.d/time"

# --- the package


def older_package(package: str, version: str) -> str:
    """dpkg believes that it has this one."""
    return f"sed -i '/^Package: {package}$/,/^$/s/^Version: .*/Version: {version}/' /var/lib/dpkg/status"


PACKAGE = (
    Fault(
        "the daemon is of an old version",
        typed(older_package("ntpsec", "1.2.2+dfsg1-1")),
        (warns("service.version", "CVE-2023-4012", "1.2.2+dfsg1-1+deb12u1 has the fix"),),
    ),
    Fault(
        "the daemon that runs is not the one that is installed",
        typed("cp -p /usr/sbin/ntpd /usr/sbin/ntpd.new; mv /usr/sbin/ntpd.new /usr/sbin/ntpd"),
        (warns("service.version", "not restarted after an upgrade", f"systemctl restart {UNIT}"),),
    ),
)

# --- what it may write and read


def named_out(host: Host, found: Sequence[Check]) -> None:
    """The remedy names the line that names it."""
    host.take_out(found[0]["remedy"])
    host.restart()


def leapfile_elsewhere(host: Host) -> None:
    host.run(f"cp {LEAPFILE} /var/lib/ntpsec/leap-seconds.list")
    host.own_lines("leapfile /var/lib/ntpsec/leap-seconds.list")


FILES = (
    Fault(
        "the drift file's folder is root's",
        typed("chown root:root /var/lib/ntpsec"),
        (warns("service.drift", "may not write into /var/lib/ntpsec", "chown ntpsec:ntpsec"),),
    ),
    Fault(
        "the drift file's folder is gone",
        typed("rm -r /var/lib/ntpsec"),
        (warns("service.drift", "there is no folder /var/lib/ntpsec", "install -d"),),
    ),
    Fault(
        "AppArmor denies the daemon a list of leap seconds",
        leapfile_elsewhere,
        (warns("service.denied", "AppArmor", "open /var/lib/ntpsec/leap-seconds.list"),),
        {warns("service.log", "leap"): "it complains that it cannot read it"},
        mend=type_between("if ntpd is to have it: "),
    ),
    Fault(
        "AppArmor denies the daemon its statistics",
        own_lines("statistics loopstats", "filegen loopstats file loopstats type day enable"),
        (warns("service.denied", "AppArmor", "/var/lib/ntpsec/loopstats"),),
        mend=type_between("if ntpd is to have it: "),
    ),
    Fault(
        "the list of leap seconds is gone",
        typed(f"rm {LEAPFILE}"),
        (warns("leapfile", f"there is no {LEAPFILE}", "tzdata"),),
    ),
    Fault(
        "the list of leap seconds was edited",
        typed(f"sed -i 's/^2272060800/2272060801/' {LEAPFILE}"),
        (warns("leapfile", "no list of leap seconds with a right hash"),),
        mend=type_between("", "; if that"),
    ),
    Fault(
        "the list of leap seconds cannot be read",
        typed(f"chmod 600 {LEAPFILE}"),
        (warns("leapfile", f"may not read {LEAPFILE}", "chmod a+r"),),
    ),
    Fault(
        "another list of leap seconds is named, and is not there",
        own_lines("leapfile /var/lib/ntpsec/leap-seconds.list"),
        (warns("leapfile", "there is no /var/lib/ntpsec/leap-seconds.list", f"{OWN}:1"),),
        mend=named_out,
    ),
)


#: Writes the list of leap seconds anew as it would be had it been made so many seconds after now less half a year, with a right hash.
REDATE = r"""
import hashlib, re, sys, time
path, expires = sys.argv[1], int(time.time()) + 2208988800 + int(sys.argv[2])
text = re.sub(r"^#@.*$", f"#@\t{expires}", open(path).read(), flags=re.MULTILINE)
digits = ""
for line in text.splitlines():
    if line.startswith(("#$", "#@")):
        digits += "".join(line[2:].split())
    elif line and not line.startswith("#"):
        digits += "".join(line.partition("#")[0].split())
told = hashlib.sha1(digits.encode()).hexdigest()
told = " ".join(told[at : at + 8] for at in range(0, 40, 8))
open(path, "w").write(re.sub(r"^#h.*$", f"#h\t{told}", text, flags=re.MULTILINE))
"""
DAY_S = 86400


def redated(days: int) -> Callable[[Host], None]:
    """The list expires in so many days, and its package has not been upgraded for long."""

    def plant(host: Host) -> None:
        host.server.run(["python3", "-c", REDATE, LEAPFILE, f"{days * DAY_S}"], check=True)
        host.run(older_package("tzdata", "2023c-5+deb12u1"))

    return plant


LEAP = (
    Fault(
        "the list of leap seconds has expired",
        redated(-30),
        (warns("leapfile", f"{LEAPFILE} has expired on", "a newer tzdata brings a new one", "tzdata"),),
        mend=type_between("", "; if that"),
    ),
    Fault(
        "the list of leap seconds expires soon",
        redated(20),
        (warns("leapfile", f"{LEAPFILE} expires on", "tzdata"),),
        mend=type_between("", "; if that"),
    ),
)

# --- what it bears

#: Sends so many questions, each from another port, 200 a second: an emulated machine loses what comes faster.
FLOOD = """
import socket, sys, time
for _ in range(int(sys.argv[2])):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.sendto(b"\\x23" + bytes(47), (sys.argv[1], 123))
    time.sleep(0.005)
"""


def flood(host: Host, packets: int) -> None:
    host.lab.client.run(["python3", "-I", "-c", FLOOD, SERVER4, f"{packets}"], check=True)


#: Sends so many pings, each of which looks to the kernel like another program's.
PINGS = """
import socket, struct, sys, time
with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as asking:
    for number in range(1, int(sys.argv[2]) + 1):
        checksum = 0xFFFF - (0x800 + number) % 0xFFFF
        asking.sendto(struct.pack("!BBHHH", 8, 0, checksum, number, 0), (sys.argv[1], 0))
        time.sleep(0.005)
"""


def table_nearly_full(host: Host) -> None:
    """By many connections, which the kernel remembers for longer than it would; of the others some are over soon."""
    host.run("sysctl -qw net.netfilter.nf_conntrack_icmp_timeout=900")
    host.lab.client.run(["python3", "-I", "-c", PINGS, SERVER4, "3000"], check=True)
    count = int(host.run("cat /proc/sys/net/netfilter/nf_conntrack_count"))
    assert count > 2900, count
    host.run(f"sysctl -qw net.netfilter.nf_conntrack_max={count * 100 // 95}")


def one_asks_too_often(host: Host) -> None:
    flood(host, 3000)


LOAD = (
    Fault(
        "the table of connections is nearly full",
        table_nearly_full,
        (
            fails(
                "load.conntrack", "when it is full, new clients get no answer", "ntpjoin setup --notrack", "sysctl -w"
            ),
        ),
        mend=type_between("which does without it; or ", "; to keep it"),
    ),
    Fault(
        "somebody has flushed the table that keeps NTP out of connection tracking",
        typed("ntpjoin setup --yes --notrack; nft delete table inet ntpjoin"),
        (warns("load.notrack", "NTP is tracked", "ntpjoin setup"),),
    ),
    Fault(
        "hosts behind this one began to ask by its address after NTP was taken out of connection tracking",
        typed(
            "ntpjoin setup --yes --notrack; nft add table ip lab; "
            "nft add chain ip lab post '{ type nat hook postrouting priority srcnat; }'; "
            "nft add rule ip lab post ip saddr 10.77.0.0/24 masquerade"
        ),
        (fails("load.notrack", "takes the answers to hosts behind it", "ntpjoin setup"),),
    ),
    Fault(
        "a client asks far too often",
        one_asks_too_often,
        (warns("load.limited", "were refused as too frequent", "ntpq -nc mrulist"),),
        mend=None,
    ),
)

# --- its addresses and its machine

#: A public address that nobody in the lab has.
PUBLIC = "5.5.5.5"


def address_lent(host: Host) -> None:
    host.run(f"ip address change {SERVER4}/24 dev eth0 valid_lft 7200 preferred_lft 7200")


def address_called_dynamic(host: Host) -> None:
    host.lab.dns.add("5.5.5.5.in-addr.arpa. PTR p5-5-5-5.dyn.provider.example.", zone="root")
    host.run(f"ip address add {PUBLIC}/32 dev eth0")
    host.until("the daemon has seen it", lambda: PUBLIC in host.run("ss -Huln sport = 123"), 400)


def nobody_tells_its_name(host: Host) -> None:
    host.run(f"ip address add {PUBLIC}/32 dev eth0")
    host.until("the daemon has seen it", lambda: PUBLIC in host.run("ss -Huln sport = 123"), 400)
    host.lab.dns.stop()


def no_public_address(host: Host) -> None:
    """In the lab all addresses are such as the world cannot ask, and ntpjoin was told to accept them."""
    host.run("""sed -i 's/"allow_private": true/"allow_private": false/' /var/lib/ntpjoin/runs/*/run.json""")


def declare(host: Host, found: Sequence[Check]) -> None:
    """The operator knows to which address the world sends its questions."""
    assert found[0]["remedy"].endswith(" ADDR"), found
    type_commands(host, found[0]["remedy"].replace("ADDR", "9.9.9.9"))


def container(host: Host) -> None:
    """What the kernel says of process 1 in a container that may not set the clock."""
    host.run(
        "sed 's/^CapBnd:.*/CapBnd:\\t000000fffdffffff/' /proc/1/status >/root/status; mount --bind /root/status /proc/1/status"
    )


PLACE = (
    Fault(
        "its address is only lent",
        address_lent,
        (warns("answers.static", f"{SERVER4}: lent for", "DHCP or a router"),),
        mend=type_between("if it is: "),
    ),
    Fault(
        "its address is called a dynamic one",
        address_called_dynamic,
        (warns("answers.static", f"{PUBLIC} is called p5-5-5-5.dyn.provider.example"),),
        mend=type_between("if it is: "),
    ),
    Fault(
        "nobody tells what its address is called",
        nobody_tells_its_name,
        (unknown("host.ptr", PUBLIC, "is DNS reachable?"), unknown("upstreams.pins", "is DNS reachable?")),
        mend=None,
    ),
    Fault(
        "it has no public address",
        no_public_address,
        (warns("answers.address", "no public address", SERVER4),),
        mend=declare,
    ),
    Fault(
        "it is a container that may not set the clock",
        container,
        (warns("host.virtual", "may not set the clock", "CAP_SYS_TIME"),),
        mend=None,
    ),
)

FAULTS = (*PACKAGE, *FILES, *LEAP, *LOAD, *PLACE)
