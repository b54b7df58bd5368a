"""`ntpjoin upstreams list`: the catalogue of public time servers, as it is seen from here."""

from __future__ import annotations

from typing import Optional

from ntpjoin.host.interrupts import Interrupts
from ntpjoin.host.machine import Host
from ntpjoin.look.place import look_place
from ntpjoin.show import catalogue as show
from ntpjoin.show import jsons
from ntpjoin.show.screen import Screen
from ntpjoin.upstreams.catalogue import load, refusal
from ntpjoin.upstreams.places import nearest_first, parse_near, where

#: Servers that are shown unless all are asked for.
MOST = 20


def list_command(
    *, country: Optional[str], near: Optional[str], catalogue: Optional[str], every: bool, screen: Screen
) -> int:
    """Exit 0; nearest first, and no packet is sent. What may be used is judged for somebody who reads what is asked of him."""
    host = Host(screen.trace)
    with Interrupts():
        servers = load(host, catalogue or "")
        point = parse_near(near) if near else None
        place = where(look_place(host), country=country or "", near=point, servers=servers)
    told = [
        show.Line(server, km, refusal(server, named=False, unattended=False, monitored=True))
        for km, server in nearest_first(place, servers)
    ]
    usable = [line for line in told if not line.refused]
    shown = told if every else usable[:MOST]
    if place is None:
        screen.talk("where this host stands is not known: add --country CC or --near LAT,LON to see the nearest first")
    screen.answer(show.text(shown, len(usable) - len(shown), len(told) - len(usable), every=every, style=screen.style))
    screen.page(jsons.envelope("upstreams list", 0, **show.page(shown, len(told) - len(shown), place)))
    return 0
