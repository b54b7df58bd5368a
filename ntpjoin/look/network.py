"""The addresses under which others can ask this host."""

from __future__ import annotations

import ipaddress
import json

from ntpjoin.host.machine import Host


def look_addresses(host: Host) -> tuple[str, ...]:
    """Addresses of global scope, IPv4 first; without temporary (RFC 8981), deprecated and still tentative ones."""
    said = host.run(["ip", "-json", "address", "show", "scope", "global"], check=False)
    if said.code != 0:
        return ()
    found = [
        ipaddress.ip_address(entry["local"])
        for link in json.loads(said.out or "[]")
        for entry in link.get("addr_info", ())
        if "local" in entry and not any(entry.get(flag) for flag in ("temporary", "deprecated", "tentative"))
    ]
    return tuple(str(address) for address in sorted(found, key=lambda address: (address.version, address)))
