"""The best set under rules of diversity: against brute force, and rule by rule."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import combinations
from typing import Optional

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ntpjoin.upstreams import diversity
from ntpjoin.upstreams.diversity import LEAST, WAIVED_IN_ORDER, WANTED, Member, best, clash, most_of_a_sector


def member(name: str, distance_ms: float, **more: object) -> Member:
    values: dict[str, object] = {"operator": name, **more}
    return Member(name, distance_ms / 1000, **values)  # type: ignore[arg-type]


def names(members: Sequence[Member]) -> str:
    return "".join(sorted(one.name for one in members))


def chosen(members: Sequence[Member], **how: object) -> tuple[str, frozenset[str]]:
    found = best(members, **how)  # type: ignore[arg-type]
    assert found
    return names(found.members), found.waived


ABCDE = [member(name, 10 + number) for number, name in enumerate("abcde")]


def test_the_nearest_five_are_the_best_where_nothing_speaks_against_them() -> None:
    assert chosen([*ABCDE, member("f", 20), member("g", 9)]) == ("abcdg", frozenset())


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        ({"operator": "x"}, {"operator": "x"}, "it has the same operator as b"),
        ({"anycast": True}, {"anycast": True}, "b is anycast, too"),
        ({"asn": frozenset({1, 2})}, {"asn": frozenset({2})}, "it is in the same autonomous system as b"),
        ({"prefixes": frozenset({"n"})}, {"prefixes": frozenset({"n", "m"})}, "it is in the same network as b"),
        ({"follows": "9.9.9.9"}, {"follows": "9.9.9.9"}, "it follows the same server as b"),
        ({"follows": "9.9.9.9"}, {"refids": frozenset({"9.9.9.9"})}, "it follows b"),
        ({"refids": frozenset({"9.9.9.9"})}, {"follows": "9.9.9.9"}, "b follows it"),
        ({"asn": frozenset({1})}, {"asn": frozenset({2})}, ""),
        ({}, {}, ""),
    ],
)
def test_what_two_servers_may_not_have_in_common(one: dict[str, object], other: dict[str, object], why: str) -> None:
    assert clash(member("a", 1, **one), member("b", 1, **other)) == why


def test_a_rule_is_kept_at_the_cost_of_distance() -> None:
    twins = [member("a", 1, asn=frozenset({7})), member("b", 2, asn=frozenset({7}))]
    assert chosen([*twins, *ABCDE[2:], member("f", 90), member("g", 95)]) == ("acdef", frozenset())


@pytest.mark.parametrize(
    ("rule", "common"),
    [
        ("upstream", {"follows": "9.9.9.9"}),
        ("prefix", {"prefixes": frozenset({"n"})}),
        ("as", {"asn": frozenset({7})}),
    ],
)
def test_a_rule_is_waived_where_no_set_of_four_keeps_it(rule: str, common: dict[str, object]) -> None:
    twins = [member(name, 1, **common) for name in "ab"]
    assert chosen([*twins, *ABCDE[2:]]) == ("acde", frozenset())  # four that keep it come first
    triplets = [member(name, 1, **common) for name in "abc"]
    assert chosen([*triplets, *ABCDE[3:]]) == ("abcde", frozenset({rule}))


def test_one_operator_is_never_chosen_twice() -> None:
    same = [member(name, 1, operator="x") for name in "abcdefgh"]
    assert best([*same, member("y", 2), member("z", 3)]) is None
    assert chosen([*same, member("w", 1), member("y", 2), member("z", 3)])[1] == frozenset()


def test_not_all_lie_in_one_direction_unless_that_costs_too_much() -> None:
    east = [member(name, 10 + number, sector=1) for number, name in enumerate("abcde")]
    assert most_of_a_sector(WANTED) == 3
    west = [member("v", 15, sector=3), member("w", 16, sector=3)]
    assert chosen([*east, *west]) == ("abcvw", frozenset())
    far = [member("v", 25, sector=3), member("w", 20, sector=3)]
    assert chosen([*east, *far]) == ("abcde", frozenset({"direction"}))
    here = [member("v", 15), member("w", 16)]
    assert chosen([*east[:3], *here]) == ("abcvw", frozenset())


def test_two_can_be_asked_over_each_family_where_this_host_has_both() -> None:
    both = frozenset({4, 6})
    dual = [member("v", 16, families=both), member("w", 17, families=both)]
    assert chosen([*ABCDE, *dual], both_families=True) == ("abcvw", frozenset())
    assert chosen([*ABCDE, *dual]) == ("abcde", frozenset())
    assert chosen([*ABCDE, dual[0]], both_families=True) == ("abcde", frozenset({"family"}))


def test_what_is_fixed_stays_whatever_it_costs() -> None:
    far = member("z", 900)
    assert chosen([*ABCDE, far], fixed=[far]) == ("abcdz", frozenset())
    twin = member("y", 900, operator="z")
    assert best([*ABCDE, far, twin], fixed=[far, twin]) is None


def brute(members: Sequence[Member], count: int, waived: frozenset[str]) -> Optional[float]:
    sums = [
        sum(one.distance_s for one in some)
        for some in combinations(members, count)
        if not any(clash(one, other, waived) for one, other in combinations(some, 2))
        and diversity._fits(some, waived, frozenset({4, 6}))
    ]
    return min(sums, default=None)


@st.composite
def crowd(draw: st.DrawFn) -> list[Member]:
    dice = draw(st.randoms(use_true_random=False))
    return [
        Member(
            str(number),
            dice.uniform(0.001, 0.1),
            operator=dice.choice("abcdefg"),
            asn=frozenset({dice.randrange(8)}),
            prefixes=frozenset({dice.choice("nopqrstu")}),
            refids=frozenset({f"10.0.0.{number}"}),
            follows=dice.choice(["", "", "10.0.0.1", "10.9.9.9"]),
            anycast=dice.random() < 0.1,
            families=frozenset(dice.choice([{4}, {6}, {4, 6}])),
            sector=dice.choice([None, 0, 1, 2, 3]),
        )
        for number in range(dice.randrange(3, 13))
    ]


@settings(max_examples=150, deadline=None)
@given(crowd(), st.integers(0, len(WAIVED_IN_ORDER)), st.sampled_from([LEAST, WANTED]))
def test_the_search_finds_what_brute_force_finds(members: list[Member], count: int, size: int) -> None:
    waived = frozenset(list(WAIVED_IN_ORDER)[:count])
    found = diversity._least(members, size, waived, frozenset({4, 6}), ())
    least = brute(members, size, waived)
    assert (found is None) == (least is None)
    if found and least:
        assert sum(one.distance_s for one in found) == pytest.approx(least)


def test_three_hundred_candidates_take_no_time_worth_telling() -> None:
    dice = random.Random(7)
    many = [
        Member(str(n), dice.uniform(0.005, 0.2), f"operator {n % 4}", asn=frozenset({n % 3}), sector=n % 4)
        for n in range(300)
    ]
    assert best(many)  # four operators in three systems: all searches for five must be given up
