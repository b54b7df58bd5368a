"""lint: each of its rules is documented as it is, with its source."""

from __future__ import annotations

from collections.abc import Iterator

from ntpjoin.checks.lint.language import Dialect
from ntpjoin.checks.lint.lint import lint
from ntpjoin.checks.lint.rules import SOURCES
from ntpjoin.look.texts import Texts
from ntpjoin.model import Check, CheckState
from tests.documents import page, section
from tests.lint.corpus import CASES, found_in
from tests.real.language.daemons import lines

DIALECTS = (Dialect("classic"), Dialect("ntpsec"), Dialect("classic", "4.2.8p15"), Dialect("ntpsec", "1.2.2"))


def rules() -> dict[str, list[str]]:
    """Each rule as it is documented: question, when it fails, source, remedy."""
    rows = [line for line in section(page("lint.md"), "## Findings").splitlines() if line.startswith("| `")]
    found = [row.strip("| ").split(" | ") for row in rows]
    return {cells[0].strip("`"): cells[1:] for cells in found}


def test_every_rule_is_documented_with_its_source_and_no_other() -> None:
    assert {rule: cells[2] for rule, cells in rules().items()} == SOURCES
    assert all(len(cells) == 4 and all(cells) for cells in rules().values())


def tried() -> Iterator[Check]:
    """All that is found in any file of the corpus, and in any line that the daemons are asked about."""
    for case in CASES:
        if case.words[1] != "host":
            yield from found_in(case)
    for line in lines():
        for dialect in DIALECTS:
            yield from lint(Texts("/x", {"/x": line}, {}), dialect)


def test_the_states_of_a_rule_are_those_that_are_documented() -> None:
    words = {CheckState.FAIL: "fails", CheckState.WARN: "warns", CheckState.UNKNOWN: "`unknown`"}
    seen = {(check.id, check.state) for check in tried()}
    assert [(rule, state.value) for rule, state in seen if words[state] not in rules()[rule][1]] == []
    assert {rule for rule, _ in seen} == set(SOURCES)


def test_each_finding_with_a_line_names_it_and_tells_what_to_write() -> None:
    for check in tried():
        assert all(f"{line.path}:{line.line}:" in check.text for line in check.lines), check
        assert check.remedy or check.state is CheckState.UNKNOWN, check
