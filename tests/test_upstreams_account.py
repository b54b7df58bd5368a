"""Each address of a name is accounted for: asked, or the reason why not."""

from __future__ import annotations

import pytest

from ntpjoin.model import Asked, Candidate, Resolved
from ntpjoin.upstreams.account import account

ADDRESSES = ("9.9.9.1", "9.9.9.2", "9.9.9.3", "10.9.8.7", "203.0.113.7")
ASKED = (Asked("9.9.9.1", problem="no answer"), Asked("9.9.9.2", problem="kiss-o'-death RATE"))


def problems(name: str, *, allow_private: bool = False) -> list[str]:
    one = Candidate(Resolved(name, (), ADDRESSES, 60), ASKED)
    told = account(one, own_addresses=("203.0.113.7",), allow_private=allow_private)
    assert [asked.address for asked in told] == list(ADDRESSES)
    return [asked.problem for asked in told]


@pytest.mark.parametrize("allow_private", [True, False])
def test_who_was_not_asked_is_told_with_the_reason(allow_private: bool) -> None:
    assert problems("ntp1.example.net", allow_private=allow_private) == [
        "no answer",
        "kiss-o'-death RATE",
        "not asked: the name has others of this family",
        "not asked: the name has others of this family" if allow_private else "not asked: a private address (RFC 1918)",
        "not asked: an address of this host",
    ]


def test_a_name_that_a_rule_forbids_is_not_asked_at_all() -> None:
    one = Candidate(Resolved("0.pool.ntp.org", (), ADDRESSES, 60))
    assert {asked.problem for asked in account(one)} == {"not asked: a rule forbids the name"}
