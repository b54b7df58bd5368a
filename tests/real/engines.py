"""A real ntpd of either engine on a host of its own in the lab's network, without the right to set a clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Optional

from tests.lab import Lab, network
from tests.lab.hosts import Host
from tests.lab.namespaces import STATE, Daemon
from tests.lab.process import wait_for
from tests.lab.recipe import RESOLV_CONF
from tests.lab.trees import tree

#: Mounts in a namespace that ends with the program; the tree stays as it is.
SCRIPT = """
tree=$1 resolv=$2 config=$3
mount -t tmpfs run "$tree/run"
mount --bind "$resolv" "$tree/etc/resolv.conf"
cp "$config" "$tree/run/ntp.conf"
exec setpriv --bounding-set=-sys_time --inh-caps=-sys_time chroot "$tree" /usr/sbin/ntpd -n -c /run/ntp.conf
"""


def root_of(lab: Lab, engine: str) -> Path:
    """The tree whose ntpd is the one: Debian 11's, 13's, or that of the lab's own programs, Debian 12's."""
    trees = {"classic-4.2.8p15": "bullseye", "ntpsec-1.2.3": "trixie"}
    return tree(trees[engine], lab.log) if engine in trees else STATE / "net"


@contextmanager
def running(lab: Lab, engine: str, number: int, config: str, *more4: str) -> Iterator[str]:
    """The daemon, just started, on a new host among the services, whose name is given; with more IPv4 addresses than the one."""
    host, folder = f"{engine.partition('.')[0]}-{number}", STATE / "engines" / f"{engine}-{number}"
    network.add_host(lab.sandbox, host, Host("services", number))
    network.batch(lab.sandbox, host, [f"address add {address}/24 dev eth0" for address in more4])
    lab.sandbox.write(folder / "resolv.conf", RESOLV_CONF)
    lab.sandbox.write(folder / "ntp.conf", config)
    words = ["unshare", "--mount", "--propagation", "private", "sh", "-e", "-c", SCRIPT, "sh"]
    words += [str(root_of(lab, engine)), str(folder / "resolv.conf"), str(folder / "ntp.conf")]
    daemon = Daemon(lab.sandbox, f"ntpd-{host}", host, words, tree=False)
    daemon.start()
    try:
        yield host
    finally:
        daemon.stop()


def wait_listening(lab: Lab, host: str, addresses: Iterable[str]) -> None:
    """Wait until it has its door open at each of these addresses: what comes before that is refused."""
    doors = {f"[{address}]:123" if ":" in address else f"{address}:123" for address in addresses}

    def all_open() -> Optional[bool]:
        lines = lab.sandbox.run(["ss", "-Huln", "sport = 123"], host=host).out.splitlines()
        return True if doors <= {line.split()[3] for line in lines} else None

    wait_for(all_open, 60, f"ntpd on {host} listens at {', '.join(sorted(doors))}")
