"""The table of faults that real hosts are given is whole: each check has one, and none has a name that hides another."""

from __future__ import annotations

import re

import pytest

from tests.documents import page
from tests.real.planted.fault import fails, take_lines_out
from tests.real.planted.host import Host
from tests.real.planted.run import alarms, file_of, healthy
from tests.real.planted.table import FAULTS

#: Checks that none of the faults is for, and why.
WITHOUT = {
    "outside": "it is never ok",
    "remembered": "it tells who is not root that he does not see all",
    "system": "an unsupported system has no healthy host",
}


def test_each_check_has_a_fault_or_a_reason_for_having_none() -> None:
    rows = [line for line in page("checks.md").splitlines() if line.startswith("| `")]
    checks = {check for row in rows for check in re.findall(r"`([a-z0-9.]+)`", row.split("|")[1])}
    planted = {sign.id for fault in FAULTS for sign in fault.signs}
    assert planted <= checks
    assert checks - planted == set(WITHOUT)


def test_there_are_as_many_as_were_promised_and_each_has_a_row_of_its_own() -> None:
    assert sum(fault.mend is not None for fault in FAULTS) >= 35
    assert sum(fault.mend is None for fault in FAULTS) >= 10
    assert len({file_of(fault) for fault in FAULTS}) == len(FAULTS)


def test_each_fault_that_no_command_mends_has_words_that_explain_it() -> None:
    assert [fault.name for fault in FAULTS if fault.mend is None and not all(sign.words for sign in fault.signs)] == []


def test_an_alarm_is_what_is_not_ok_and_was_on_a_healthy_host() -> None:
    usual = {"id": "outside", "state": "unknown", "text": "not from here"}
    good = {"checks": [{"id": "a", "state": "ok", "text": "fine"}, usual]}
    bad = {"checks": [{"id": "a", "state": "warn", "text": "not so"}, usual]}
    assert healthy(good) == {("outside", "unknown")}
    assert [check["id"] for check in alarms(bad, healthy(good))] == ["a"]
    assert [check["id"] for check in alarms({"checks": [{**usual, "state": "fail"}]}, healthy(good))] == ["outside"]


def test_no_host_is_a_healthy_one_that_says_more_than_is_listed_for_it() -> None:
    usual = {"id": "outside", "state": "unknown", "text": "not from here"}
    with pytest.raises(AssertionError, match="falseticker warn"):
        healthy({"checks": [usual, {"id": "upstreams.falseticker", "state": "warn", "text": "another time"}]})


def test_a_sign_is_an_id_a_state_and_words_of_text_or_remedy() -> None:
    check = {"id": "a", "state": "fail", "text": "it does not", "remedy": "type this"}
    assert fails("a", "does not", "type").is_in(check)
    assert not fails("a", "does not", "that").is_in(check)
    assert not fails("b").is_in(check)
    assert not fails("a").is_in({**check, "state": "warn"})


@pytest.mark.parametrize(
    ("remedy", "typed"),
    [
        ("take line 2 out of /etc/a.conf, then: restart", ["sed -i 2d /etc/a.conf"]),
        (
            "take line 2 of /etc/a.conf and line 13 of /etc/a.conf out, or write, then: restart",
            ["sed -i 13d /etc/a.conf", "sed -i 2d /etc/a.conf"],
        ),
    ],
)
def test_lines_are_taken_out_as_the_remedy_names_them(
    monkeypatch: pytest.MonkeyPatch, remedy: str, typed: list[str]
) -> None:
    lines: list[str] = []
    monkeypatch.setattr(Host, "run", lambda _, line: lines.append(line))
    monkeypatch.setattr("tests.real.planted.fault.type_commands", lambda _, line: lines.append(line))
    host = Host(None, None)  # type: ignore[arg-type]
    take_lines_out(host, [{"id": "a", "state": "fail", "text": "", "remedy": remedy}])
    assert lines == [*typed, "restart"]


def test_a_remedy_that_names_no_line_is_a_fault_of_its_own() -> None:
    with pytest.raises(AssertionError, match="no line is named"):
        take_lines_out(Host(None, None), [{"id": "a", "state": "fail", "text": "", "remedy": "look"}])  # type: ignore[arg-type]
