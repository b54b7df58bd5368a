"""The daily check as this machine knows it: its units, where their files lie, and the program that they start."""

from __future__ import annotations

from ntpjoin.host.services.systemd import unit_file

SERVICE, TROUBLE, TIMER = "ntpjoin-verify.service", "ntpjoin-trouble.service", "ntpjoin-verify.timer"
UNITS = (SERVICE, TROUBLE, TIMER)

#: Where a program that is one file is kept for the timer; archive.py knows this place, too.
COPY = "/usr/local/lib/ntpjoin/ntpjoin.pyz"

#: The operator's own, if there is one.
ON_TROUBLE = "/etc/ntpjoin/on-trouble"

FILES = (COPY, *map(unit_file, UNITS))
