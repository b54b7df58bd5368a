"""What `probe` prints, in words, as data, as a line and as metrics; each from the same verdicts."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from typing import Any

import pytest

from ntpjoin.checks.probe import Verdicts, judge
from ntpjoin.checks.scoring import Step
from ntpjoin.checks.tracer import Traced
from ntpjoin.model import Resolved
from ntpjoin.show import metrics, probe
from ntpjoin.show.prometheus import failed
from ntpjoin.show.report import Form
from ntpjoin.show.terminal import Style
from tests.documents import REFERENCE, documented
from tests.outputs import HOSTILE
from tests.probed import AGAINST, FOUR, MANY, NAME, OTHER, SIX, asked, seen, silent
from tests.read_back import metrics_page, plugin_line, value

NOW = 1_800_000_000.25
PLAIN = Style(io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), "never")


def answer(form: Form, verdicts: Verdicts) -> str:
    return probe.answer(form, verdicts, PLAIN, NOW)


def test_in_words() -> None:
    assert (
        answer("text", MANY)
        == f"""\
✗ {FOUR}  {NAME}
    stratum 2, offset +0.400 ms, delay 12.0 ms, root distance 13.0 ms, 3 of 3 answered
    pool: step +1.00, in the end a score of 20: in the pool after 14 checks, 2.1 to 10.5 hours
    ✗ closed        answers management queries, mode 6 with 420 bytes for 12 (factor 35.0): an amplifier
                    on it: noquery in the default of restrict; ntpjoin verify names the line
    ✓ tracer        the pool's tracer sees stratum 2, offset +0.3 ms

✗ {SIX}  {NAME}
    pool: step -5.00, in the end a score of -100: never in the pool
    ✗ answers       does not answer: no answer within 7 s
                    IPv4 answers: let UDP 123 in over IPv6, too; or take the AAAA record out

! {OTHER}
    stratum 2, offset +50.000 ms, delay 12.0 ms, root distance 13.0 ms, 3 of 3 answered
    pool: step +0.83, in the end a score of 16.7: in the pool after 18 checks, 2.7 to 13.5 hours
    ! offset        offset +50.0 ms against this clock: the pool's monitors take points from 25 ms on
                    is this clock right? --reference NAME tells; on it: ntpjoin verify
    ✓ closed        refuses management queries (modes 6 and 7)
    ! tracer        the pool's tracer asked it once, and got no answer
                    once more in a minute; a packet may be lost

✗ 5.0.1.6
    pool: step -3.50, in the end a score of -70: never in the pool
    ✗ answers       refuses question 3 of 3, 2 s apart, as too frequent (kiss-o'-death RATE): its limiter is too tight
                    on it: ntpjoin verify names the limit or discard line

? 5.0.1.8
    ? answers       cannot be asked from here: this host has no IPv4 route to it
                    probe it where there is IPv4

✗ gone.example
    ✗ name          leads nowhere: no such name
                    look at the name in DNS

6 asked: 4 not good, 1 with a warning, 1 not to be judged from here. Offsets are against this clock.
"""
    )


def test_a_reference_that_is_none_is_named_and_so_is_a_doubt_about_this_clock() -> None:
    text = answer("text", AGAINST)
    assert "Offsets are against 2 of 3 references.\n! 5.3.0.2 is no reference: its time is off by +9.000 s" in text
    three = answer("text", judge(seen(*(asked(one, offset_s=0.4) for one in (FOUR, OTHER, SIX)))))
    assert three.endswith(
        "\n! 3 of 3 servers say that this clock itself is off by -400.0 ms: --reference NAME, or set it first\n"
    )


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (Step(1.0), "step +1.00, in the end a score of 20: in the pool after 14 checks, 2.1 to 10.5 hours"),
        (Step(-10.0, -50.0), "step -10.00, at most -50, in the end a score of -200: never in the pool"),
        (Step(-0.1922), "step -0.19, in the end a score of -3.8: never in the pool"),
    ],
)
def test_the_score_in_words(step: Step, words: str) -> None:
    assert probe.score(step) == words


def test_as_data() -> None:
    page = json.loads(answer("json", MANY))
    assert (page["command"], page["exit"], page["errors"]) == ("probe", 1, [])
    good, dead, off, kissed, unasked, gone = page["probed"]
    assert [one["verdict"] for one in page["probed"]] == ["fail", "fail", "warn", "fail", "unknown", "fail"]
    assert (good["name"], good["address"]) == (NAME, FOUR)
    assert good["monitor"] == {"step": 1.0, "cap": None, "score": 20.0, "checks": 14}
    assert good["management"] == [{"mode": 6, "sent_bytes": 12, "received_bytes": 420, "factor": 35.0}]
    assert good["tracer"]["offset_ms"] == 0.3
    assert (good["answer"]["offset_ms"], good["answer"]["heard"], len(good["answer"]["samples"])) == (0.4, 3, 3)
    assert (off["answer"]["offset_ms"], off["management"], off["tracer"]["stratum"]) == (50.0, [], None)
    assert (dead["monitor"]["score"], dead["monitor"]["checks"], dead["answer"]["sent"]) == (-100.0, None, 3)
    assert (kissed["answer"]["problem"], kissed["answer"]["heard"]) == ("kiss-o'-death RATE", 2)
    assert (unasked["monitor"], unasked["answer"]["sent"]) == (None, 0)
    assert (gone["answer"], gone["monitor"], gone["address"]) == (None, None, "")
    assert page["reference"] == {"what": "this clock", "offset_ms": 0.0, "servers": [], "dropped": []}


def test_for_a_monitoring_core() -> None:
    status, text, data = plugin_line(answer("nagios", MANY))
    assert status == "CRITICAL"
    assert text.startswith(f"{FOUR} closed: answers management queries")
    assert text.endswith("(4 failed, 2 warned, 9 ok, 1 unknown)")
    assert data[f"{FOUR} offset"] == "0.0004s;0.025;0.1"
    assert data[f"{FOUR} score"] == "20;20:;10:"
    assert data[f"{SIX} score"] == "-100;20:;10:"
    assert data[f"{FOUR} closed"] == "35"
    good = judge(seen(asked(), asked(SIX), names={NAME: (FOUR, SIX)}))
    status, text, _ = plugin_line(answer("nagios", good))
    assert status == "OK"
    assert text.startswith(
        f"{FOUR} stratum 2, offset +0.400 ms, delay 12.0 ms, root distance 13.0 ms, 3 of 3 answered; {SIX} "
    )
    nothing = judge(seen(silent(problem="this host has no IPv4 route to it", sent=0)))
    assert plugin_line(answer("nagios", nothing))[0] == "UNKNOWN"
    unmeasured = judge(seen(asked(), references=[silent(OTHER)]))
    assert plugin_line(answer("nagios", unmeasured))[0] == "UNKNOWN", "it answers, but nobody knows how well"


def test_as_metrics() -> None:
    found = metrics_page(answer("prometheus", MANY))
    assert value(found, "ntpjoin_probe_exit_code") == 1
    assert value(found, "ntpjoin_probe_timestamp_seconds") == NOW
    assert value(found, "ntpjoin_probe_state", address=FOUR, name=NAME, state="fail") == 1
    assert value(found, "ntpjoin_probe_state", address=OTHER, state="fail") == 0
    assert value(found, "ntpjoin_probe_check_state", address=SIX, id="answers", state="fail") == 1
    assert value(found, "ntpjoin_probe_offset_seconds", address=OTHER) == 0.05
    assert value(found, "ntpjoin_probe_delay_seconds", address=FOUR) == 0.012
    assert value(found, "ntpjoin_probe_root_distance_seconds", address=FOUR) == pytest.approx(0.013)
    assert value(found, "ntpjoin_probe_stratum", address=FOUR) == 2
    assert value(found, "ntpjoin_probe_leap", address=FOUR) == 0
    assert value(found, "ntpjoin_probe_answered_ratio", address="5.0.1.6") == pytest.approx(2 / 3)
    assert value(found, "ntpjoin_probe_step", address="5.0.1.6") == -3.5
    assert value(found, "ntpjoin_probe_score", address=SIX) == pytest.approx(-100)
    assert value(found, "ntpjoin_probe_amplification_ratio", address=FOUR, mode="6") == 35
    assert value(found, "ntpjoin_probe_amplification_ratio", address=FOUR, mode="7") == 0
    assert not [key for key in found if key[0] == "ntpjoin_probe_offset_seconds" and SIX in str(key)]


def test_every_metric_is_documented_and_no_other() -> None:
    pages = [metrics.page(MANY, NOW), failed("probe", 3, NOW)]
    names = {name for page in pages for name, _ in metrics_page(page)}
    text = (REFERENCE / "probe.md").read_text()
    assert {name for name in documented(text) if name.startswith("ntpjoin_")} == names
    for about in re.findall(r"^# HELP \S+ (.*)$", pages[0], re.MULTILINE):
        assert about.rstrip(".") in text


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_text_from_outside_breaks_any_form(text: str) -> None:
    parts: dict[str, Any] = {"traced": {FOUR: Traced(problem=text)}, "from_pool": True}
    found = judge(seen(asked(refid=text.encode("ascii", "replace").decode()), **parts))
    lost = replace(seen(), resolved=(Resolved("x", problem=text),))
    nowhere = Verdicts((*found.probed, *judge(lost).probed), found.yardstick)
    plugin_line(answer("nagios", nowhere))
    metrics_page(answer("prometheus", nowhere))
    json.loads(answer("json", nowhere))
