from __future__ import annotations

import hashlib
import ipaddress
import itertools
import random
from typing import Any, Optional

import pytest

from ntpjoin.model import Asked, Candidate, Choice, Resolved, Sample
from ntpjoin.upstreams import judge
from ntpjoin.upstreams.agree import Interval, intersection
from ntpjoin.upstreams.choose import choose
from ntpjoin.upstreams.judge import signed


def sample(address: str, offset_s: float = 0.0, distance_s: float = 0.020, **more: Any) -> Sample:
    """A good answer of this root distance, all of it delay."""
    fields = {"stratum": 1, "leap": 0, "refid": "GPS", "root_delay_s": 0.0, "root_dispersion_s": 0.0, "precision": -20}
    return Sample(address=address, offset_s=offset_s, delay_s=distance_s * 2, **{**fields, **more})


def host(number: int, *samples: Sample, name: str = "", chain: tuple[str, ...] = ()) -> Candidate:
    resolved = Resolved(name or f"ntp{number}.example.net", chain, tuple(one.address for one in samples), 300)
    return Candidate(resolved, tuple(Asked(one.address, one) for one in samples))


def four(number: int, offset_s: float = 0.0, distance_s: float = 0.020, **more: Any) -> Candidate:
    return host(number, sample(f"1.1.1.{number}", offset_s, distance_s, **more))


def both(number: int, four_s: float, six_s: float, *, six_offset_s: float = 0.0) -> Candidate:
    """A host with both families, of these root distances."""
    return host(number, sample(f"1.1.1.{number}", 0.0, four_s), sample(f"2a01::{number}", six_offset_s, six_s))


def names(choice: Choice) -> list[str]:
    return [one.name.partition(".")[0] for one in choice.chosen]


def reasons(choice: Choice) -> dict[str, str]:
    return {one.name.partition(".")[0]: one.why for one in choice.dropped}


def test_servers_that_agree_are_all_chosen_in_the_order_named() -> None:
    choice = choose([four(n, offset_s) for n, offset_s in ((3, 0.002), (1, 0.001), (2, -0.001), (5, 0.0), (4, 0.004))])
    assert names(choice) == ["ntp3", "ntp1", "ntp2", "ntp5", "ntp4"]
    assert choice.dropped == ()
    assert choice.asked == 5
    assert choice.offset_s == pytest.approx(0.001)
    assert choice.spread_s == pytest.approx(0.005)


def test_a_host_far_behind_sees_servers_that_agree() -> None:
    choice = choose([four(n, 7203.4 + n / 1000) for n in range(1, 6)])
    assert len(choice.chosen) == 5
    assert choice.offset_s == pytest.approx(7203.403)


@pytest.mark.parametrize("place", range(5))
def test_a_liar_among_five_is_dropped_wherever_it_stands(place: int) -> None:
    candidates = [four(n, 10.0 if n == place else 0.0) for n in range(5)]
    choice = choose(candidates)
    assert names(choice) == [f"ntp{n}" for n in range(5) if n != place]
    assert reasons(choice) == {f"ntp{place}": "its time is off by +10.000 s from the majority"}
    assert not choice.dropped[0].rule


def test_of_two_addresses_the_one_is_named_whose_time_is_off() -> None:
    choice = choose([both(1, 0.050, 0.001, six_offset_s=9.0), *(four(n) for n in range(2, 5))])
    assert reasons(choice) == {"ntp1": "its time at 2a01::1 is off by +9.000 s from the majority"}


@pytest.mark.parametrize("liars", list(itertools.combinations(range(5), 2)))
def test_two_liars_among_five_who_agree_are_dropped(liars: tuple[int, int]) -> None:
    choice = choose([four(n, -0.25 if n in liars else 0.0) for n in range(5)])
    assert names(choice) == [f"ntp{n}" for n in range(5) if n not in liars]
    assert set(reasons(choice).values()) == {"its time is off by -250.0 ms from the majority"}


@pytest.mark.parametrize("offsets", [(0, 10), (0, 10, 20), (0, 0, 10, 10), (0, 0, 10, 20), (0, 0, 10, 10, 20)])
def test_without_a_majority_nobody_is_chosen(offsets: tuple[float, ...]) -> None:
    choice = choose([four(n, offset_s) for n, offset_s in enumerate(offsets)])
    assert choice.chosen == ()
    assert (choice.offset_s, choice.spread_s) == (None, None)
    assert list(reasons(choice).values()) == ["no majority agrees"] * len(offsets)


def test_nobody_named_is_an_empty_choice() -> None:
    assert choose([]) == Choice()


def test_precise_servers_a_few_milliseconds_apart_do_not_call_each_other_liars() -> None:
    assert len(choose([four(n, n * 0.003, 0.0001) for n in range(4)]).chosen) == 4


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"leap": 3}, "not synchronised"),
        ({"stratum": 0, "refid": "INIT"}, "not synchronised"),
        ({"stratum": 16}, "not synchronised"),
        ({"stratum": 5, "refid": "192.0.2.1"}, "stratum 5; 4 is the highest that can be followed"),
        ({"root_dispersion_s": 1.5}, "root distance 1.520 s; 1.5 s is the most that can be followed"),
        ({"stratum": 2, "refid": "9.9.9.9"}, "it follows this host"),
        (
            {
                "stratum": 2,
                "refid": str(ipaddress.IPv4Address(hashlib.md5(ipaddress.IPv6Address("2a02::1").packed).digest()[:4])),
            },
            "it follows this host",
        ),
    ],
)
def test_a_server_that_disqualifies_itself_is_dropped(more: dict[str, Any], why: str) -> None:
    choice = choose([four(1), four(2, **more), four(3)], own_addresses=["9.9.9.9", "2a02::1"])
    assert names(choice) == ["ntp1", "ntp3"]
    assert reasons(choice) == {"ntp2": why}


@pytest.mark.parametrize("more", [{"leap": 1}, {"leap": 2}, {"stratum": 4, "refid": "192.0.2.1"}])
def test_a_server_at_the_edge_is_still_followed(more: dict[str, Any]) -> None:
    assert names(choose([four(1), four(2, **more), four(3)])) == ["ntp1", "ntp2", "ntp3"]


@pytest.mark.parametrize(
    ("candidate", "why", "rule"),
    [
        (Candidate(Resolved("ntp9.example.net", problem="no such name")), "no such name", False),
        (host(9, sample("10.0.0.9")), "a private address (RFC 1918)", True),
        (host(9, sample("9.9.9.9")), "an address of this host", True),
        (
            host(9, sample("10.0.0.9"), sample("9.9.9.9")),
            "10.0.0.9: a private address (RFC 1918); 9.9.9.9: an address of this host",
            True,
        ),
        (
            host(9, *(sample(f"10.0.0.{n}") for n in range(100)), sample("9.9.9.9"), sample("127.0.0.1")),
            (
                "10.0.0.0 and the like: a private address (RFC 1918); 9.9.9.9 and the like: an address of this host; "
                "127.0.0.1 and the like: a loopback address (RFC 1122)"
            ),
            True,
        ),
        (
            host(9, sample("1.1.1.9"), name="0.pool.ntp.org"),
            "a name of the pool itself; its members follow servers picked by hand",
            True,
        ),
        (
            host(9, sample("1.1.1.9"), chain=("2.pool.ntp.org",)),
            "an alias of 2.pool.ntp.org, which is a name of the pool itself; its members follow servers picked by hand",
            True,
        ),
        (host(9, sample("1.1.1.2"), sample("2a01::9")), "the same server as ntp2.example.net", True),
        (
            Candidate(
                Resolved("ntp9.example.net", (), ("1.1.1.9", "2a01::9")),
                (Asked("1.1.1.9", problem="no answer within 5 s"), Asked("2a01::9", problem="no answer within 5 s")),
            ),
            "no answer within 5 s",
            False,
        ),
        (
            Candidate(
                Resolved("ntp9.example.net", (), ("1.1.1.9", "2a01::9")),
                (Asked("1.1.1.9", problem="kiss-o'-death RATE"), Asked("2a01::9", problem="no answer within 5 s")),
            ),
            "1.1.1.9: kiss-o'-death RATE; 2a01::9: no answer within 5 s",
            False,
        ),
    ],
)
def test_whoever_is_not_chosen_is_told_why(candidate: Candidate, why: str, rule: bool) -> None:
    choice = choose([four(1), four(2), four(3), candidate], own_addresses=["9.9.9.9"])
    assert names(choice) == ["ntp1", "ntp2", "ntp3"]
    (dropped,) = choice.dropped
    assert (dropped.why, dropped.rule) == (why, rule)


def test_a_server_under_two_names_counts_once_even_when_it_lies() -> None:
    liar = sample("1.1.1.9", 10.0)
    choice = choose([four(1), four(2), four(3), host(7, liar), host(8, liar), host(9, liar)])
    assert names(choice) == ["ntp1", "ntp2", "ntp3"]
    assert reasons(choice)["ntp8"] == "the same server as ntp7.example.net"


def test_private_addresses_are_chosen_where_that_is_allowed() -> None:
    candidates = [host(n, sample(f"10.0.0.{n}")) for n in range(1, 5)]
    refused = choose(candidates)
    assert refused.chosen == ()
    assert {dropped.remedy for dropped in refused.dropped} == {"--allow-private"}
    assert choose([host(1, sample("9.9.9.9"))], own_addresses=["9.9.9.9"]).dropped[0].remedy == ""
    assert choose([host(1, sample("127.0.0.9"))]).dropped[0].remedy == ""
    assert len(choose(candidates, allow_private=True).chosen) == 4


def addresses(*candidates: Candidate) -> list[str]:
    return [one.address for one in choose(candidates).chosen]


def test_families_are_mixed_where_both_are_about_as_good() -> None:
    chosen = addresses(*(both(n, 0.020, 0.021) for n in range(1, 6)))
    assert chosen == ["1.1.1.1", "2a01::2", "1.1.1.3", "2a01::4", "1.1.1.5"]


def test_the_first_host_gets_its_better_family() -> None:
    assert addresses(*(both(n, 0.021, 0.020) for n in range(1, 4))) == ["2a01::1", "1.1.1.2", "2a01::3"]


def test_hosts_with_one_family_count_when_families_are_mixed() -> None:
    chosen = addresses(both(1, 0.020, 0.021), four(2), four(3), both(4, 0.020, 0.021))
    assert chosen == ["2a01::1", "1.1.1.2", "1.1.1.3", "2a01::4"]


@pytest.mark.parametrize(("six_s", "mixed"), [(0.0399, True), (0.0401, False)])
def test_a_worse_family_is_not_taken_for_the_sake_of_mixing(six_s: float, mixed: bool) -> None:
    chosen = addresses(both(1, 0.020, six_s), both(2, 0.020, six_s))
    assert chosen == ["1.1.1.1", "2a01::2" if mixed else "1.1.1.2"]


def test_an_address_that_is_outside_the_majority_is_not_taken_for_the_sake_of_mixing() -> None:
    assert addresses(*(both(n, 0.020, 0.021, six_offset_s=1.0) for n in (1, 2, 3))) == ["1.1.1.1", "1.1.1.2", "1.1.1.3"]


def test_a_family_that_does_not_answer_is_left() -> None:
    silent = Candidate(
        Resolved("ntp9.example.net", (), ("1.1.1.9", "2a01::9")),
        (Asked("1.1.1.9", problem="no answer within 5 s"), Asked("2a01::9", sample("2a01::9"))),
    )
    assert addresses(silent) == ["2a01::9"]


def test_of_two_addresses_of_a_family_the_nearer_one_is_taken() -> None:
    assert addresses(host(1, sample("1.1.1.1", 0, 0.03), sample("1.1.1.2", 0, 0.02))) == ["1.1.1.2"]


def test_a_minority_of_liars_never_wins_and_the_order_named_changes_nothing_but_the_order() -> None:
    dice = random.Random(20)
    for _ in range(300):
        count = dice.randint(3, 9)
        liars = dice.randint(0, (count - 1) // 2)
        lie_s = dice.choice((-3600.0, -0.5, 0.3, 10.0))
        candidates = [
            four(n, (lie_s if n < liars else 0.0) + dice.uniform(-0.015, 0.015), dice.uniform(0.016, 0.060))
            for n in range(count)
        ]
        honest = {f"ntp{n}" for n in range(liars, count)}
        assert set(names(choose(candidates))) == honest
        dice.shuffle(candidates)
        assert set(names(choose(candidates))) == honest
        assert choose(candidates) == choose(candidates)


@pytest.mark.parametrize(
    ("intervals", "found"),
    [
        ([], None),
        ([(0, 1)], (-1, 1)),
        ([(0, 1), (1, 1)], (0, 1)),
        ([(0, 1), (3, 1)], None),
        ([(0, 1), (1.5, 1)], (0.5, 1)),  # no middle lies within
        ([(0, 1), (2, 1)], None),  # they only touch
        ([(0, 4), (1, 3), (2, 2)], (0, 4)),
        # three overlap, the fourth stands alone
        ([(0, 4), (1, 4), (2, 4), (20, 1)], (-2, 4)),
        ([(0, 1), (0, 1), (10, 1), (10, 1)], None),
    ],
)
def test_the_intersection_is_that_of_a_majority(
    intervals: list[tuple[float, float]], found: Optional[tuple[float, float]]
) -> None:
    result = intersection([Interval(middle, half) for middle, half in intervals])
    assert (result and (result.low_s, result.high_s)) == found


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (10.0, "+10.000 s"),
        (-7203.4004, "-7203.400 s"),
        (0.063, "+63.0 ms"),
        (0.1 + 0.2, "+300.0 ms"),
        (-0.00041, "-0.4 ms"),
        (0.9996, "+1.000 s"),
    ],
)
def test_differences_are_written_with_sign_and_unit(seconds: float, words: str) -> None:
    assert signed(seconds) == words


def test_one_answer_to_two_questions_is_an_answer() -> None:
    asked = Asked("1.1.1.1", sample("1.1.1.1"), sent=2, heard=1)
    assert judge.fault(asked, ()) == ""
    assert judge.distance_s(asked) == sample("1.1.1.1").root_distance_s
