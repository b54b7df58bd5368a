"""What `probe` found, as metrics in Prometheus' text format: `show.prometheus` has the format, and what `verify` found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Callable, Optional

from ntpjoin.checks.probe import Probed, Verdicts
from ntpjoin.model import CheckState, Sample
from ntpjoin.show.prometheus import Labels, failed, family

_SAMPLE: tuple[tuple[str, str, Callable[[Sample], float]], ...] = (
    ("ntpjoin_probe_delay_seconds", "There and back to a server.", lambda sample: sample.delay_s),
    ("ntpjoin_probe_root_distance_seconds", "How wrong the time of a server may be.",
     lambda sample: sample.root_distance_s),
    ("ntpjoin_probe_stratum", "How far a server is from a reference clock.", lambda sample: sample.stratum),
    ("ntpjoin_probe_leap", "The leap indicator of a server; 3: not synchronised.", lambda sample: sample.leap),
)  # fmt: skip

_PROBED: tuple[tuple[str, str, Callable[[Probed], Optional[float]]], ...] = (
    ("ntpjoin_probe_offset_seconds", "How far a server is ahead of what it was measured against.",
     lambda one: one.offset_s),
    ("ntpjoin_probe_answered_ratio", "How many of the questions to a server were answered.",
     lambda one: one.asked.heard / one.asked.sent if one.asked and one.asked.sent else None),
    ("ntpjoin_probe_step", "What a monitor of the pool gives for such a check.",
     lambda one: one.step.points if one.step else None),
    ("ntpjoin_probe_score", "Where the pool's score goes if every check ends so; from 10 on it is in the pool.",
     lambda one: one.step.limit if one.step else None),
)  # fmt: skip


def page(verdicts: Verdicts, now_s: float) -> str:
    """All metrics. `now_s` is the time of day, in seconds since 1970."""
    return "".join([*_states(verdicts), *_numbers(verdicts), failed("probe", verdicts.code, now_s)])


def _labels(one: Probed) -> Labels:
    return {"address": one.address, "name": one.name}


def _states(verdicts: Verdicts) -> Iterator[str]:
    yield family(
        "ntpjoin_probe_state",
        "The worst that could be told of a server: 1 for its state, 0 for the others.",
        [
            ({**_labels(one), "state": state.value}, one.state is state)
            for one in verdicts.probed
            for state in CheckState
        ],
    )
    checks = [
        ({**_labels(one), "id": check.id, "state": state.value}, check.state is state)
        for one in verdicts.probed
        for check in one.checks
        for state in CheckState
    ]
    yield family(
        "ntpjoin_probe_check_state", "How a check of a server ended: 1 for its state, 0 for the others.", checks
    )


def _numbers(verdicts: Verdicts) -> Iterator[str]:
    for name, about, value in _PROBED:
        yield family(name, about, [(_labels(one), value(one)) for one in verdicts.probed])
    samples = [(one, one.asked.sample) for one in verdicts.probed if one.asked and one.asked.sample]
    for name, about, of in _SAMPLE:
        yield family(name, about, [(_labels(one), of(sample)) for one, sample in samples])
    asked = [(one, one.managed) for one in verdicts.probed if one.managed and not one.managed.problem]
    factors = [
        ({**_labels(one), "mode": str(mode)}, sum(it.factor for it in managed.answers if it.mode == mode))
        for one, managed in asked
        for mode in (6, 7)
    ]
    about = "How many times as much as was sent a server gives back to a management query of this mode."
    yield family("ntpjoin_probe_amplification_ratio", about, factors)
