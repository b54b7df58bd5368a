"""`undo` and `verify` as they are typed."""

from __future__ import annotations

from typing import Any

import pytest

from ntpjoin.facts import Setter
from tests.sample import NAMES, converged
from tests.typed import CHECKED, ENVELOPE, Typed, busy, undoable


@pytest.mark.parametrize(
    ("states", "code"), [((), 0), (("restored",), 0), (("restored", "kept"), 4), (("failed", "restored"), 4)]
)
def test_undo(typed: Typed, states: tuple[str, ...], code: int) -> None:
    undoable(typed, *states)
    found, page = typed.json("undo --yes")
    assert (found, set(page)) == (code, ENVELOPE | {"taken_back"})
    assert [one["state"] for one in page["taken_back"]] == list(states)
    assert typed("undo --yes") == code
    assert ("Nothing to undo" in typed.out) is (not states)
    assert ("clients have asked this server lately" in typed.out) is bool(states)


@pytest.mark.parametrize(("root", "words"), [(False, "this needs root"), (True, "another ntpjoin")])
def test_undo_is_blocked_without_root_and_beside_another(typed: Typed, root: bool, words: str) -> None:
    typed.host(converged(), root=root)
    typed.command("locked", busy)
    code, page = typed.json("undo --yes")
    assert (code, set(page)) == (3, ENVELOPE)
    assert words in page["errors"][0]["message"]


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ({}, 0),
        ({"firewall__manager": "rules"}, 0),
        ({"holders": ()}, 1),
        ({"daemon__board__system__leap": 3}, 1),
        ({"daemon__board__system__leap": 3, "daemon__age_s": 20.0}, 5),
        ({"daemon__board__system__leap": 3, "daemon__age_s": 20.0, "holders": ()}, 1),
        ({"system__row": None}, 3),
    ],
)
def test_verify(typed: Typed, parts: dict[str, Any], code: int) -> None:
    typed.host(converged(**parts))
    found, page = typed.json("verify")
    assert found == code
    assert set(page) == (ENVELOPE if code == 3 else ENVELOPE | CHECKED)
    assert typed("verify") == code
    if code == 0:
        assert set(page["system"]) == {
            "leap", "stratum", "refid", "peer_associd", "version", "offset_ms", "root_delay_ms", "root_dispersion_ms",
            "sys_jitter_ms", "frequency_ppm", "smear_interval_s", "event",
        }  # fmt: skip
        assert set(page["peers"][0]) == {
            "associd", "tally", "address", "refid", "stratum", "reach", "hmode", "poll_s", "configured", "when_s", "delay_ms",
            "offset_ms", "jitter_ms", "source", "flash", "event", "nts_cookies", "root_distance_ms", "type",
        }  # fmt: skip
        assert page["settled"] is True
        assert NAMES[0] in typed.out


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ({}, 0),
        ({"daemon__board__system__leap": 3, "daemon__age_s": 20.0}, 5),
        ({"setters": (Setter("x", "y", "z"),)}, 1),
        ({"setters": (Setter("x", "y", "z"),), "daemon__board__system__leap": 3, "daemon__age_s": 20.0}, 1),
    ],
)
def test_where_it_is_strict_verify_counts_warnings(typed: Typed, parts: dict[str, Any], code: int) -> None:
    typed.host(converged(**parts))
    assert typed("verify --strict --quiet") == code
    assert "sync.peer" in typed.out
    assert ("1 warn, which --strict counts as a fault" in typed.out) is (code == 1 and len(parts) == 1)
