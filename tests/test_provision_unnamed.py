"""Whom to follow where nobody was named: who is asked, who stays, and what is said when it does not go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Optional

import pytest

from ntpjoin.errors import UsageProblem
from ntpjoin.facts import Facts, JournalFacts, RunFact, Zone
from ntpjoin.host.machine import Host
from ntpjoin.model import Asked, Candidate, Choice, Pin, Resolved, Sample, Wish
from ntpjoin.provision import follow, unnamed
from ntpjoin.provision.follow import Followed, Search, followed
from ntpjoin.upstreams import memory
from ntpjoin.upstreams.catalogue import Server
from tests.sample import converged, fresh

BERLIN = Zone("Europe/Berlin", "DE\t+5230+01322\tEurope/Berlin\n")
NOWHERE = Zone("Etc/UTC", BERLIN.table)


def row(number: int, **more: Any) -> Server:
    """Servers that are farther away the greater their number."""
    values: dict[str, Any] = {"operator": f"operator {number}", "access": "open", "notify": "no", **more}
    return Server(f"ntp{number}.example", "DE", "Berlin", 52.5 + number / 50, 13.4, 1, **values)


class Net:
    """Where names lead, and who answers; `rounds` has the names of each survey."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, servers: tuple[Server, ...], zone: Zone = BERLIN) -> None:
        self.rounds: list[tuple[str, ...]] = []
        self.dead: set[str] = set()
        self.mute: set[str] = set()
        self.at = {server.host: f"9.9.{number}.1" for number, server in enumerate(servers)}
        self.told: list[str] = []
        monkeypatch.setattr(follow, "_resolved", self.leads)
        monkeypatch.setattr("ntpjoin.upstreams.catalogue.load", lambda *_: servers)
        monkeypatch.setattr(unnamed, "look_place", lambda _: zone)
        monkeypatch.setattr(unnamed, "survey", self.survey)
        monkeypatch.setattr(memory, "recall", lambda *_: None)
        monkeypatch.setattr(memory, "remember", lambda *_: None)

    def leads(self, pins: tuple[Pin, ...]) -> dict[str, tuple[str, ...]]:
        return {pin.name: (self.at[pin.name],) for pin in pins}

    def survey(self, names: list[str], *, on_event: Any, samples: int, **how: Any) -> tuple[Candidate, ...]:
        assert samples == 4
        assert set(how["gaps_s"]) == set(names)
        self.rounds.append(tuple(names))
        found = tuple(map(self.candidate, names))
        for one in found:
            on_event(next(iter(one.asked), one.resolved))
        return found

    def candidate(self, name: str) -> Candidate:
        address = self.at.get(name, name)
        if name in self.mute:
            return Candidate(Resolved(name, problem="no DNS server answered within 5 s", whole=False))
        resolved = Resolved(name, addresses=(address,))
        if name in self.dead:
            return Candidate(resolved, (Asked(address, problem="no answer within 9 s", sent=4),))
        number = int(address.split(".")[2])
        sample = Sample(address, 0.0, 0.010 + number / 500, 1, 0, "GPS", 0.0, 0.001, -20)
        return Candidate(resolved, (Asked(address, sample, sent=4, heard=4),))

    def follow(
        self,
        wish: Wish,
        facts: Optional[Facts] = None,
        *,
        attended: bool = False,
        country: str = "",
        survey_anew: bool = False,
    ) -> Followed:
        answer: Iterator[str] = iter([country])
        search = Search(
            Host(), facts or fresh(), wish, lambda event: self.told.append(event.text), attended,
            survey_anew, ask_country=lambda: next(answer),
        )  # fmt: skip
        return followed(search)


ACCEPTED = Wish(accept_catalogue=True)
FORTY = tuple(row(number) for number in range(40))


def names(found: Followed) -> list[str]:
    return sorted(pin.name.partition(".")[0] for pin in found.pins)


def test_the_nearest_32_are_asked_and_five_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(monkeypatch, FORTY)
    found = net.follow(ACCEPTED)
    assert [len(names) for names in net.rounds] == [32]
    assert set(net.rounds[0]) == {server.host for server in FORTY[:32]}
    assert names(found) == [f"ntp{number}" for number in range(5)]
    assert found.blockers == ()
    assert "near the time zone Europe/Berlin" in net.told[0]


def test_the_next_ones_are_asked_where_no_four_can_be_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(monkeypatch, FORTY)
    net.dead = {server.host for server in FORTY[2:32]}
    found = net.follow(ACCEPTED)
    assert [len(names) for names in net.rounds] == [32, 8]
    assert names(found)[:2] == ["ntp0", "ntp1"]
    assert len(found.pins) == 5


def test_it_is_given_up_where_nobody_answers_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(monkeypatch, FORTY)
    net.dead = {server.host for server in FORTY}
    found = net.follow(ACCEPTED)
    assert len(net.rounds) == 1
    assert found.pins == ()
    assert found.choice is not None
    assert found.choice.asked == 32


def test_what_an_operator_asks_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    servers = (row(0, minpoll=8, iburst=False, notify="yes"), *FORTY[1:6])
    found = Net(monkeypatch, servers).follow(Wish(), attended=True)
    assert found.pins[0] == Pin("ntp0.example", "9.9.0.1", 8, iburst=False)
    (letter,) = found.letters
    assert "ntp0.example" in letter
    assert any("ntp0.example ask for a mail" in note.text for note in found.notes)


def test_unattended_nobody_is_asked_who_wants_a_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    servers = (row(0, notify="yes"), row(1, access="restricted"), *FORTY[2:8])
    net = Net(monkeypatch, servers)
    found = net.follow(ACCEPTED)
    assert net.rounds == [tuple(server.host for server in FORTY[2:8])]
    assert found.letters == ()


def test_more_may_be_pinned_where_somebody_looks_after_them(monkeypatch: pytest.MonkeyPatch) -> None:
    servers = (row(0, use_name=True), *FORTY[1:8])
    found = Net(monkeypatch, servers).follow(ACCEPTED)
    assert "ntp0" not in names(found)
    assert [note.text for note in found.notes if "--monitor" in note.text]
    found = Net(monkeypatch, servers).follow(replace(ACCEPTED, monitor=True))
    assert "ntp0" in names(found)
    assert not [note.text for note in found.notes if "--monitor" in note.text]


def test_a_host_that_stands_nowhere_is_asked_or_blocked(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(monkeypatch, FORTY, NOWHERE)
    blocked = net.follow(ACCEPTED)
    assert [blocker.code for blocker in blocked.blockers] == ["place"]
    assert net.rounds == []
    asked = net.follow(ACCEPTED, attended=True, country="DE")
    assert asked.wish.country == "DE"
    assert names(asked)
    near = net.follow(replace(ACCEPTED, near="52.5,13.4"))
    assert names(near)


def before(net: Net, wish: Wish, *numbers: int) -> Facts:
    """Set up, with these pinned."""
    pins = tuple(Pin(f"ntp{number}.example", net.at[f"ntp{number}.example"]) for number in numbers)
    return converged(journal=JournalFacts((RunFact(1, "done", wish, pins),)))


def test_nobody_is_asked_while_nothing_speaks_against_the_pins(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(monkeypatch, FORTY)
    found = net.follow(ACCEPTED, before(net, ACCEPTED, 1, 3, 5, 7, 9))
    assert names(found) == ["ntp1", "ntp3", "ntp5", "ntp7", "ntp9"]
    assert (net.rounds, found.choice) == ([], None)


def test_who_has_moved_stays_at_the_new_address_and_nobody_else_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(monkeypatch, FORTY)
    facts = before(net, ACCEPTED, 1, 3, 5, 7, 9)
    net.at["ntp3.example"] = "9.8.3.1"
    for accepted in (True, False):
        found = net.follow(replace(ACCEPTED, accept_catalogue=accepted), facts)
        assert Pin("ntp3.example", "9.8.3.1") in found.pins
        assert names(found) == ["ntp1", "ntp3", "ntp5", "ntp7", "ntp9"]
    assert [len(names) for names in net.rounds] == [5, 5]


def test_only_who_is_gone_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(monkeypatch, FORTY)
    facts = before(net, ACCEPTED, 1, 3, 5, 7, 9)
    net.at["ntp3.example"] = "9.8.3.1"
    net.dead = {"ntp3.example"}
    found = net.follow(ACCEPTED, facts)
    assert names(found) == ["ntp0", "ntp1", "ntp5", "ntp7", "ntp9"]
    assert [len(names) for names in net.rounds] == [5, 32]


def test_four_that_are_left_are_enough_where_nobody_may_choose(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(monkeypatch, FORTY)
    facts = before(net, Wish(), 1, 3, 5, 7, 9)
    net.at["ntp3.example"] = "9.8.3.1"
    net.dead = {"ntp3.example"}
    assert names(net.follow(Wish(), facts)) == ["ntp1", "ntp5", "ntp7", "ntp9"]
    net.dead = {"ntp3.example", "ntp5.example"}
    blocked = net.follow(Wish(), facts)
    assert [blocker.code for blocker in blocked.blockers] == ["catalogue"]
    assert names(net.follow(Wish(), facts, attended=True))[:1] == ["ntp0"]


def test_todays_servers_of_the_pool_are_asked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(monkeypatch, FORTY)
    members = (Server("9.7.0.1", "DE", access="open"), Server("9.7.1.1", "DE", access="open"))
    asked: list[str] = []

    def from_pool(country: str) -> tuple[Server, ...]:
        asked.append(country)
        return members

    monkeypatch.setattr(unnamed, "from_pool", from_pool)
    found = net.follow(replace(ACCEPTED, from_pool="DE"))
    assert asked == ["DE"]
    assert net.rounds[0][-2:] == ("9.7.0.1", "9.7.1.1")
    assert Pin("9.7.0.1", "9.7.0.1") in found.pins


def test_servers_of_which_nobody_tells_whose_they_are_are_each_their_own() -> None:
    """A catalogue needs no column but `host`."""
    from ntpjoin.upstreams.candidates import rounds
    from ntpjoin.upstreams.places import Place

    place = Place(52.5, 13.4, "here")
    unknown = [Server(f"ntp{n}.example.net", lat=52.5, lon=13.4, access="open") for n in range(40)]
    assert [len(one) for one in rounds(unknown, place)] == [32, 8]
    same = [replace(one, operator="Alpha" if n % 2 else "ALPHA") for n, one in enumerate(unknown[:6])]
    assert [len(one) for one in rounds(same, place)] == [2, 2, 2]


def test_the_pools_zone_is_asked_by_its_own_names(monkeypatch: pytest.MonkeyPatch) -> None:
    from ntpjoin.upstreams.candidates import from_pool

    asked: list[str] = []

    def resolve(names: list[str], **_: Any) -> tuple[Resolved, ...]:
        asked.extend(names)
        return tuple(Resolved(name, addresses=(f"9.7.{number}.1",)) for number, name in enumerate(names))

    monkeypatch.setattr("ntpjoin.wire.dns.resolve", resolve)
    assert [server.host for server in from_pool("GB")] == [f"9.7.{number}.1" for number in range(4)]
    assert asked == [f"{number}.uk.pool.ntp.org" for number in range(4)]


def test_a_stopped_daemon_loses_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(monkeypatch, FORTY)
    facts = replace(before(net, Wish(), 1, 3, 5, 7, 9), daemon=None)
    found = net.follow(Wish(), facts)
    assert names(found) == ["ntp1", "ntp3", "ntp5", "ntp7", "ntp9"]
    assert (found.blockers, [len(names) for names in net.rounds]) == ((), [5])


def test_a_survey_chooses_anew_where_somebody_may_choose_and_measures_else(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(monkeypatch, FORTY)
    facts = before(net, ACCEPTED, 5, 6, 7, 8, 9)
    assert names(net.follow(ACCEPTED, facts, survey_anew=True)) == [f"ntp{number}" for number in range(5)]
    kept = net.follow(Wish(), before(net, Wish(), 5, 6, 7, 8, 9), survey_anew=True)
    assert names(kept) == ["ntp5", "ntp6", "ntp7", "ntp8", "ntp9"]


def test_what_a_plan_has_shown_is_not_done_where_nobody_agreed(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(monkeypatch, FORTY)
    kept: list[tuple[Any, Choice]] = []
    monkeypatch.setattr(memory, "remember", lambda _, question, choice: kept.append((question, choice)))
    monkeypatch.setattr(
        memory, "recall", lambda _, question: next(((one, 1.0) for asked, one in kept if asked == question), None)
    )
    facts = before(net, Wish(), 1, 3, 5, 7, 9)
    net.dead = {"ntp3.example", "ntp5.example"}
    net.at["ntp3.example"] = "9.8.3.1"
    planned = net.follow(Wish(), facts, attended=True)
    assert "ntp0" in names(planned)
    assert names(net.follow(Wish(), facts, attended=True)) == names(planned)
    assert [one.code for one in net.follow(Wish(), facts).blockers] == ["catalogue"]


def test_a_choice_counts_for_the_catalogue_it_was_made_from(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    for servers in (FORTY, FORTY[1:], FORTY):
        net = Net(monkeypatch, servers)
        monkeypatch.setattr(memory, "recall", lambda _, question: asked.append(question))
        net.follow(ACCEPTED)
    first, other, again = asked
    assert first == again
    assert first != other


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"access": "closed"}, "closed: not offered to the public"),
        ({"use_name": True}, "its operator asks for the name instead of an address"),
        (None, "it is no longer in the catalogue"),
    ],
)
def test_a_server_that_may_no_longer_be_used_is_replaced(
    monkeypatch: pytest.MonkeyPatch, change: Optional[dict[str, Any]], why: str
) -> None:
    net = Net(monkeypatch, FORTY)
    facts = before(net, ACCEPTED, 1, 3, 5, 7, 9)
    others = tuple(server for server in FORTY if server.host != "ntp3.example")
    changed = (*others, replace(FORTY[3], **change)) if change is not None else others
    monkeypatch.setattr("ntpjoin.upstreams.catalogue.load", lambda *_: changed)
    assert names(net.follow(ACCEPTED, facts)) == ["ntp0", "ntp1", "ntp5", "ntp7", "ntp9"]
    assert any(f"ntp3.example may no longer be used: {why}" in told for told in net.told)


def test_a_catalogue_that_cannot_be_read_leaves_the_pins_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(monkeypatch, FORTY)
    facts = before(net, ACCEPTED, 1, 3, 5, 7, 9)

    def broken(*_: Any) -> tuple[Server, ...]:
        raise UsageProblem("there is no file /root/x.csv", "")

    monkeypatch.setattr("ntpjoin.upstreams.catalogue.load", broken)
    found = net.follow(ACCEPTED, facts)
    assert names(found) == ["ntp1", "ntp3", "ntp5", "ntp7", "ntp9"]
    assert [note.text for note in found.notes] == ["there is no file /root/x.csv; the upstreams stay as they are"]


def test_who_is_silent_to_the_daemon_goes_although_the_survey_was_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(monkeypatch, FORTY)
    facts = before(net, ACCEPTED, 1, 3, 5, 7, 9)
    monkeypatch.setattr("ntpjoin.facts.Daemon.silent", property(lambda _: ("9.9.3.1",)))
    assert names(net.follow(ACCEPTED, facts)) == ["ntp0", "ntp1", "ntp5", "ntp7", "ntp9"]


@pytest.mark.parametrize(
    ("found", "moved"),
    [
        (Resolved("a", addresses=("9.9.1.1",)), True),
        (Resolved("a", addresses=("9.9.1.1",), whole=False), False),
        (Resolved("a", addresses=("9.9.1.1", "2a00::2"), whole=False), True),
        (Resolved("a", addresses=("2a00::1",), whole=False), False),
        (Resolved("a", problem="no DNS server answered"), False),
    ],
)
def test_half_an_answer_of_dns_moves_nobody(found: Resolved, moved: bool) -> None:
    told = found.told_beside("2a00::1")
    assert (bool(told) and "2a00::1" not in told) is moved


def test_who_has_moved_stays_although_the_old_address_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(monkeypatch, FORTY)
    facts = before(net, Wish(), 1, 3, 5, 7)
    monkeypatch.setattr("ntpjoin.facts.Daemon.silent", property(lambda _: ("9.9.3.1",)))
    net.at["ntp3.example"] = "9.8.3.1"
    found = net.follow(Wish(), facts)
    assert Pin("ntp3.example", "9.8.3.1") in found.pins
    assert names(found) == ["ntp1", "ntp3", "ntp5", "ntp7"]
    assert "ntp3.example is followed at 9.8.3.1, no longer at 9.9.3.1" in [note.text for note in found.notes]


def test_a_run_that_died_loses_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(monkeypatch, FORTY)
    (run,) = before(net, Wish(), 5, 6, 7, 8, 9).journal.runs
    died = converged(journal=JournalFacts((run, replace(run, number=2, state="open", command="restart"))))
    found = net.follow(Wish(), died)
    assert (names(found), found.blockers) == (["ntp5", "ntp6", "ntp7", "ntp8", "ntp9"], ())


def test_the_place_is_asked_for_only_where_somebody_new_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(monkeypatch, FORTY, NOWHERE)
    facts = replace(before(net, ACCEPTED, 5, 6, 7, 8, 9), daemon=None)
    assert names(net.follow(ACCEPTED, facts)) == ["ntp5", "ntp6", "ntp7", "ntp8", "ntp9"]
    net.dead = {"ntp5.example"}
    assert [one.code for one in net.follow(ACCEPTED, facts).blockers] == ["place"]
    told = net.follow(replace(ACCEPTED, country="DE"), facts)
    assert set(names(told)) > {"ntp6", "ntp7", "ntp8", "ntp9"}


def test_a_host_that_is_offline_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(monkeypatch, FORTY)
    facts = replace(before(net, Wish(), 5, 6, 7, 8, 9), daemon=None)
    net.dead = {server.host for server in FORTY}
    found = net.follow(Wish(), facts)
    assert (found.pins, found.blockers) == ((), ())
    assert found.choice is not None
    assert {one.why for one in found.choice.dropped} == {"no answer within 9 s"}


def test_who_dns_does_not_answer_for_is_asked_where_he_was(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(monkeypatch, FORTY)
    facts = before(net, ACCEPTED, 5, 6, 7, 8, 9)
    net.at["ntp5.example"] = "9.8.5.1"
    net.mute = {"ntp7.example"}
    found = net.follow(ACCEPTED, facts)
    assert names(found) == ["ntp5", "ntp6", "ntp7", "ntp8", "ntp9"]
    assert net.rounds[1] == ("9.9.7.1",)


def test_who_goes_is_told_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(monkeypatch, FORTY)
    facts = replace(before(net, ACCEPTED, 5, 6, 7, 8, 9), daemon=None)
    net.dead = {"ntp7.example"}
    found = net.follow(ACCEPTED, facts)
    assert found.notes[0].text == "ntp7.example is no longer followed: no answer within 9 s"
    assert found.notes[0].warning


def test_what_an_operator_asks_later_reaches_his_line(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(monkeypatch, (*FORTY[:5], replace(FORTY[5], minpoll=10, iburst=False), *FORTY[6:]))
    found = net.follow(ACCEPTED, before(net, ACCEPTED, 5, 6, 7, 8, 9))
    assert found.pins[0] == Pin("ntp5.example", "9.9.5.1", 10, iburst=False)
    assert net.rounds == []


def test_a_journal_that_cannot_be_read_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(monkeypatch, FORTY)
    found = net.follow(ACCEPTED, fresh(journal=JournalFacts(problem="the journal cannot be read")))
    assert (found.pins, net.rounds) == ((), [])
