"""What `score` answers, in the form that was asked for: for people, for programs, for a monitoring core, as metrics."""

from __future__ import annotations

from collections.abc import Sequence

from ntpjoin.board import Billboard
from ntpjoin.checks.scoring import IN_POOL
from ntpjoin.checks.standing import LOW, Standing
from ntpjoin.model import Check, CheckState, Measure
from ntpjoin.show import report
from ntpjoin.show.report import Form
from ntpjoin.show.standings import Scores, data, text
from ntpjoin.show.terminal import Style

#: The worst is told first.
_ORDER = (CheckState.FAIL, CheckState.UNKNOWN, CheckState.WARN)


def answer(form: Form, scores: Scores, style: Style) -> str:
    """All of it. Only the form that is asked for is imported."""
    if form == "json":
        from ntpjoin.show import jsons  # noqa: PLC0415

        return jsons.envelope("score", scores.code, **data(scores)) + "\n"
    if form == "nagios":
        from ntpjoin.show import nagios  # noqa: PLC0415

        return nagios.line(_report(scores), _words([one.standing for one in scores.told]))
    return _metrics(scores) if form == "prometheus" else text(scores, style) + "\n"


def exit_code(form: Form, scores: Scores) -> int:
    """The command's own; `nagios` alone has others."""
    return report.exit_code(form, _report(scores))


def _report(scores: Scores) -> report.Report:
    """The standings as checks that judge a number: one a server, known by its address."""
    return report.Report(scores.code, tuple(_check(one.standing) for one in scores.told), Billboard())


def _check(one: Standing) -> Check:
    measure = None if one.score is None else Measure(round(one.score, 3), "", LOW, IN_POOL, falls=True)
    return Check(one.address, one.state, one.text, one.remedy, measure)


def _words(found: Sequence[Standing]) -> str:
    """What is wrong, the worst first; where nothing is, how the only one stands, or how many stand well."""
    wrong = sorted((one for one in found if one.state is not CheckState.OK), key=lambda one: _ORDER.index(one.state))
    if not wrong and len(found) > 1:
        return f"all {len(found)} servers are in the pool"
    return "; ".join(f"{one.address}: {one.text}" for one in wrong or found)


def _metrics(scores: Scores) -> str:
    from ntpjoin.show.prometheus import Series, failed, family  # noqa: PLC0415

    found = [one.standing for one in scores.told]
    known = [(one.address, one.record) for one in found if one.record]
    states = [
        ({"address": one.address, "state": state.value}, one.state is state) for one in found for state in CheckState
    ]
    points: list[Series] = [({"address": one.address}, one.score) for one in found]
    checked: list[Series] = [({"address": address}, record.newest_s) for address, record in known]
    single: list[Series] = [
        ({"address": address, "monitor": monitor.name, "status": monitor.status}, monitor.score)
        for address, record in known
        for monitor in {monitor.name: monitor for monitor in record.monitors}.values()
    ]
    return "".join(
        [
            family("ntpjoin_pool_state", "How a server stands in the pool: 1 for its state, 0 for the others.", states),
            family("ntpjoin_pool_score", "The score of a server in the pool; from 10 on it is given to clients.", points),
            family("ntpjoin_pool_checked_timestamp_seconds", "When the pool checked last, in seconds since 1970.", checked),
            family("ntpjoin_pool_monitor_score", "What a single monitor of the pool gives a server.", single),
            failed("score", scores.code, scores.now_s),
        ]
    )  # fmt: skip
