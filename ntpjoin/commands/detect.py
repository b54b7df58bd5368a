"""`ntpjoin detect`: what this host is."""

from __future__ import annotations

from ntpjoin.host.interrupts import Interrupts
from ntpjoin.host.machine import Host
from ntpjoin.look.detect import detect
from ntpjoin.show import detection, jsons
from ntpjoin.show.screen import Screen


def detect_command(screen: Screen) -> int:
    """Exit 0, whatever this host is."""
    with Interrupts():
        found = detect(Host(screen.trace))
    screen.answer(detection.text(found, screen.style))
    screen.page(jsons.envelope("detect", 0, **detection.page(found)))
    return 0
