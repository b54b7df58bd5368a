"""The table that keeps NTP out of connection tracking, as this machine knows it: the unit that loads it."""

from __future__ import annotations

from ntpjoin.host.services.systemd import unit_file

UNIT = "ntpjoin-notrack.service"
FILE = unit_file(UNIT)
