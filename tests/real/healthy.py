"""What `ntpjoin verify` says of a healthy host that is not ok: for each kind of system the checks, with the reason for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

#: Of a check its id and its state.
Said = tuple[str, str]

_ANYWHERE: Mapping[Said, str] = {
    ("outside", "unknown"): "what a host asks of its own addresses meets neither its firewall nor what stands before it"
}

#: What a healthy host of the lab says some days, and others not.
SOMETIMES: Mapping[Said, str] = {
    ("sync.offset", "warn"): "the clock of an emulated processor is some milliseconds off until ntpd has slewed it",
    ("leapfile", "warn"): "the list of leap seconds is that of the archive's tzdata, which may be about to expire",
}

#: By the name of the journey.
HEALTHY: Mapping[str, Mapping[Said, str]] = {
    "debian-11": _ANYWHERE,
    "debian-12": _ANYWHERE,
    "debian-13": _ANYWHERE,
    "sysvinit": _ANYWHERE,
    "devuan-5": _ANYWHERE,
    "el-9": {
        **_ANYWHERE,
        (
            "service.version",
            "unknown",
        ): "the lab's package is of a version with a known fault, and of a release that is nobody's",
    },
    "leap-15": _ANYWHERE,
    "arch": _ANYWHERE,
}


def unlike(system: str, checks: Iterable[Mapping[str, Any]]) -> list[str]:
    """Where these checks differ from those of a healthy host of that kind: '+' for too much, '-' for what is missing."""
    found = {(check["id"], check["state"]): check for check in checks if check["state"] != "ok"}
    expected = HEALTHY[system]
    strange = found.keys() - expected.keys() - SOMETIMES.keys()
    return [
        *(f"+ {' '.join(said)}: {check['text']}" for said, check in found.items() if said in strange),
        *(f"- {' '.join(said)}" for said in expected if said not in found),
    ]
