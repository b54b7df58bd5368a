"""A daemon's billboard, as `ntpq -p` shows it, and its counters, from what it tells over mode 6."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Optional

from ntpjoin.board import Billboard, Counters, Peer, SystemVars
from ntpjoin.errors import WireError
from ntpjoin.wire import mode6
from ntpjoin.wire.control import Association, ControlClient
from ntpjoin.wire.mode6 import ControlRefusedError

#: What the billboard needs: asked by name, for what comes unasked fills several fragments.
_SYSTEM = (
    "leap", "stratum", "refid", "peer", "version", "offset", "rootdelay", "rootdisp", "sys_jitter", "frequency", "clock",
)  # fmt: skip
_PEER = ("srcadr", "refid", "stratum", "reach", "hmode", "hpoll", "ppoll", "rec", "delay", "offset", "jitter")

#: Asked for beside those, and left out where a daemon does not know them: classic 4.2.6 has none of them.
_COUNTERS = {
    "since_s": "ss_reset",
    "received": "ss_received",
    "limited": "ss_limited",
    "kods": "ss_kodsent",
    "declined": "ss_restricted",
    "dropped": "io_dropped",
    "monitored": "mru_depth",
    "monitored_most": "mru_maxdepth",
}
_PEER_TOO = ("srchost", "flash")

#: Asked for alone: a daemon that was built without it, as Debian's are, would refuse it together with all others.
_SMEAR = ("leapsmearinterval",)


def billboard(client: ControlClient) -> Billboard:
    """Read the system's variables and counters, and the variables of each source; a source that goes away meanwhile is left out.

    WireError: silence, refusal, or an answer that cannot be read.
    """
    values = _asked(client, 0, _SYSTEM, tuple(_COUNTERS.values()))
    system = SystemVars(
        leap=_whole(values, "leap"),
        stratum=_whole(values, "stratum"),
        refid=_refid(values),
        peer_associd=_whole({"peer": "0", **values}, "peer"),
        version=values.get("version", ""),
        offset_ms=_real(values, "offset"),
        root_delay_ms=_real(values, "rootdelay"),
        root_dispersion_ms=_real(values, "rootdisp"),
        sys_jitter_ms=_real(values, "sys_jitter"),
        frequency_ppm=_real(values, "frequency"),
        smear_interval_s=_real(_known(client, 0, _SMEAR), *_SMEAR),
    )
    counters = Counters(**{field: _count(values, name) for field, name in _COUNTERS.items()})
    peers = (_peer(client, association, values.get("clock", "")) for association in client.associations())
    return Billboard(system, tuple(peer for peer in peers if peer), counters=counters)


def _peer(client: ControlClient, association: Association, clock: str) -> Optional[Peer]:
    try:
        values = _asked(client, association.associd, _PEER, _PEER_TOO)
    except ControlRefusedError as refused:
        if refused.code == mode6.NO_SUCH_ASSOCIATION:
            return None
        raise
    # As ntpq: the shorter of the two poll intervals counts, and is never outside what the daemons allow.
    exponent = min(max(3, min(_whole(values, "hpoll"), _whole(values, "ppoll"))), 17)
    return Peer(
        associd=association.associd,
        tally=association.decoded.tally,
        address=values.get("srcadr", ""),
        refid=_refid(values),
        stratum=_whole(values, "stratum"),
        reach=_whole(values, "reach"),
        hmode=_whole(values, "hmode"),
        poll_s=1 << exponent,
        configured=association.decoded.configured,
        when_s=_age(clock, values.get("rec", "")),
        delay_ms=_real(values, "delay"),
        offset_ms=_real(values, "offset"),
        jitter_ms=_real(values, "jitter"),
        source=values.get("srchost", ""),
        flash=_whole({"flash": "0", **values}, "flash"),
    )


def _asked(client: ControlClient, associd: int, needed: tuple[str, ...], more: tuple[str, ...]) -> dict[str, str]:
    """What a daemon tells of these variables, those of `more` that it does not know left out; in one request where it knows all."""
    try:
        return client.variables(associd, (*needed, *more))
    except ControlRefusedError as refused:
        if refused.code != mode6.NO_SUCH_VARIABLE:
            raise
    return {**client.variables(associd, needed), **_known(client, associd, more)}


def _known(client: ControlClient, associd: int, names: tuple[str, ...]) -> dict[str, str]:
    """What a daemon tells of these variables; one that it does not know spoils the whole answer, so halves are asked then."""
    try:
        return client.variables(associd, names)
    except ControlRefusedError as refused:
        if refused.code != mode6.NO_SUCH_VARIABLE:
            raise
    half = len(names) // 2
    return {**_known(client, associd, names[:half]), **_known(client, associd, names[half:])} if half else {}


def _whole(values: Mapping[str, str], name: str) -> int:
    """Read a whole number, decimal or 0x…."""
    text = values.get(name, "")
    try:
        return int(text, 16 if text.startswith("0x") else 10)
    except ValueError:
        raise WireError(f"the daemon's {name} is {text!r}, not a number") from None


def _count(values: Mapping[str, str], name: str) -> Optional[int]:
    text = values.get(name, "")
    return int(text) if text.isdecimal() and text.isascii() else None


def _real(values: Mapping[str, str], name: str) -> Optional[float]:
    try:
        number = float(values[name])
    except (KeyError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _refid(values: Mapping[str, str]) -> str:
    """Give the bare code or address: some releases set codes between dots, as ntpq shows them."""
    return values.get("refid", "").strip(".")


def _age(clock: str, received: str) -> Optional[float]:
    """Give the seconds between two of the daemon's own time stamps (like 0xe5f0c1d2.80000000), None without both."""
    try:
        now, then = (int(stamp.replace(".", ""), 16) for stamp in (clock, received))
    except ValueError:
        return None
    age_s = (now - then) / (1 << 32)
    return age_s if then and age_s >= 0 else None
