"""What `probe` answers: servers as they look from outside, in words, as data, and for monitoring cores."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Optional

from ntpjoin.board import Billboard
from ntpjoin.checks.probe import Probed, Verdicts, counted, flattened
from ntpjoin.checks.scoring import ACTIVE_S, BEST, IN_POOL, TESTING_S, Step, checks_until
from ntpjoin.checks.tracer import Traced
from ntpjoin.model import Check, CheckState, Choice, Measure
from ntpjoin.show import jsons
from ntpjoin.show.report import Form, Report
from ntpjoin.show.terminal import Style
from ntpjoin.show.text import STATES
from ntpjoin.upstreams.judge import signed

#: Said also where there is nothing wrong: it was asked for.
_ALWAYS = ("closed", "tracer")
_WORDS = {
    CheckState.OK: "good",
    CheckState.WARN: "with a warning",
    CheckState.FAIL: "not good",
    CheckState.UNKNOWN: "not to be judged from here",
}


def answer(form: Form, verdicts: Verdicts, style: Style, now_s: float) -> str:
    """All of it; `now_s` is the time of day, in seconds since 1970."""
    if form == "json":
        return jsons.envelope("probe", verdicts.code, **data(verdicts)) + "\n"
    if form == "nagios":
        from ntpjoin.show import nagios  # noqa: PLC0415

        return nagios.line(report(verdicts), _where_nothing_is_wrong(verdicts))
    if form == "prometheus":
        from ntpjoin.show import metrics  # noqa: PLC0415

        return metrics.page(verdicts, now_s)
    return text(verdicts, style) + "\n"


def report(verdicts: Verdicts) -> Report:
    """For a monitoring core: all checks in one, with the score of each address."""
    numbers = {
        f"{one.address} score": Measure(one.step.limit, "", BEST, IN_POOL, falls=True)
        for one in verdicts.probed
        if one.step
    }
    return Report(verdicts.code, flattened(verdicts), Billboard(), numbers=numbers)


def _where_nothing_is_wrong(verdicts: Verdicts) -> str:
    """What each one says, '' where something is wrong with one."""
    wrong = any(one.state in (CheckState.FAIL, CheckState.WARN) for one in verdicts.probed)
    seen = [one for one in verdicts.probed if one.asked and one.asked.sample and not wrong]
    return "; ".join(f"{one.address} {_summary(one)}" for one in seen)


# --- in words ----------------------------------------------------------------------------------------------------------


def text(verdicts: Verdicts, style: Style) -> str:
    """A paragraph for each address, and how many are good."""
    blocks = ["\n".join(_paragraph(one, style)) for one in verdicts.probed]
    counts = [f"{count} {_WORDS[state]}" for state, count in counted(verdicts).items() if count]
    last = [f"{len(verdicts.probed)} asked: {', '.join(counts)}. Offsets are against {verdicts.yardstick.what}."]
    if verdicts.references:
        last += [
            f"{style.mark('!', '33')} {one.name} is no reference: {one.why}" for one in verdicts.references.dropped
        ]
    if verdicts.doubt:
        last.append(f"{style.mark('!', '33')} {verdicts.doubt}")
    return "\n\n".join([*blocks, "\n".join(last)])


def _paragraph(one: Probed, style: Style) -> Iterator[str]:
    name = "" if one.name == one.address else one.name
    yield f"{style.mark(*STATES[one.state])} {'  '.join(filter(None, (one.address, name)))}"
    if one.asked and one.asked.sample:
        yield f"    {_summary(one)}"
    if one.step:
        yield f"    pool: {score(one.step)}"
    for check in one.checks:
        if check.state is not CheckState.OK or check.id in _ALWAYS:
            yield from _check(check, style)


def _check(check: Check, style: Style) -> Iterator[str]:
    yield f"    {style.mark(*STATES[check.state])} {check.id:<13} {check.text}"
    if check.remedy:
        yield f"      {'':<13} {check.remedy}"


def _summary(one: Probed) -> str:
    assert one.asked is not None
    sample = one.asked.sample
    assert sample is not None
    offset = "" if one.offset_s is None else f"offset {_offset(one.offset_s)}, "
    times = f"delay {sample.delay_s * 1000:.1f} ms, root distance {sample.root_distance_s * 1000:.1f} ms"
    return f"stratum {sample.stratum}, {offset}{times}, {one.asked.heard} of {one.asked.sent} answered"


def _offset(seconds: float) -> str:
    return f"{seconds * 1000:+.3f} ms" if abs(seconds) < 1 else signed(seconds)


def score(step: Step) -> str:
    """Where the pool's score goes if every check of its monitors ends like this one."""
    most = "" if step.cap is None else f", at most {step.cap:.0f}"
    head = f"step {step.points:+.2f}{most}, in the end a score of {_rounded(step.limit)}"
    checks = checks_until(step)
    if checks is None:
        return f"{head}: never in the pool"
    hours = f"{checks * ACTIVE_S / 3600:.1f} to {checks * TESTING_S / 3600:.1f} hours"
    return f"{head}: in the pool after {checks} checks, {hours}"


def _rounded(value: float) -> str:
    return f"{value:.1f}".replace(".0", "")


# --- as data -----------------------------------------------------------------------------------------------------------


def data(verdicts: Verdicts) -> dict[str, Any]:
    """For the JSON object."""
    return {
        "probed": [_probed(one) for one in verdicts.probed],
        "reference": {
            "what": verdicts.yardstick.what,
            "offset_ms": jsons.ms(verdicts.yardstick.offset_s),
            **_references(verdicts.references),
        },
        "doubt": verdicts.doubt,
    }


def _references(choice: Optional[Choice]) -> dict[str, Any]:
    return {
        "servers": [{"name": one.name, "address": one.address} for one in (choice.chosen if choice else ())],
        "dropped": [{"name": one.name, "why": one.why} for one in (choice.dropped if choice else ())],
    }


def _probed(one: Probed) -> dict[str, Any]:
    asked = jsons.answer(one.asked) if one.asked else None
    return {
        "name": one.name,
        "address": one.address,
        "verdict": one.state.value,
        "answer": asked and {**asked, "offset_ms": jsons.ms(one.offset_s), "samples": _samples(one)},
        "monitor": one.step and _monitor(one.step),
        "management": [
            {"mode": it.mode, "sent_bytes": it.sent, "received_bytes": it.received, "factor": round(it.factor, 3)}
            for it in (one.managed.answers if one.managed else ())
        ],
        "tracer": one.traced and _traced(one.traced),
        "checks": jsons.listed(one.checks),
    }


def _samples(one: Probed) -> list[dict[str, Any]]:
    assert one.asked is not None
    return [
        {
            "stratum": sample.stratum,
            "leap": sample.leap,
            "refid": sample.refid,
            "offset_ms": jsons.ms(sample.offset_s),
            "delay_ms": jsons.ms(sample.delay_s),
        }
        for sample in one.asked.samples
    ]


def _monitor(step: Step) -> dict[str, Any]:
    return {
        "step": round(step.points, 6),
        "cap": step.cap,
        "score": round(step.limit, 4),
        "checks": checks_until(step),
    }


def _traced(traced: Traced) -> dict[str, Any]:
    known = traced.stratum is not None
    return {
        "problem": traced.problem,
        "stratum": traced.stratum,
        "leap": traced.leap if known else None,
        "kiss": traced.kiss,
        "offset_ms": jsons.ms(traced.offset_s) if known else None,
        "delay_ms": jsons.ms(traced.delay_s) if known else None,
    }
