"""Clients by the thousand, each with an address of its own, and hosts behind the server: what the kernel tracks, who is answered."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tests.lab import Lab, Server
from tests.lab.hosts import HOSTS, SERVER4, SERVER6
from tests.lab.process import wait_for

CROWD = Path(__file__).with_name("crowd.py")
#: Networks of which each address is the client's, by the server that is asked.
CROWDS = {SERVER4: "198.18.0.0/15", SERVER6: "2001:db8:cafe::/64"}
#: So many a second an emulated machine answers, too, and so many for 30 s its kernel can track: 8192 on a machine with 1 GB.
RATE = 200
#: What else there is to track meanwhile: our own connection, questions to DNS.
FEW = 60

#: A host behind the server, which asks by the server's address.
BEHIND = "10.77.0"
GUEST = f"""
sysctl -qw net.ipv4.ip_forward=1
ip netns add guest
ip link add guest0 type veth peer name eth0 netns guest
ip address add {BEHIND}.1/24 dev guest0
ip link set guest0 up
ip -n guest link set lo up
ip -n guest address add {BEHIND}.2/24 dev eth0
ip -n guest link set eth0 up
ip -n guest route add default via {BEHIND}.1
"""
MASQUERADE = f"""
table ip guests {{
    chain post {{
        type nat hook postrouting priority srcnat; policy accept;
        ip saddr {BEHIND}.0/24 oifname "eth0" masquerade
    }}
}}
"""


@dataclass(frozen=True)
class Seen:
    """How many of a crowd were answered, and how many more connections the kernel tracked then."""

    answered: int
    rise: int


def crowd(lab: Lab, server: Server, count: int, address: str = SERVER4, port: int = 40000) -> Seen:
    before = tracked(server)
    words = ["python3", "-c", CROWD.read_text(), address, CROWDS[address], str(count), str(RATE), str(port)]
    said = lab.client.run(words, check=True, timeout=60 + 3 * count / RATE)
    return Seen(int(said.out), tracked(server) - before)


def tracked(server: Server) -> int:
    return int(server.run(["cat", "/proc/sys/net/netfilter/nf_conntrack_count"]).out or "0")


def quiet(server: Server) -> None:
    """Wait until those of a former crowd are forgotten."""
    wait_for(lambda: True if tracked(server) < FEW else None, 120, "the kernel forgets the crowd")


def in_turn(lab: Lab, server: Server, count: int) -> dict[str, Seen]:
    """A crowd at each of its addresses; those of the one before are forgotten by then, and do not make up for it."""
    seen = {}
    for address in CROWDS:
        quiet(server)
        seen[address] = crowd(lab, server, count, address)
    print(count, seen, flush=True)
    return seen


def flat(lab: Lab, server: Server, count: int) -> None:
    seen = in_turn(lab, server, count)
    assert {one.answered for one in seen.values()} == {count}, seen
    assert max(one.rise for one in seen.values()) < FEW, seen


def script(server: Server, text: str) -> None:
    server.run(["sh", "-e"], input=text, check=True, timeout=60 * server.slowness)


def guest(server: Server) -> dict[str, bool]:
    """Whether the host behind the server gets the time, from a high port and from 123, of a server outside and of this one."""
    ask = """
import json, os, socket, sys
got = {}
for address in sys.argv[1:]:
    for port in (0, 123):
        door = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        door.settimeout(10)
        door.bind(("0.0.0.0", port))
        nonce = os.urandom(8)
        door.sendto(b"\\x23" + bytes(39) + nonce, (address, 123))
        try:
            got[f"{address} from {port}"] = door.recv(1024)[24:32] == nonce
        except OSError:
            got[f"{address} from {port}"] = False
        door.close()
print(json.dumps(got))
"""
    outside = str(HOSTS["foxtrot"].ipv4)
    said = server.run(
        ["ip", "netns", "exec", "guest", "python3", "-c", ask, outside, f"{BEHIND}.1"], check=True, timeout=120
    )
    found: dict[str, bool] = json.loads(said.out)
    return found
