"""One step alone as it is typed: `install`, `firewall`, `restart`."""

from __future__ import annotations

import pytest

from ntpjoin.errors import StepFailed
from tests.sample import NAMES, converged, fresh
from tests.typed import ENVELOPE, FOUR, LEFT, PLANNED, STEPS, Typed, asked


@pytest.mark.parametrize("name", STEPS)
def test_a_step_that_would_be_done(typed: Typed, name: str) -> None:
    typed.host(fresh() if name != "restart" else converged())
    code, page = typed.json(f"{name} --dry-run")
    assert (code, set(page)) == (0, ENVELOPE | PLANNED)
    assert page["changed"] is True
    assert {change["state"] for change in page["changes"]} == {"pending"}
    assert typed(f"{name} --dry-run") == 0
    assert "`ntpjoin undo --last` takes all of this back." in typed.out


@pytest.mark.parametrize("name", STEPS)
def test_a_step_that_was_done(typed: Typed, name: str) -> None:
    typed.host(fresh() if name != "restart" else converged())
    typed.applied()
    code, page = typed.json(f"{name} --yes")
    assert (code, set(page), page["changed"]) == (0, ENVELOPE | PLANNED, True)
    assert {change["state"] for change in page["changes"]} == {"done"}
    assert typed(f"{name} --yes") == 0
    assert "  next   ntpjoin " in typed.out


@pytest.mark.parametrize("name", ["install", "firewall"])
def test_a_step_with_nothing_to_do_says_so(typed: Typed, name: str) -> None:
    typed.host(converged())
    code, page = typed.json(f"{name} --yes")
    assert (code, page["changed"]) == (0, False)
    assert typed(name + " --yes") == 0
    assert typed.out.rstrip().endswith("Nothing to do: all of it is so already.")


@pytest.mark.parametrize("name", STEPS)
def test_a_step_that_failed(typed: Typed, name: str) -> None:
    typed.host(fresh() if name != "restart" else converged())
    typed.applied(StepFailed("no"), "restored")
    code, page = typed.json(f"{name} --yes")
    assert (code, set(page)) == (1, ENVELOPE | PLANNED | {"taken_back"})


@pytest.mark.parametrize(("name", "code"), [("restart", "no-daemon"), ("install", "packages")])
def test_a_step_that_is_blocked(typed: Typed, name: str, code: str) -> None:
    typed.host(fresh(packages__problem="E: x"))
    for line in (f"{name} --yes", f"{name} --dry-run"):
        found, page = typed.json(line)
        assert (found, [one["code"] for one in page["blockers"]]) == (3, [code])


@pytest.mark.parametrize("manager", ["firewalld", "nftables"])
def test_a_rule_that_is_left_to_the_operator_is_5_for_the_step_too(typed: Typed, manager: str) -> None:
    typed.host(fresh(firewall__manager=manager, **LEFT))
    assert typed.json("firewall --yes")[0] == 5
    assert typed("firewall --yes") == 5
    assert "by hand.\n  next   type this" in typed.out
    typed.host(fresh(firewall__manager=manager, **LEFT))
    typed.applied()
    assert typed("install --yes") == 0


def test_a_step_is_asked_for_as_setup_is(typed: Typed) -> None:
    typed.host(fresh())
    asked(typed, "n\n")
    assert typed("firewall") == 130
    assert typed.json("firewall")[0] == 130
    assert "allow 123/udp in ufw" in typed.err


def test_install_asks_whom_it_is_told_to_ask(typed: Typed) -> None:
    typed.host(fresh())
    typed(f"install --dry-run --few --allow-private {FOUR}")
    assert typed.given == {"upstreams": NAMES[:4], "few": True, "allow_private": True}
