"""The table of supported systems: one row each, with its source, in `host.rows`. What differs between distributions stands there.

A row is found by the *raw* ID of os-release and the codename of the base or the version (see `find`), never by a name that
somebody rewrote, and never by ID_LIKE: RHEL, Oracle and Amazon all say that they are like Fedora, and have other packages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Optional

from ntpjoin.host.rows import arch, debian, redhat, suse
from ntpjoin.host.rows.refused import IMAGE_BASED, REFUSALS, UNKNOWN
from ntpjoin.systems import Init, Match, Refusal, Row

ROWS: tuple[Row, ...] = (*debian.ROWS, *redhat.ROWS, *suse.ROWS, *arch.ROWS)


def find(os_release: Mapping[str, str]) -> Optional[Row]:
    """The row for an os-release(5) file; None where the system is not supported (`refusal` says why)."""
    if _matches(IMAGE_BASED.match, os_release):
        return None
    return next((row for row in ROWS if _matches(row.match, os_release)), None)


def refusal(os_release: Mapping[str, str]) -> Refusal:
    """Why a system is in no row."""
    return next((one for one in (IMAGE_BASED, *REFUSALS) if _matches(one.match, os_release)), UNKNOWN)


def _matches(match: Match, os_release: Mapping[str, str]) -> bool:
    if os_release.get("ID", "") not in match.ids:
        return False
    if match.variants:
        return os_release.get("VARIANT_ID", "") in match.variants
    if match.codenames:
        return codename_of(os_release) in match.codenames
    major = os_release.get("VERSION_ID", "").partition(".")[0]
    return not match.versions or (major.isdigit() and int(major) in match.versions)


def codename_of(os_release: Mapping[str, str]) -> str:
    """The codename of the base distribution, '' where os-release names none.

    A derivative carries it in UBUNTU_CODENAME or DEBIAN_CODENAME.
    """
    for key in ("UBUNTU_CODENAME", "DEBIAN_CODENAME", "VERSION_CODENAME"):
        if os_release.get(key):
            return os_release[key]
    return ""


def with_init(row: Row, init: Optional[Init]) -> Row:
    """The row with its units called as this init calls them: an init script has no suffix."""
    if init != "init scripts":
        return row
    rivals = tuple(replace(rival, unit=_script(rival.unit)) for rival in row.rivals)
    return replace(row, unit=_script(row.unit), rivals=rivals)


def _script(unit: str) -> str:
    return unit.removesuffix(".service")
