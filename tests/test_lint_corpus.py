"""lint: exactly what was expected in each configuration of the corpus."""

from __future__ import annotations

import pytest

from ntpjoin.commands.lint import judge
from ntpjoin.host.machine import Host
from tests.conftest import Programs
from tests.lint.corpus import CASES, FILES, Case, found_in, told


@pytest.mark.parametrize("case", [case for case in CASES if case.words[1] != "host"], ids=str)
def test_exactly_what_was_expected_is_found(case: Case) -> None:
    assert told(found_in(case), f"/{case.words[0]}") == case.expected


@pytest.mark.parametrize("case", [case for case in CASES if case.words[1] == "host"], ids=str)
def test_exactly_what_was_expected_is_found_on_a_host(case: Case, programs: Programs) -> None:
    programs.says("ip", "[]")
    report = judge(Host(root=FILES / case.words[0]), None, None, None, strict=False)
    assert told(report.findings, report.path) == case.expected


def test_there_are_enough_files() -> None:
    assert len({case.words[0] for case in CASES}) >= 50
    assert sum(not case.expected for case in CASES) >= 5
