"""The verdict as metrics, in Prometheus' text format, as node_exporter's textfile collector takes it from a file.

Base units, no time stamps: https://prometheus.io/docs/instrumenting/exposition_formats/, https://prometheus.io/docs/practices/naming/.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Callable, Optional

from ntpjoin.board import Peer, SystemVars
from ntpjoin.model import CheckState
from ntpjoin.show.report import Report

Labels = Mapping[str, str]
Series = tuple[Labels, Optional[float]]

_VALUES: Mapping[str, tuple[str, str, float]] = {
    "s": ("_seconds", "The number that a check judges, where it is a time.", 1.0),
    "%": ("_ratio", "The number that a check judges, where it is a part of a whole.", 0.01),
    "": ("", "The number that a check judges, where it is a plain number.", 1.0),
}

_SYSTEM: tuple[tuple[str, str, Callable[[SystemVars], Optional[float]]], ...] = (
    ("ntpjoin_system_offset_seconds", "How far the daemon's sources are ahead of this clock, by its own word.",
     lambda system: _seconds(system.offset_ms)),
    ("ntpjoin_system_jitter_seconds", "The spread of what its sources say.", lambda system: _seconds(system.sys_jitter_ms)),
    ("ntpjoin_system_root_delay_seconds", "There and back to the reference clock.",
     lambda system: _seconds(system.root_delay_ms)),
    ("ntpjoin_system_root_dispersion_seconds", "The error collected on the way from the reference clock.",
     lambda system: _seconds(system.root_dispersion_ms)),
    ("ntpjoin_system_frequency_ratio", "By how much this clock is corrected, as a part of its speed.",
     lambda system: None if system.frequency_ppm is None else system.frequency_ppm / 1e6),
    ("ntpjoin_system_stratum", "How far this server is from a reference clock.", lambda system: system.stratum),
    ("ntpjoin_system_leap", "The leap indicator; 3: not synchronised.", lambda system: system.leap),
)  # fmt: skip

_PEER: tuple[tuple[str, str, Callable[[Peer], Optional[float]]], ...] = (
    ("ntpjoin_peer_offset_seconds", "How far a source is ahead of this clock.", lambda peer: _seconds(peer.offset_ms)),
    ("ntpjoin_peer_delay_seconds", "There and back to a source.", lambda peer: _seconds(peer.delay_ms)),
    ("ntpjoin_peer_jitter_seconds", "The spread of a source's offsets.", lambda peer: _seconds(peer.jitter_ms)),
    ("ntpjoin_peer_stratum", "How far a source is from a reference clock.", lambda peer: peer.stratum),
    ("ntpjoin_peer_reach_ratio", "How many of the last eight polls a source has answered.",
     lambda peer: bin(peer.reach & 0xFF).count("1") / 8),
    ("ntpjoin_peer_poll_seconds", "The time between two polls of a source.", lambda peer: peer.poll_s),
    ("ntpjoin_peer_age_seconds", "How long ago a source was heard last.", lambda peer: peer.when_s),
)  # fmt: skip

#: The marks of `ntpq -p` in words, as ntpq(1) tells what they mean.
_TALLIES = {
    "*": "system peer",
    "o": "system peer, by its pulses",
    "+": "candidate",
    "#": "backup",
    "-": "outlier",
    ".": "excess",
    "x": "falseticker",
}


def page(report: Report, now_s: float) -> str:
    """All metrics. `now_s` is the time of day, in seconds since 1970."""
    return "".join([*_checks(report), *_billboard(report), failed("verify", report.code, now_s)])


def failed(command: str, code: int, now_s: float) -> str:
    """The metrics where there is no verdict: an exit code, so that nobody takes the silence for health."""
    exit_code = family(
        f"ntpjoin_{command}_exit_code", f"What ntpjoin {command} exited with; 0: no check failed.", [({}, code)]
    )
    about = f"When ntpjoin {command} looked, in seconds since 1970."
    return exit_code + family(f"ntpjoin_{command}_timestamp_seconds", about, [({}, now_s)])


def _checks(report: Report) -> Iterator[str]:
    ended = [
        ({"id": id_, "state": state.value}, its is state) for id_, its in report.states.items() for state in CheckState
    ]
    yield family("ntpjoin_check_state", "How a check ended: 1 for its state, 0 for the others.", ended)
    for unit, (suffix, about, factor) in _VALUES.items():
        values = [({"id": id_}, one.value * factor) for id_, one in report.measures.items() if one.unit == unit]
        yield family(f"ntpjoin_check_value{suffix}", about, values)


def _billboard(report: Report) -> Iterator[str]:
    board, names = report.board, {pin.address: pin.name for pin in report.pins}
    if board.system:
        for name, about, value in _SYSTEM:
            yield family(name, about, [({}, value(board.system))])
    peers = {(peer.address, names.get(peer.address, peer.source)): peer for peer in reversed(board.peers)}
    told = [({"address": address, "name": name}, peers[address, name]) for address, name in reversed(peers)]
    for name, about, of in _PEER:
        yield family(name, about, [(labels, of(peer)) for labels, peer in told])
    tallies = [({**labels, "tally": _TALLIES.get(peer.tally, "discarded")}, 1) for labels, peer in told]
    yield family("ntpjoin_peer_info", "What the daemon makes of a source.", tallies)


def _seconds(milliseconds: Optional[float]) -> Optional[float]:
    return None if milliseconds is None else milliseconds / 1000


def family(name: str, about: str, series: Iterable[Series]) -> str:
    """One metric with all its series; nothing where there is none, and without those whose value is not known."""
    lines = [
        f"{name}{_braced(labels)} {_number(value)}\n"
        for labels, value in series
        if value is not None and math.isfinite(value)
    ]
    return f"# HELP {name} {about}\n# TYPE {name} gauge\n{''.join(lines)}" if lines else ""


def _braced(labels: Labels) -> str:
    inner = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{inner}}}" if inner else ""


def _escaped(value: str) -> str:
    """What the format asks to be escaped; what is not Unicode is replaced."""
    clean = value.encode(errors="replace").decode()
    return clean.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    """The shortest that means the same."""
    return repr(int(value)) if value == int(value) else repr(round(value, 12))
