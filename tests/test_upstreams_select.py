"""The choice among candidates that nobody named: who is good, who is chosen, and why the others are not."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from ntpjoin.model import Asked, Candidate, Choice, Resolved, Sample
from ntpjoin.upstreams.catalogue import Server
from ntpjoin.upstreams.select import select


def server(name: str, **more: Any) -> Server:
    return Server(f"{name}.example", **{"operator": name, "access": "open", **more})


def answer(address: str, distance_ms: float, **more: Any) -> Asked:
    """An answer whose root distance is this; 4 of 4 questions answered."""
    values = {"offset_s": 0.0, "stratum": 1, "leap": 0, "refid": "GPS", "root_delay_s": 0.0, **more}
    how = {key: values.pop(key) for key in ("sent", "heard", "jitter_s") if key in values}
    sample = Sample(address, delay_s=distance_ms / 500, root_dispersion_s=0.0, precision=-20, **values)
    return Asked(address, sample, **{"sent": 4, "heard": 4, **how})


def candidate(name: str, *asked: Asked) -> Candidate:
    return Candidate(Resolved(f"{name}.example", addresses=tuple(one.address for one in asked)), asked)


class Net:
    """Servers a to h, 10 ms and more away, each in a network of its own; to be changed by name."""

    def __init__(self) -> None:
        self.servers = {name: server(name) for name in "abcdefgh"}
        self.asked: dict[str, tuple[Asked, ...]] = {
            name: (answer(f"9.9.{number}.1", 10 + 2 * number),) for number, name in enumerate("abcdefgh", 1)
        }

    def change(self, name: str, **more: Any) -> None:
        (one,) = self.asked[name]
        assert one.sample
        how = {key: more.pop(key) for key in ("sent", "heard", "jitter_s", "problem") if key in more}
        if how.get("problem"):
            self.asked[name] = (replace(one, sample=None, **how),)
        else:
            self.asked[name] = (replace(one, sample=replace(one.sample, **more), **how),)

    def select(self, **how: Any) -> Choice:
        rows = {one.host: one for one in self.servers.values()}
        candidates = [candidate(name, *asked) for name, asked in self.asked.items()]
        return select(candidates, rows, dice=random.Random(1), **how)


def chosen(choice: Choice) -> str:
    return "".join(sorted(one.name[0] for one in choice.chosen))


def why(choice: Choice, name: str) -> str:
    return next(one.why for one in choice.dropped if one.name.startswith(name))


def test_the_five_nearest_are_chosen_and_it_is_told_why_the_others_are_not() -> None:
    choice = Net().select()
    assert (chosen(choice), choice.asked, choice.waived) == ("abcde", 8, ())
    assert why(choice, "f") == "good, but farther than the chosen ones: root distance 22 ms"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"leap": 3}, "not synchronised"),
        ({"stratum": 0}, "not synchronised"),
        ({"stratum": 16}, "not synchronised"),
        ({"stratum": 3}, "stratum 3; 2 is the highest that can be followed"),
        (
            {"stratum": 2, "refid": "254.1.2.3"},
            "its refid 254.1.2.3 is that of smeared leap seconds, or of one IPv6 upstream in 256; pool members must not smear",
        ),
        ({"reference_age_s": 3 * 86400.0}, "its own clock was not set for more than a day"),
        ({"root_delay_s": 0.3}, "it is far from its own reference: root delay 300 ms, root dispersion 0 ms"),
        ({"root_dispersion_s": 0.2}, "it is far from its own reference: root delay 0 ms, root dispersion 200 ms"),
        ({"refid": "8.8.4.4", "stratum": 2}, "it follows this host"),
        ({"offset_s": 0.050}, "its time is off by +50.0 ms from the majority"),
        ({"offset_s": -7200.0}, "its time is off by -7200.000 s from the majority"),
        ({"heard": 2}, "2 of 4 questions were answered"),
        ({"problem": "kiss-o'-death RATE"}, "kiss-o'-death RATE"),
        ({"problem": "no answer within 9 s"}, "no answer within 9 s"),
    ],
)
def test_a_server_that_is_not_good_is_not_chosen_however_near(change: dict[str, Any], said: str) -> None:
    net = Net()
    net.change("a", **change)
    choice = net.select(own_addresses=["8.8.4.4"])
    assert chosen(choice) == "bcdef"
    assert why(choice, "a") == said


def test_one_lost_answer_of_four_is_borne_and_costs_distance() -> None:
    net = Net()
    net.change("a", heard=3)
    assert chosen(net.select()) == "bcdef"
    net.change("a", heard=4)
    net.change("b", heard=3)
    net.change("f", jitter_s=0.5)
    assert chosen(net.select()) == "acdeg"


def test_a_liar_within_his_own_doubt_is_found_when_he_is_far_aside() -> None:
    net = Net()
    net.asked["h"] = (answer("9.9.8.1", 60, offset_s=0.055),)
    assert why(net.select(), "h").startswith("its time is off by +5")


def test_ten_wrong_clocks_of_one_operator_have_one_voice() -> None:
    net = Net()
    for number in range(10):
        net.servers[f"x{number}"] = server(f"x{number}", operator="x")
        net.asked[f"x{number}"] = (answer(f"9.8.{number}.1", 5, offset_s=0.5),)
    choice = net.select()
    assert chosen(choice) == "abcde"
    assert why(choice, "x3") == "its time is off by +500.0 ms from the majority"


def test_without_a_majority_nobody_is_chosen() -> None:
    net = Net()
    for number, name in enumerate("abcdefgh"):
        net.change(name, offset_s=float(number))
    choice = net.select()
    assert (choice.chosen, why(choice, "c")) == ((), "no majority agrees")


def test_one_operator_one_system_one_network() -> None:
    net = Net()
    net.servers["b"] = server("b", operator="A")
    net.servers["c"] = server("c", asn=(7,))
    net.servers["d"] = server("d", asn=(7, 8))
    net.asked["f"] = (answer("9.9.5.77", 11),)
    choice = net.select()
    assert chosen(choice) == "acfgh"
    assert why(choice, "b") == "it has the same operator as a.example"
    assert why(choice, "d") == "it is in the same autonomous system as c.example"
    assert why(choice, "e") == "it is in the same network as f.example"


def test_what_could_not_be_had_is_told() -> None:
    net = Net()
    for name in "abcdefgh":
        net.servers[name] = server(name, asn=(7,))
    choice = net.select()
    assert choice.waived == ("some of them are in the same autonomous system",)


def test_fewer_than_four_operators_are_no_choice() -> None:
    net = Net()
    for name in "abcdef":
        net.servers[name] = server(name, operator="one")
    choice = net.select()
    assert choice.chosen == ()
    assert why(choice, "a") == "fewer than four good ones may be followed together"
    for name in "b":
        net.servers[name] = server(name)
    assert chosen(net.select()) == "abgh"


def test_a_name_with_many_addresses_is_no_single_server() -> None:
    net = Net()
    many = tuple(f"9.7.{number}.1" for number in range(5))
    crowd = Candidate(Resolved("a.example", addresses=many), tuple(answer(one, 5) for one in many[:2]))
    rows = {one.host: one for one in net.servers.values()}
    candidates = [crowd, *(candidate(name, *net.asked[name]) for name in "bcdefg")]
    choice = select(candidates, rows)
    assert why(choice, "a") == "its name leads to 5 addresses of IPv4: that is no single server"


def test_both_families_are_used() -> None:
    net = Net()
    for number, name in enumerate("abcdefgh", 1):
        net.asked[name] = (*net.asked[name], answer(f"2a00:{number}::1", 10 + 2 * number))
    families = [":" in one.address for one in net.select().chosen]
    assert sorted((families.count(True), families.count(False))) == [2, 3]


def test_those_that_are_kept_stay_while_they_are_good() -> None:
    net = Net()
    assert chosen(net.select(keep={"h.example": "9.9.8.1"})) == "abcdh"
    net.change("h", leap=3)
    assert chosen(net.select(keep={"h.example": "9.9.8.1"})) == "abcde"


def test_those_that_are_kept_stay_at_their_address_and_the_others_make_up_for_the_family() -> None:
    net = Net()
    for number, name in enumerate("abcdefgh", 1):
        net.asked[name] = (*net.asked[name], answer(f"2a00:{number}::1", 10 + 2 * number))
    keep = {"a.example": "9.9.1.1", "b.example": "2a00:2::1", "c.example": "9.9.3.1", "d.example": "9.9.4.1"}
    for seed in range(20):
        candidates = [candidate(name, *asked) for name, asked in net.asked.items()]
        rows = {one.host: one for one in net.servers.values()}
        pins = {one.name: one.address for one in select(candidates, rows, keep=keep, dice=random.Random(seed)).chosen}
        assert {name: pins[name] for name in keep} == keep
        assert ":" in pins["e.example"]


def test_equals_are_chosen_by_dice_so_that_not_all_follow_the_same() -> None:
    net = Net()
    for number, name in enumerate("abcdefgh", 1):
        net.asked[name] = (answer(f"9.9.{number}.1", 10.0),)
    rows = {one.host: one for one in net.servers.values()}
    candidates = [candidate(name, *asked) for name, asked in net.asked.items()]
    seen = {chosen(select(candidates, rows, dice=random.Random(seed))) for seed in range(40)}
    assert len(seen) > 10
    assert set("".join(seen)) == set("abcdefgh")
