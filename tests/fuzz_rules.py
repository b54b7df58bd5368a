"""Tables of rules whose chains lead to each other, and what must hold of following them. For the fuzzing."""

from __future__ import annotations

from typing import Any
from unittest import mock

from hypothesis import strategies as st

from ntpjoin.host.netfilter import iptables, verdict
from ntpjoin.host.netfilter.rules import Packet, Ruleset
from ntpjoin.host.netfilter.verdict import judge_all
from tests.printed import DOORS

CONDITIONS = (
    "",
    "-m limit --limit 1/s ",
    "-s 192.0.2.0/24 ",
    "-p udp --dport 123 ",
    "-p tcp ",
    "-m mark --mark 1 ",
    "-m what --ever ",
)
ENDS = ("-j ACCEPT", "-j DROP", "-j RETURN", "-j MARK --set-mark 1", "-j NFQUEUE")


@st.composite
def chains(draw: st.DrawFn, most: int, *, round_about: bool) -> str:
    """A table whose chains lead to each other; not in a circle unless `round_about`."""
    lines = []
    for number in range(most):
        to = range(most) if round_about else range(number + 1, most)
        ways = [f"-{letter} c{other}" for other in to for letter in "jg"]
        rules = draw(st.lists(st.tuples(st.sampled_from(CONDITIONS), st.sampled_from([*ways, *ENDS])), max_size=6))
        lines += [f"-A c{number} {condition}{end}\n" for condition, end in rules]
    named = "".join(f":c{number} - [0:0]\n" for number in range(most))
    return f"*filter\n:INPUT ACCEPT [0:0]\n{named}-A INPUT -j c0\n{''.join(lines)}COMMIT\n"


class Forgetful(dict[Any, Any]):
    """Holds what was found for a moment only."""

    def __contains__(self, key: object) -> bool:
        return False


class Tireless(verdict._Walk):
    """Follows every way to its end, however often it was there."""

    def __init__(self, ruleset: Ruleset, packet: Packet, *, early: bool) -> None:
        super().__init__(ruleset, packet, early=early)
        self.gone = Forgetful()


def follows(text: str) -> None:
    judge_all(iptables.parse(text, "iptables"), DOORS)


def follows_as_if_each_way_were_new(text: str) -> None:
    """A chain that is met again is not followed again; that must make no difference."""
    ruleset = iptables.parse(text, "iptables")
    found = judge_all(ruleset, DOORS)
    with mock.patch.object(verdict, "_Walk", Tireless):
        expected = judge_all(ruleset, DOORS)
    assert (found.passes, found.limit, found.base) == (expected.passes, expected.limit, expected.base)
