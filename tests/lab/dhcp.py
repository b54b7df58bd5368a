"""A DHCP server beside the server: hands out the address that the server has anyway, and a time server (option 42)."""

from __future__ import annotations

from tests.lab.hosts import HOSTS, SERVER4, SERVERS4, by_name
from tests.lab.namespaces import STATE, Daemon, Sandbox
from tests.lab.network import ROUTER
from tests.lab.process import wait_for
from tests.lab.vm import MAC

FOLDER = STATE / "dhcp"
#: A client asks again after so many seconds; the lease itself is as short as dnsmasq allows.
RENEW_S = 15
LEASE = "2m"


class DhcpServer:
    """dnsmasq on the router's leg in the server's network; runs only while a test wants it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def daemon(self, time_server: str = "") -> Daemon:
        options = {
            "3": f"{SERVERS4}1",
            "6": str(HOSTS["dns"].ipv4),
            "42": time_server,
            "58": f"{RENEW_S}",
        }
        words = ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--user=root"]
        words += ["--interface=servers", "--bind-interfaces", "--dhcp-authoritative", "--log-facility=-", "--log-dhcp"]
        words += [f"--dhcp-range={SERVER4},{SERVER4},255.255.255.0,{LEASE}", f"--dhcp-host={MAC},{SERVER4}"]
        words += [f"--dhcp-option={number},{value}" for number, value in options.items() if value]
        words += ["--dhcp-leasefile=/lab/dhcp/leases", "--pid-file=/lab/dhcp/pid"]
        return Daemon(self.sandbox, "dhcp", ROUTER, words)

    def start(self, time_server: str) -> None:
        """Hand out this host of the lab as time server, from the next renewal on."""
        self.stop()
        self.sandbox.write(FOLDER / "leases", "")
        daemon = self.daemon(str(HOSTS[by_name(time_server)].ipv4))
        before = len(daemon.log)
        daemon.start()
        wait_for(lambda: True if "DHCP, IP range" in daemon.log[before:] else None, 30, "dnsmasq serves DHCP")

    def stop(self) -> None:
        self.daemon().stop()
