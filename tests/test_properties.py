"""What must hold of whatever is typed. What ntpd itself makes of it: tests/real/test_parser.py."""

from __future__ import annotations

import re
from typing import Optional

from hypothesis import given, settings
from hypothesis import strategies as st

from ntpjoin.errors import UsageProblem, quoted
from ntpjoin.provision.render import ntp_conf
from ntpjoin.upstreams.grammar import parse_public_address
from ntpjoin.upstreams.rules import parse_named
from tests.hostile import CASES, SETTINGS, TYPED, Case, Parse, Tally
from tests.sample import PINS, ROW


def refusal(parse: Parse, text: str) -> Optional[UsageProblem]:
    try:
        parse(text)
    except UsageProblem as problem:
        return problem
    return None


@settings(SETTINGS, max_examples=400)
@given(TYPED, st.sampled_from((parse_named, parse_public_address)))
def test_what_passes_is_plain_and_passes_again_unchanged(text: str, parse: Parse) -> None:
    problem = refusal(parse, text)
    if problem:
        assert problem.message.isprintable()
        assert quoted(text) in problem.message
        assert problem.remedy
    else:
        assert re.fullmatch(r"[a-z0-9.:-]{2,253}", parse(text))
        assert parse(parse(text)) == parse(text)


@settings(SETTINGS, max_examples=25)
@given(CASES)
def test_a_pin_is_one_line_and_nothing_else_changes(case: Case) -> None:
    pins = case.pins(parse_named, Tally())
    template = [line for line in ntp_conf(ROW, PINS, leapfile=case.leapfile).split("\n") if not line.startswith("tos ")]
    written = [line for line in ntp_conf(ROW, pins, leapfile=case.leapfile).split("\n") if not line.startswith("tos ")]
    assert [line for line in written if line.startswith("server ")] == [
        f"server {pin.address} iburst  # {pin.name}" for pin in pins
    ]
    assert [line for line in written if not line.startswith("server ")] == [
        line for line in template if not line.startswith("server ")
    ]
