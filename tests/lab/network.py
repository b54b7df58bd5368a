"""The test internet: a router, three networks, one namespace per host. Nothing leads outside."""

from __future__ import annotations

from tests.lab.hosts import HOSTS, NETWORKS, Host
from tests.lab.namespaces import Sandbox

TAP = "tap0"
ROUTER = "router"
# Duplicate address detection would hold every IPv6 address back for a second.
NO_DAD = ("net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0")
FORWARD = ("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")


def batch(sandbox: Sandbox, host: str, lines: list[str]) -> None:
    sandbox.run(["ip", "-netns", host, "-batch", "-"], text="".join(f"{line}\n" for line in lines))


def add_namespace(sandbox: Sandbox, host: str, *settings: str) -> None:
    sandbox.run(["ip", "netns", "add", host])
    sandbox.run(["sysctl", "-qw", *NO_DAD, *settings], host=host, tree=True)


def build(sandbox: Sandbox) -> None:
    add_namespace(sandbox, ROUTER, *FORWARD)
    lines = ["link set lo up"]
    for number, (bridge, (four, six)) in enumerate(NETWORKS.items(), 1):
        # Else it takes the lowest address of its ports, another one when a host is added, and nobody finds the router for a while.
        lines += [
            f"link add {bridge} address 02:00:00:00:00:{number:02x} type bridge forward_delay 0 mcast_snooping 0",
            f"address add {four}1/24 dev {bridge}",
            f"address add {six}1/64 dev {bridge} nodad",
            f"link set {bridge} up",
        ]
    lines += [f"tuntap add dev {TAP} mode tap", f"link set {TAP} master servers", f"link set {TAP} up"]
    batch(sandbox, ROUTER, lines)
    for name, host in HOSTS.items():
        add_host(sandbox, name, host)


def add_host(sandbox: Sandbox, name: str, host: Host) -> None:
    add_namespace(sandbox, name)
    four, six = NETWORKS[host.network]
    batch(
        sandbox,
        ROUTER,
        [
            f"link add {name} type veth peer name eth0 netns {name}",
            f"link set {name} master {host.network}",
            f"link set {name} up",
        ],
    )
    lines = ["link set lo up", "link set eth0 up"]
    if host.ipv4:
        lines += [f"address add {host.ipv4}/24 dev eth0", f"route add default via {four}1"]
    if host.ipv6:
        lines += [f"address add {host.ipv6}/64 dev eth0 nodad", f"route add default via {six}1"]
    batch(sandbox, name, lines)
