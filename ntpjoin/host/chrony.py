"""chronyd through chronyc(1): how many others it serves."""

from __future__ import annotations

import csv
import ipaddress
from typing import Optional

from ntpjoin.host.machine import Host


def clients(host: Host) -> Optional[int]:
    """About how many others have asked it for the time, as far as its log of clients reaches; None where it does not tell.

    Each line begins with an address and how many NTP packets came from it (chronyc(1), clients); only root may ask.
    """
    said = host.run(["chronyc", "-c", "-n", "clients"], check=False)
    if said.code != 0:
        return None
    try:
        return sum(_is_client(row) for row in csv.reader(said.out.splitlines()))
    except csv.Error:
        return None


def _is_client(row: list[str]) -> bool:
    try:
        return int(row[1]) > 0 and not ipaddress.ip_address(row[0]).is_loopback
    except (IndexError, ValueError):
        return False
