"""What is said of a server that was seen from outside: each check and its edges, one alarm for one cause, and the monitor's step."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Optional

import pytest

from ntpjoin.checks.answered import smear_s
from ntpjoin.checks.probe import Probed, flattened, judge, seen_by_monitor
from ntpjoin.checks.scoring import Outcome, Step
from ntpjoin.checks.tracer import MOST, Traced
from ntpjoin.model import KISS, Asked, CheckState, Measure, Resolved
from ntpjoin.wire.management import Exposure, Managed
from tests.probed import FOUR, NAME, OTHER, SAMPLE, SIX, asked, faults, only, reference, seen, silent, told, verdict

OK, WARN, FAIL, UNKNOWN = CheckState.OK, CheckState.WARN, CheckState.FAIL, CheckState.UNKNOWN


def kissed(code: str, sent: int) -> Asked:
    return Asked(FOUR, problem=f"{KISS}{code}", sent=sent, heard=sent - 1)


def test_a_good_server() -> None:
    found = judge(seen(asked()))
    one = only(found)
    assert (found.code, one.state, faults(one)) == (0, OK, [])
    assert [check.id for check in one.checks] == ["answers", "stratum", "distance", "offset"]
    assert one.step == Step(1.0)
    assert one.offset_s == 0.0004
    assert told(one, "offset").text == "offset +0.4 ms against this clock"
    assert told(one, "answers").text == "3 of 3 questions were answered"


# --- whether it answers


@pytest.mark.parametrize(
    ("answer", "state", "words", "remedy", "step"),
    [
        (asked(lost=1), WARN, "2 of 3 questions were answered", "overloaded", Step(1.0)),
        (asked(lost=2), WARN, "1 of 3", "overloaded", Step(1.0)),
        (silent(), FAIL, "does not answer: no answer within 7 s", "let UDP 123 in", Step(-5.0)),
        (silent(problem="refused: nothing listens on UDP 123", sent=1), FAIL, "refused: nothing", "does ntpd run", Step(-5.0)),
        (silent(problem="a packet filter refuses it", sent=1), FAIL, "a packet filter refuses it", "let UDP 123 in", Step(-5.0)),
        (silent(problem="no valid answer within 7 s: it does not echo what was sent"), FAIL,
         "gives answers that no client takes: it does not echo what was sent", "what answers there", Step(-5.0)),
        (silent(problem="this host has no IPv4 route to it", sent=0), UNKNOWN, "cannot be asked from here",
         "where there is IPv4", None),
        (kissed("RATE", 3), FAIL, "refuses question 3 of 3, 2 s apart, as too frequent", "limit or discard line", Step(-3.5)),
        (kissed("RATE", 2), FAIL, "refuses question 2 of 3", "limit or discard line", Step(-3.5)),
        (kissed("RATE", 1), FAIL, "or it was asked from here a moment ago", "wait a minute", Step(-3.5)),
        (kissed("DENY", 1), FAIL, "denies clients the time (kiss-o'-death DENY)", "restrict line", Step(-10.0, -50.0)),
        (kissed("RSTR", 3), FAIL, "denies clients the time (kiss-o'-death RSTR)", "restrict line", Step(-10.0, -50.0)),
    ],
)  # fmt: skip
def test_whether_it_answers(answer: Asked, state: CheckState, words: str, remedy: str, step: Optional[Step]) -> None:
    one = verdict(answer)
    check = told(one, "answers")
    assert check.state is state
    assert words in check.text
    assert remedy in check.remedy
    assert one.step == step
    assert faults(one) == [("answers", state.value)], "one fault is one alarm"


def test_where_the_other_family_answers_it_is_named() -> None:
    names = {NAME: (FOUR, SIX)}
    four, six = judge(seen(asked(), silent(SIX), names=names)).probed
    assert faults(four) == []
    check = told(six, "answers")
    assert check.remedy == "IPv4 answers: let UDP 123 in over IPv6, too; or take the AAAA record out"
    four, six = judge(seen(silent(), asked(SIX), names=names)).probed
    assert told(four, "answers").remedy.startswith("IPv6 answers: ")
    assert "take the A record out" in told(four, "answers").remedy
    assert "answers:" not in told(judge(seen(silent(), silent(SIX), names=names)).probed[0], "answers").remedy
    assert (
        "answers:"
        not in told(judge(seen(silent(), asked(OTHER), names={NAME: (FOUR, OTHER)})).probed[0], "answers").remedy
    )


def test_a_silence_is_believed_beside_one_who_answers() -> None:
    nobody_else = told(verdict(silent()), "answers")
    assert (nobody_else.state, "--reference NAME" in nobody_else.remedy) == (FAIL, True)
    beside = told(judge(seen(silent(), asked(OTHER))).probed[0], "answers")
    assert (beside.state, "--reference" in beside.remedy) == (FAIL, False)
    beside_reference = judge(seen(silent(), references=[asked(OTHER)]))
    assert (told(only(beside_reference), "answers").state, beside_reference.code) == (FAIL, 1)
    deaf = judge(seen(silent(), references=[silent(OTHER)]))
    assert told(only(deaf), "answers").state is UNKNOWN
    assert "this machine hears nobody" in told(only(deaf), "answers").text
    assert (only(deaf).step, deaf.code) == (None, 3), "nothing could be told of anybody"


# --- what it says


@pytest.mark.parametrize(
    ("parts", "expected", "step"),
    [
        ({"stratum": 1, "refid": "GPS"}, [], Step(1.0)),
        ({"stratum": 5}, [], Step(1.0)),
        ({"stratum": 6}, [("stratum", "warn")], Step(1.0)),
        ({"stratum": 7}, [("stratum", "warn")], Step(1.0)),
        ({"stratum": 8}, [("stratum", "fail")], Step(-4.0)),
        ({"stratum": 15}, [("stratum", "fail")], Step(-4.0)),
        ({"stratum": 16}, [("synchronised", "fail")], Step(-4.0)),
        ({"stratum": 16, "leap": 3}, [("synchronised", "fail")], Step(-4.0)),
        ({"stratum": 0, "leap": 3, "refid": "INIT"}, [("synchronised", "fail")], Step(-4.0)),
        ({"leap": 3}, [("synchronised", "fail")], Step(1.0)),
        ({"leap": 3, "offset_s": 7.0}, [("synchronised", "fail")], Step(-4.0, -20.0)),
        ({"leap": 1}, [("leap", "warn")], Step(1.0)),
        ({"leap": 2}, [("leap", "warn")], Step(1.0)),
        ({"root_dispersion_s": 0.480}, [], Step(1.0)),
        ({"root_dispersion_s": 0.500}, [("distance", "warn")], Step(1.0)),
        ({"root_dispersion_s": 1.480}, [("distance", "warn")], Step(1.0)),
        ({"root_dispersion_s": 1.500}, [("distance", "fail")], Step(1.0)),
        ({"reference_age_s": 86_400.0}, [], Step(1.0)),
        ({"reference_age_s": 86_401.0}, [("age", "warn")], Step(1.0)),
        ({"reference_age_s": -1.5}, [("age", "warn")], Step(1.0)),
        ({"offset_s": -0.025}, [], Step(1.0)),
        ({"offset_s": 0.050}, [("offset", "warn")], Step(0.83365)),
        ({"offset_s": -0.100}, [("offset", "warn")], Step(0.5003)),
        ({"offset_s": 0.120}, [("offset", "fail")], Step(0.45404)),
        ({"offset_s": 0.400}, [("offset", "fail")], Step(-0.1922)),
        ({"offset_s": 3.100}, [("offset", "fail")], Step(-4.0, -20.0)),
    ],
)  # fmt: skip
def test_what_it_says_and_what_a_monitor_makes_of_it(
    parts: dict[str, Any], expected: list[tuple[str, str]], step: Step
) -> None:
    found = judge(seen(asked(**parts)))
    one = only(found)
    assert faults(one) == expected
    assert one.step is not None
    assert one.step.points == pytest.approx(step.points)
    assert one.step.cap == step.cap
    assert found.code == int(any(state == "fail" for _, state in expected))
    assert one.state.value == (expected[0][1] if expected else "ok")


def test_an_alarm_that_the_pool_does_not_mind_is_told_as_that() -> None:
    minded = "though the pool's monitors do not mind"
    assert minded in told(verdict(asked(leap=3)), "synchronised").text
    assert minded not in told(verdict(asked(leap=3, stratum=16)), "synchronised").text
    assert minded not in told(verdict(asked(leap=3, offset_s=1.0)), "synchronised").text
    assert "stratum 16" in told(verdict(asked(leap=3, stratum=16)), "synchronised").text


def test_one_alarm_among_three_answers_is_enough_for_clients_and_one_bad_stratum_for_a_monitor() -> None:
    good, bad = SAMPLE, replace(SAMPLE, leap=3, stratum=16, delay_s=1.0)
    answer = Asked(FOUR, good, "", 3, 3, 0.0, (good, bad, good))
    one = verdict(answer)
    assert faults(one) == [("synchronised", "fail")]
    assert one.step == Step(-4.0)


def test_thresholds_are_told_as_numbers() -> None:
    one = verdict(asked(offset_s=-0.12))
    assert told(one, "offset").measure == Measure(0.12, "s", 0.025, 0.1)
    assert told(one, "stratum").measure == Measure(2, "", 5, 7)
    assert told(one, "answers").measure == Measure(0.0, "%", 1)
    assert told(one, "distance").measure == Measure(SAMPLE.root_distance_s, "s", 0.5, 1.5)


def test_an_offset_that_the_way_alone_may_explain_is_told_so() -> None:
    lopsided = "a lopsided way of 300 ms there and back may be all of it"
    assert lopsided in told(verdict(asked(offset_s=0.12, delay_s=0.3)), "offset").text
    assert "lopsided" not in told(verdict(asked(offset_s=0.12)), "offset").text


# --- smearing


@pytest.mark.parametrize(
    ("refid", "seconds"),
    [
        ("254.0.0.0", 0.0),
        ("254.1.2.3", 0.01574778),
        ("254.32.0.0", 0.5),
        ("254.127.255.255", 1.99999976),
        ("254.128.0.0", -2.0),
        ("254.240.0.0", -0.25),
        ("254.255.255.255", -0.00000024),
    ],
)
def test_by_how_much_a_reference_says_that_it_smears(refid: str, seconds: float) -> None:
    assert smear_s(refid) == pytest.approx(seconds, abs=1e-8)


@pytest.mark.parametrize(
    ("refid", "offset_s", "stratum", "expected"),
    [
        ("254.1.2.3", 0.0, 2, [("smear", "fail")]),
        ("254.240.0.0", -0.26, 2, [("smear", "fail")]),  # its clock is off by what it smears: that is one fault
        ("254.240.0.0", 0.0, 2, []),  # a hash of an IPv6 address: its clock is right
        ("254.240.0.0", 0.05, 2, [("offset", "warn")]),
        ("254.", 0.0, 1, []),  # letters, of a reference clock
        ("253.1.2.3", 0.0, 2, []),
    ],
)
def test_who_smears_is_told_from_whose_reference_only_looks_like_it(
    refid: str, offset_s: float, stratum: int, expected: list[tuple[str, str]]
) -> None:
    one = verdict(asked(refid=refid, offset_s=offset_s, stratum=stratum))
    assert faults(one) == expected
    if expected and expected[0][0] == "smear":
        assert refid in told(one, "smear").text


# --- management


@pytest.mark.parametrize(
    ("answer", "managed", "state", "words", "factor"),
    [
        (asked(), (), OK, "refuses management queries", 0.0),
        (kissed("RATE", 1), (), OK, "refuses management queries", 0.0),
        (silent(), (), UNKNOWN, "silent to management queries, but so it is to clients", None),
        (asked(), (Exposure(6, 12, 420),), FAIL, "mode 6 with 420 bytes for 12 (factor 35.0)", 35.0),
        (silent(), (Exposure(6, 12, 12),), FAIL, "mode 6 with 12 bytes for 12 (factor 1.0)", 1.0),
        (asked(), (Exposure(6, 12, 420), Exposure(7, 8, 4400)), FAIL,
         "for 12 (factor 35.0) and mode 7 with 4400 bytes for 8 (factor 550.0): an amplifier", 550.0),
    ],
)  # fmt: skip
def test_whether_it_can_be_used_as_an_amplifier(
    answer: Asked, managed: tuple[Exposure, ...], state: CheckState, words: str, factor: Optional[float]
) -> None:
    one = verdict(answer, managed=[Managed(FOUR, managed)], mine=True)
    check = told(one, "closed")
    assert (check.state, words in check.text) == (state, True)
    assert check.measure == (None if factor is None else Measure(factor))


def test_nothing_is_said_of_management_that_was_not_asked() -> None:
    for one in (
        verdict(asked()),
        verdict(asked(), managed=[Managed(FOUR, problem="this host has no IPv4 route to it")]),
    ):
        assert not [check for check in one.checks if check.id == "closed"]


# --- names and addresses


def test_a_name_that_leads_nowhere_fails_unless_dns_did_not_tell() -> None:
    nowhere = judge(replace(seen(), resolved=(Resolved(NAME, problem="no such name"),)))
    assert faults(only(nowhere)) == [("name", "fail")]
    assert (only(nowhere).address, only(nowhere).step, nowhere.code) == ("", None, 1)
    unheard = Resolved(NAME, problem="no DNS server answered within 5 s", whole=False)
    untold = judge(replace(seen(), resolved=(unheard,)))
    assert (faults(only(untold)), untold.code) == ([("name", "unknown")], 3)


def test_a_family_that_dns_did_not_tell_of_is_named() -> None:
    half = replace(seen(asked()), resolved=(Resolved(NAME, addresses=(FOUR,), whole=False),))
    one = only(judge(half))
    assert faults(one) == [("name", "unknown")]
    assert told(one, "name").text == f"DNS did not tell whether {NAME} has addresses of IPv6, too"
    assert judge(half).code == 0


@pytest.mark.parametrize(
    ("address", "what", "remedy"),
    [
        ("10.1.2.3", "a private address (RFC 1918)", "--allow-private asks it all the same"),
        ("2001:db8::1", "an address for documentation (RFC 3849)", "--allow-private asks it all the same"),
        ("127.0.0.1", "a loopback address (RFC 1122)", ""),
    ],
)
def test_a_private_address_is_not_asked_unless_that_is_allowed(address: str, what: str, remedy: str) -> None:
    refused = only(judge(seen(names={NAME: (address,)})))
    assert faults(refused) == [("address", "fail")]
    check = told(refused, "address")
    assert (what in check.text, check.remedy, refused.step) == (True, remedy, None)
    if remedy:
        assert faults(verdict(asked(address), allow_private=True)) == []


def test_an_address_of_this_host_proves_nothing_of_its_firewall() -> None:
    found = judge(seen(asked(), own=[FOUR]))
    assert faults(only(found)) == [("address", "unknown")]
    assert told(only(found), "address").remedy == f"on another machine: ntpjoin probe {FOUR} --mine"
    assert (only(found).step, only(found).state, found.code) == (None, UNKNOWN, 3)
    assert judge(seen(asked(leap=3), own=[FOUR])).code == 1, "what it says of itself counts"


# --- references


def test_offsets_are_against_the_references_that_agree() -> None:
    right = [reference("5.1.0.2", 7.0), reference("5.2.0.2", 7.001), reference("5.3.0.2", 9.0)]
    found = judge(seen(asked(offset_s=7.12), references=right))
    one = only(found)
    assert found.yardstick.what == "2 of 3 references"
    assert one.offset_s == pytest.approx(0.1195)
    assert faults(one) == [("offset", "fail")]
    assert "--reference" not in told(one, "offset").remedy
    assert [dropped.name for dropped in (found.references.dropped if found.references else ())] == ["5.3.0.2"]
    assert verdict(asked(offset_s=7.0), references=right[:1]).state is OK


def test_without_references_that_agree_an_offset_is_not_known_nor_what_a_monitor_makes_of_it() -> None:
    found = judge(seen(asked(), references=[reference("5.1.0.2", 0.0), reference("5.2.0.2", 5.0)]))
    one = only(found)
    assert faults(one) == [("offset", "unknown")]
    assert (one.offset_s, one.step, one.state, found.code) == (None, None, UNKNOWN, 3)
    beside = judge(seen(asked(lost=1), references=[reference("5.1.0.2", 0.0), reference("5.2.0.2", 5.0)]))
    assert (only(beside).state, beside.code) == (WARN, 0)
    smeared = verdict(asked(refid="254.240.0.0"), references=[silent(OTHER)])
    assert faults(smeared) == [("smear", "fail")], "nothing speaks against it"


FOUR_GOOD = [asked(f"5.0.2.{number}") for number in range(4)]
LIAR, ANOTHER = reference("5.1.0.2", 5.0), reference("5.2.0.2", 5.001)


@pytest.mark.parametrize(
    ("answers", "liars", "words"),
    [
        (FOUR_GOOD, [LIAR], "4 of 4 servers and this clock agree against 1 reference"),
        (FOUR_GOOD, [LIAR, ANOTHER], "4 of 4 servers and this clock agree against 2 references"),
        (FOUR_GOOD, [LIAR, silent("5.3.0.2"), asked("5.3.0.4", leap=3)], "agree against 1 reference"),
        (FOUR_GOOD[:1], [LIAR], "1 of 1 servers and this clock agree against 1 reference"),
        ([*FOUR_GOOD, asked(FOUR, offset_s=5.0)], [LIAR], "4 of 5 servers and this clock agree against"),
    ],
)
def test_one_reference_or_two_are_not_believed_against_more_servers_and_this_clock(
    answers: list[Asked], liars: list[Asked], words: str
) -> None:
    found = judge(seen(*answers, references=liars))
    assert {tuple(faults(one)) for one in found.probed} == {(("offset", "unknown"),)}
    assert words in told(found.probed[0], "offset").text
    assert told(found.probed[0], "offset").remedy == "--reference NAME, three others"
    assert (found.code, found.doubt, found.yardstick.what) == (3, "", "no reference")
    assert found.references is not None
    assert (found.references.chosen, len(found.references.dropped)) == ((), len(liars))


@pytest.mark.parametrize(
    ("answers", "references", "offset_s"),
    [
        pytest.param(FOUR_GOOD, [LIAR, ANOTHER, reference("5.3.0.2", 5.0)], -4.9996, id="three outvote whom they like"),
        pytest.param(FOUR_GOOD[:1], [LIAR, ANOTHER], -5.0001, id="two against two"),
        pytest.param(FOUR_GOOD, [reference("5.1.0.2", 0.001)], -0.0006, id="one that agrees"),
        pytest.param([asked(offset_s=5.0), asked(OTHER, offset_s=5.0)], [LIAR], 0.0, id="this clock alone is off"),
        pytest.param([asked(offset_s=5.0)], [reference("5.1.0.2", 0.0)], 5.0, id="the server alone is off"),
        pytest.param([asked(leap=3)], [LIAR], -4.9996, id="nobody who may be believed stands by this clock"),
        pytest.param([asked(leap=3), asked(OTHER)], [asked(OTHER), LIAR], None, id="a reference has no second voice"),
    ],
)
def test_references_are_believed_where_no_more_speak_against_them(
    answers: list[Asked], references: list[Asked], offset_s: Optional[float]
) -> None:
    one = judge(seen(*answers, references=references)).probed[0]
    assert one.offset_s == (None if offset_s is None else pytest.approx(offset_s))


def test_nobody_is_measured_against_himself() -> None:
    wrong = asked(offset_s=5.0)
    alone = judge(seen(wrong, references=[wrong]))
    assert (faults(only(alone)), alone.code) == ([("offset", "unknown")], 3)
    assert told(only(alone), "offset").text == "it is the only reference itself"
    beside = judge(seen(wrong, references=[wrong, reference("5.1.0.2", 0.0), reference("5.2.0.2", 0.0)]))
    assert only(beside).offset_s == pytest.approx(5.0)
    assert told(only(beside), "offset").text.startswith("offset +5.000 s against 2 of 2 references")
    both = seen(wrong, asked(SIX, offset_s=5.0), names={NAME: (FOUR, SIX)})
    by_name = replace(both, references=both.resolved)
    assert [faults(one) for one in judge(by_name).probed] == [[("offset", "unknown")]] * 2


def test_where_most_agree_against_this_clock_that_is_said() -> None:
    three = [asked(address, offset_s=0.4) for address in (FOUR, OTHER, SIX)]
    found = judge(seen(*three))
    assert found.doubt.startswith("3 of 3 servers say that this clock itself is off by -400.0 ms")
    assert judge(seen(*three[:2])).doubt == ""
    assert judge(seen(*three, references=[reference("5.1.0.2", 0.4)])).doubt == ""
    assert judge(seen(three[0], asked(OTHER), asked(SIX))).doubt == "", "two say that it is right"
    assert "is this clock right?" in told(found.probed[0], "offset").remedy


AHEAD = [asked(address, offset_s=10.0) for address in (FOUR, OTHER, "5.0.1.6", SIX)]


@pytest.mark.parametrize(
    ("answers", "names", "more"),
    [
        pytest.param(AHEAD, {NAME: (FOUR, OTHER, "5.0.1.6", SIX)}, {}, id="one name with four addresses"),
        pytest.param(AHEAD, {NAME: (FOUR, OTHER), SIX: (SIX, "5.0.1.6")}, {}, id="two names with two each"),
        pytest.param(
            AHEAD,
            {"a.example": (FOUR,), "b.example": (OTHER, "5.0.1.6"), "c.example": (FOUR, OTHER), SIX: (SIX,)},
            {},
            id="names that share an address, by way of a third",
        ),
        pytest.param([replace(one, samples=(replace(SAMPLE, leap=3),)) for one in AHEAD], None, {}, id="one alarm"),
        pytest.param([*AHEAD[:2], asked(SIX, offset_s=10.0, leap=3)], None, {}, id="leap 3"),
        pytest.param([*AHEAD[:2], asked(SIX, offset_s=10.0, stratum=16)], None, {}, id="stratum 16"),
        pytest.param([*AHEAD[:2], asked(SIX, offset_s=10.0, reference_age_s=1e5)], None, {}, id="adrift"),
        pytest.param([*AHEAD[:2], asked(SIX, offset_s=10.0, root_dispersion_s=2.0)], None, {}, id="too far"),
        pytest.param(AHEAD[:3], None, {"own": [FOUR]}, id="this host itself"),
    ],
)
def test_three_servers_that_may_be_believed_outvote_this_clock_and_no_fewer(
    answers: list[Asked], names: Optional[dict[str, tuple[str, ...]]], more: dict[str, Any]
) -> None:
    assert judge(seen(*answers, names=names, **more)).doubt == ""


def test_a_server_has_one_voice_whatever_addresses_it_has() -> None:
    names = {NAME: (FOUR, SIX), OTHER: (OTHER,), "5.0.1.6": ("5.0.1.6",)}
    assert judge(seen(*AHEAD, names=names)).doubt.startswith(
        "3 of 3 servers say that this clock itself is off by -10.0"
    )
    crowd = [asked(f"5.0.3.{number}") for number in range(4)]
    where = {**names, "crowd.example": tuple(one.address for one in crowd)}
    assert judge(seen(*AHEAD, *crowd, names=where)).doubt.startswith("3 of 4 servers say")


# --- the pool's tracer


@pytest.mark.parametrize(
    ("traced", "state", "words"),
    [
        (Traced(2, 0, 0.0003, 0.02), OK, "the pool's tracer sees stratum 2, offset +0.3 ms"),
        (Traced(), WARN, "got no answer"),
        (Traced(0, 3, kiss="RATE"), WARN, "was told: kiss-o'-death RATE"),
        (Traced(16, 3), WARN, "was told: stratum 16, leap 3"),
        (Traced(problem=f"it was not asked: {MOST} servers are enough"), UNKNOWN, "tells nothing: it was not asked"),
    ],
)
def test_what_the_pools_tracer_says(traced: Traced, state: CheckState, words: str) -> None:
    check = told(verdict(asked(), traced={FOUR: traced}, from_pool=True), "tracer")
    assert (check.state, words in check.text) == (state, True)


# --- a monitor of the pool


@pytest.mark.parametrize(
    ("answer", "offset_s", "outcome"),
    [
        (silent(), None, Outcome(no_response=True)),
        (kissed("RATE", 3), None, Outcome(error="RATE")),
        (asked(stratum=0, refid="INIT"), 0.1, Outcome(0, error="bad stratum 0")),
        (asked(stratum=11), 0.1, Outcome(11, error="bad stratum 11")),
        (asked(stratum=10), 0.1, Outcome(10, 0.1)),
        (asked(), None, None),
    ],
)
def test_what_a_monitor_would_report(answer: Asked, offset_s: Optional[float], outcome: Optional[Outcome]) -> None:
    assert seen_by_monitor(answer, offset_s) == outcome


def test_all_checks_in_one_are_told_with_their_address() -> None:
    found = judge(seen(asked(), silent(SIX), names={NAME: (FOUR, SIX)}))
    assert [check.id for check in flattened(found)][:2] == [f"{FOUR} answers", f"{FOUR} stratum"]
    assert flattened(found)[-1].id == f"{SIX} answers"


def test_every_remedy_of_a_fault_says_what_to_do() -> None:
    every: list[Probed] = [
        verdict(answer, managed=[Managed(FOUR, (Exposure(6, 12, 12),))])
        for answer in (silent(), kissed("RATE", 3), kissed("DENY", 1), asked(leap=3), asked(leap=1), asked(stratum=9),
                       asked(offset_s=1.0), asked(root_dispersion_s=2.0), asked(reference_age_s=1e6), asked(refid="254.0.0.1"))
    ]  # fmt: skip
    assert [check.id for one in every for check in one.checks if check.state is not OK and not check.remedy] == []
