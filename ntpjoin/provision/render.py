"""Rendering ntp.conf: one template for all systems, fed from the row and the engine; and the units of the daily check. Pure."""

from __future__ import annotations

import pkgutil
from collections.abc import Sequence
from pathlib import Path

from ntpjoin.board import majority
from ntpjoin.checks.access import TO_THE_WORLD
from ntpjoin.host.monitor import ON_TROUBLE, TROUBLE
from ntpjoin.host.netfilter.notrack import TABLE
from ntpjoin.host.notrack import UNIT
from ntpjoin.model import Pin
from ntpjoin.systems import Row
from ntpjoin.web import POOL_SITE, WELL_KNOWN, WebServer

#: What the list of clients takes unless told (NTPsec: docs/includes/misc-options.adoc, mru; ntp: html/miscopt.html), and enough for
#: 10,000 new addresses a second: NTPsec keeps each for 64 s, in 96 bytes (include/ntp.h, struct mon_data).
_MRU_KB, _MOST_MRU_KB = 1024, 65536


def mru_kb(memory_kb: int) -> int:
    """How much the list of clients may take: a hundredth of the memory, rounded down to a power of two; 0 where that is the default.

    Kernels differ by a few hundredths in what they leave of the same memory: for that the configuration shall not change.
    """
    hundredth = max(1, memory_kb // 100)
    power = 1 << (hundredth.bit_length() - 1)
    return min(power, _MOST_MRU_KB) if power > _MRU_KB else 0


def ntp_conf(row: Row, pins: Sequence[Pin], *, leapfile: bool, others: int = 0, memory_kb: int = 0) -> str:
    """The text of ntp.conf. The same input always gives the same bytes: no date, no version.

    `others` is how many sources of the operator's own have a voice, beside the pins.
    """
    count, classic = len(pins) + others, row.engine == "classic"
    return _render(
        "ntp.conf.j2",
        include=row.include,
        include_directive=classic,
        drift=row.drift,
        leapfile=row.leapfile if leapfile else "",
        stats=row.stats,
        pins=pins,
        minsane=majority(count),
        # The engine's default is 3: with six or seven sources it would thin them out below minsane, and then follow nobody.
        minclock=min(count, majority(count) + 1),
        # Room for the operator's own lines beside ours; the engine's default is 10.
        maxclock=max(10, count + 3),
        restricts=TO_THE_WORLD[row.engine],
        marks_ipv6=classic,
        lines=row.lines,
        mru_kb=mru_kb(memory_kb),
    )


def unit_text(unit: str, command: Sequence[str], metrics: str = "") -> str:
    """The text of one of the units of the daily check, which starts this program, and puts `metrics` into that file."""
    return _render(
        f"{unit}.j2",
        command=" ".join(command),
        trouble=TROUBLE,
        on_trouble=ON_TROUBLE,
        metrics=metrics,
        folder=str(Path(metrics).parent),
    )


def notrack_unit(nft: str, *, masquerades: bool) -> str:
    """The text of the unit that keeps NTP out of connection tracking by this program.

    Where this host `masquerades`, what is asked from port 123 stays tracked: an answer may be for a host behind it.
    """
    return _render(f"{UNIT}.j2", nft=nft, table=TABLE, masquerades=masquerades)


def virtual_host(server: WebServer, names: Sequence[str], listens: Sequence[str]) -> str:
    """The text of the virtual host that sends lost browsers to the pool's site.

    `names` are those that it has of its own, the first one no pattern; `listens` is where nginx is to be asked.
    """
    left = WELL_KNOWN if server.software == "nginx" else WELL_KNOWN.lstrip("/").replace(".", r"\.")
    first, *others = names
    return _render(
        f"{server.software}-redirect.conf.j2",
        first=first,
        others=" ".join(others),
        names=" ".join(names),
        listens=listens,
        root=server.root,
        left=left,
        site=POOL_SITE,
    )


def _render(name: str, **values: object) -> str:
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415 - costs 40 ms, needed only here

    environment = Environment(  # noqa: S701 - no HTML
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    return environment.from_string(template(name)).render(**values)


def template(name: str) -> str:
    """The text of a template: inside the installed package or the zip archive, beside the package in a source tree."""
    try:
        packaged = pkgutil.get_data("ntpjoin", f"templates/{name}")
    except OSError:
        packaged = None
    if packaged is not None:
        return packaged.decode()
    return (Path(__file__).parents[2] / "templates" / name).read_text()
