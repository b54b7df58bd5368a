"""A daemon's billboard, as `ntpq -p` shows it, and its counters, from what it tells over mode 6."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from time import monotonic
from typing import Optional

from ntpjoin.board import NO_ADDRESS, Billboard, Counters, Peer, SystemVars
from ntpjoin.errors import WireError
from ntpjoin.wire import mode6
from ntpjoin.wire.control import Association, ControlClient
from ntpjoin.wire.mode6 import ControlRefusedError

#: Nobody has waited longer for a whole billboard, however slowly a daemon answers and however many sources it has.
LIMIT_S = 30.0

#: What the billboard needs: asked by name, for what comes unasked fills several fragments.
_SYSTEM = (
    "leap", "stratum", "refid", "peer", "version", "offset", "rootdelay", "rootdisp", "sys_jitter", "frequency", "clock",
)  # fmt: skip
_PEER = (
    "srcadr",
    "refid",
    "stratum",
    "reach",
    "hmode",
    "hpoll",
    "ppoll",
    "rec",
    "reftime",
    "delay",
    "offset",
    "jitter",
    "rootdelay",
    "rootdisp",
    "dispersion",
)

#: Asked for beside those, and left out where a daemon does not know them: classic 4.2.6 has no counters and no srchost.
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
_PEER_TOO = ("flash", "srchost")
_NTPSEC_PEER_TOO = (*_PEER_TOO, "ntscookies")

#: Asked for alone: a daemon that was built without it, as Debian's classic one, would refuse it together with all others.
_SMEAR = "leapsmearinterval"

_DOTTED = re.compile(r"\.[^.]{1,4}\.")
_DECIMAL = re.compile(r"[0-9]{1,19}")
_WHOLE = re.compile(r"[+-]?[0-9]{1,19}|0x[0-9a-fA-F]{1,16}")
_STAMP = re.compile(r"0x([0-9a-fA-F]{8})\.([0-9a-fA-F]{8})")


def billboard(client: ControlClient) -> Billboard:
    """Read the system's variables and counters, and the variables of each source, in the order of their numbers, as ntpq's.

    A source that goes away meanwhile is left out.

    WireError: silence, refusal, an answer that cannot be read, or a daemon so slow that it would take longer than LIMIT_S.
    """
    ends_s = monotonic() + LIMIT_S
    values, _ = _asked(client, 0, _SYSTEM, tuple(_COUNTERS.values()))
    smear = _smear(client)
    status, associations = client.status()
    associations = tuple(sorted(associations, key=lambda one: one.associd))
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
        smear_interval_s=smear,
        event=status.event,
    )
    counters = Counters(**{field: _count(values, name) for field, name in _COUNTERS.items()})
    clock = _Clock(values.get("clock", ""), ntpsec=system.is_ntpsec)
    peers = tuple(_peer(*told, clock) for told in _sources(client, associations, clock, ends_s))
    return Billboard(system, peers, counters=counters)


class _Clock:
    """A daemon's own time when it was asked, and how its ntpq counts from there."""

    def __init__(self, stamp: str, *, ntpsec: bool) -> None:
        self._now = _stamp(stamp)
        self.ntpsec = ntpsec

    def age_s(self, values: Mapping[str, str]) -> Optional[float]:
        """How long ago a source was heard, None where it never was, or where its stamps are ahead of this clock.

        NTPsec's ntpq goes by the source's own stamp of its last answer; classic's by the whole seconds of that, and where there
        is none, as with reference clocks, of when the source was last set.
        """
        stamps = [_stamp(values.get(name, "")) for name in ("rec", "reftime")[: 1 if self.ntpsec else 2]]
        then = next((stamp for stamp in stamps if stamp >> 32), 0)
        if not then or self._now < then:
            return None
        return (self._now - then) / (1 << 32) if self.ntpsec else float((self._now >> 32) - (then >> 32))


def _sources(
    client: ControlClient, associations: tuple[Association, ...], clock: _Clock, ends_s: float
) -> Iterator[tuple[Association, dict[str, str]]]:
    more: tuple[str, ...] = _NTPSEC_PEER_TOO if clock.ntpsec else _PEER_TOO
    for association in associations:
        if monotonic() > ends_s:
            raise WireError(f"the daemon did not tell of its {len(associations)} sources within {LIMIT_S:g} s")
        try:
            values, more = _asked(client, association.associd, _PEER, more)
        except ControlRefusedError as refused:
            if refused.code != mode6.NO_SUCH_ASSOCIATION:
                raise
            continue
        yield association, values


def _peer(association: Association, values: Mapping[str, str], clock: _Clock) -> Peer:
    status = association.decoded
    # As ntpq: the shorter of the two poll intervals counts. Neither daemon has one beyond these.
    exponent = min(max(0, min(_whole(values, "hpoll"), _whole(values, "ppoll"))), 17)
    return Peer(
        associd=association.associd,
        tally=status.tally,
        address=values.get("srcadr") or NO_ADDRESS[0],  # NTPsec tells none from 1.2.5 on
        refid=_refid(values),
        stratum=_whole(values, "stratum"),
        reach=_whole(values, "reach"),
        hmode=_whole(values, "hmode"),
        poll_s=1 << exponent,
        configured=status.configured,
        when_s=clock.age_s(values),
        delay_ms=_real(values, "delay"),
        offset_ms=_real(values, "offset"),
        jitter_ms=_real(values, "jitter"),
        source=values.get("srchost", ""),
        flash=_whole({"flash": "0", **values}, "flash"),
        event=status.event,
        nts_cookies=_count(values, "ntscookies"),
        root_distance_ms=_root_distance_ms(values),
    )


def _root_distance_ms(values: Mapping[str, str]) -> Optional[float]:
    names = ("rootdelay", "delay", "rootdisp", "dispersion", "jitter")
    told = [part for part in (_real(values, name) for name in names) if part is not None]
    if len(told) < len(names):
        return None
    root_delay, delay, *errors = told
    return (root_delay + delay) / 2 + sum(errors)


def _asked(
    client: ControlClient, associd: int, needed: tuple[str, ...], more: tuple[str, ...]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """What a daemon tells of these variables, and which of `more` it knows: the others are left out.

    One request where it knows all.
    """
    try:
        return client.variables(associd, (*needed, *more)), more
    except ControlRefusedError as refused:
        if refused.code != mode6.NO_SUCH_VARIABLE:
            raise
    known = _known(client, associd, more)
    return client.variables(associd, (*needed, *known)), known


def _known(client: ControlClient, associd: int, names: tuple[str, ...]) -> tuple[str, ...]:
    """Which of these variables a daemon knows: one that it does not know spoils the whole answer, so halves are asked then."""
    try:
        client.variables(associd, names)
    except ControlRefusedError as refused:
        if refused.code != mode6.NO_SUCH_VARIABLE:
            raise
    else:
        return names
    half = len(names) // 2
    return (*_known(client, associd, names[:half]), *_known(client, associd, names[half:])) if half else ()


def _smear(client: ControlClient) -> Optional[float]:
    try:
        return _real(client.variables(0, (_SMEAR,)), _SMEAR)
    except ControlRefusedError as refused:
        if refused.code != mode6.NO_SUCH_VARIABLE:
            raise
        return None


def _whole(values: Mapping[str, str], name: str) -> int:
    """Read a whole number, decimal or 0x…."""
    text = values.get(name, "")
    if not _WHOLE.fullmatch(text):
        raise WireError(f"the daemon's {name} is {text[:40]!r}, not a number")
    return int(text, 16 if text.startswith("0x") else 10)


def _count(values: Mapping[str, str], name: str) -> Optional[int]:
    text = values.get(name, "")
    return int(text) if _DECIMAL.fullmatch(text) else None


def _real(values: Mapping[str, str], name: str) -> Optional[float]:
    try:
        number = float(values[name])
    except (KeyError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _refid(values: Mapping[str, str]) -> str:
    """Give the bare code or address: some releases set codes between dots, as ntpq shows them."""
    text = values.get("refid", "")
    return text[1:-1] if _DOTTED.fullmatch(text) else text


def _stamp(text: str) -> int:
    """Give one of the daemon's time stamps (like 0xe5f0c1d2.80000000) as 64 bits, 0 for what is none."""
    match = _STAMP.fullmatch(text)
    return int(match[1] + match[2], 16) if match else 0
