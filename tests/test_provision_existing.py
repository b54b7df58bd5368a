"""What is on a host already: told before anything is done, and blocked where it would make the set-up void."""

from __future__ import annotations

from dataclasses import replace
from typing import Optional

import pytest

from ntpjoin.checks.lint.language import Dialect
from ntpjoin.checks.lint.lint import lint
from ntpjoin.checks.sources import reference_clocks
from ntpjoin.checks.verify import judge
from ntpjoin.facts import Directive, Facts, FileFact, JournalFacts, Pinned, Setter, Unit
from ntpjoin.host import ntpconf
from ntpjoin.look.texts import Texts
from ntpjoin.model import CheckState, Choice, Consent
from ntpjoin.provision import existing
from ntpjoin.provision.plan import Plan, decide
from ntpjoin.provision.preflight import count_problem
from tests.judged import GOOD
from tests.sample import BOARD, NTPSEC, PINS, PYTHON, ROW, WISH, changed, choice, converged, fresh

LOCAL = f"{ROW.snippets}/local.conf"


def own(text: str) -> tuple[Directive, ...]:
    return ntpconf.directives(LOCAL, text)


def plan_for(facts: Facts, chosen: Optional[Choice] = None) -> Plan:
    return decide(facts, WISH, Consent(attended=True), pins=PINS, choice=chosen)


def blocked(text: str) -> list[str]:
    return [blocker.text for blocker in plan_for(fresh(directives=own(text)), choice()).blockers]


def noted(text: str) -> list[tuple[str, bool]]:
    return [(note.text, note.warning) for note in plan_for(fresh(directives=own(text)), choice()).notes]


def test_the_file_of_a_former_package_is_told_of_and_left() -> None:
    [note] = plan_for(fresh(former_config=True), choice()).notes
    assert note.text == "/etc/ntp.conf is there, from a former ntp; it is not read, and left as it is"


# --- lines of the operator's that would make ours void


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("restrict 127.0.0.1 noquery", "ntpjoin could not ask the daemon of itself"),
        ("restrict 127.0.0.1 ignore", "ntpjoin could not ask the daemon of itself"),
        ("unrestrict 127.0.0.1", "ntpjoin could not ask the daemon of itself"),
        ("unrestrict default noquery", "anybody could ask management queries"),
        ("restrict default ignore", "clients would get no answer"),
        ("restrict -6 default noserve", "clients would get no answer"),
        ("restrict default notrust", "clients would get no answer"),
        ("restrict source ignore", "the answers of upstreams would be refused"),
        ("restrict default flake", "clients would not get every answer"),
        ("restrict -4 default version", "clients would not get every answer"),
        ("leapsmearinterval 86400", "leap seconds would be smeared, and clients up to a second off"),
        ("enable ntp\ndisable ntp monitor", "the clock would not be set"),
    ],
)
def test_a_line_that_makes_the_set_up_void_blocks_it(line: str, what: str) -> None:
    text = f"# mine\n{line}\n"
    [blocker] = plan_for(fresh(directives=own(text)), choice()).blockers
    last = line.rpartition("\n")[2]
    assert (blocker.code, blocker.text) == ("include", f"{LOCAL}:{len(text.splitlines())}: {last}: {what}")
    assert LOCAL in blocker.remedy


@pytest.mark.parametrize(
    ("line", "whom"),
    [
        ("restrict 192.0.2.1 ignore", "ntp1.example.net"),
        ("restrict 192.0.2.1 notrust", "ntp1.example.net"),
        ("restrict 192.0.2.0/24 noserve", "ntp3.example.net, ntp4.example.net"),
        ("restrict 2001:db8:: mask ffff:ffff:: noserve", "ntp2.example.net, ntp5.example.net"),
    ],
)
def test_so_does_one_by_which_an_upstream_is_not_heard(line: str, whom: str) -> None:
    text = f"restrict 192.0.2.1 nomodify\n{line}\n"
    [blocker] = plan_for(fresh(directives=own(text)), choice()).blockers
    told = f"{LOCAL}:2: {line}: the answers of {whom} would be refused"
    assert (blocker.code, blocker.text) == ("include", told)
    assert LOCAL in blocker.remedy


def test_what_is_excepted_for_upstreams_or_for_others_does_not() -> None:
    """NTPsec makes an exception for a source that it could not hear for its network; a line for its address goes before."""
    assert blocked("restrict 192.0.2.0/24 ignore") == []
    assert blocked("restrict 192.0.2.1 limited\nrestrict 192.0.2.9 ignore\n") == []


@pytest.mark.parametrize(
    "line",
    [
        "restrict 10.0.0.0/8 nomodify",
        "restrict default nomodify",
        "restrict ::1 noquery",
        "keys /x",
        "tos minsane 1",
        "leapsmearinterval 0",
        "disable ntp\nenable ntp",
        "disable monitor",
    ],
)
def test_another_line_does_not(line: str) -> None:
    assert blocked(line) == []


def test_every_such_line_is_told_once() -> None:
    found = blocked("restrict default ignore\nrestrict 127.0.0.1 noquery\n")
    assert [text.split(": ", 2)[2] for text in found] == [
        "ntpjoin could not ask the daemon of itself",
        "clients would get no answer",
    ]


def test_of_the_lines_for_everybody_only_those_that_keep_answers_back_are_told() -> None:
    [text] = blocked("restrict default nomodify\nrestrict default flake\n")
    assert text.startswith(f"{LOCAL}:2: ")


@pytest.mark.parametrize(
    "line",
    [
        "leapsmearinterval 86400",
        "restrict default flake",
        "restrict default version",
        "limit average 0.01",
        "disable ntp",
        "server 192.0.2.77 burst",
        "pool time.example.net minpoll 4",
    ],
)
def test_nothing_that_verify_would_find_in_such_a_line_is_kept_back(line: str) -> None:
    facts = converged(directives=own(f"{line}\n"))
    found = [check for check in judge(facts, WISH, PINS, GOOD) if check.state in (CheckState.WARN, CheckState.FAIL)]
    plan = plan_for(facts)
    told = [*(blocker.text for blocker in plan.blockers), *(note.text for note in plan.notes if note.warning)]
    assert found
    assert any(text.startswith(f"{LOCAL}:1: {line}: ") for text in told)


def test_a_daemon_that_is_started_with_a_third_file_blocks_it() -> None:
    [blocker] = plan_for(converged(daemon__config="/etc/mine.conf")).blockers
    assert (blocker.code, "/etc/mine.conf" in blocker.text) == ("config", True)
    assert "the options in /etc/default/ntpsec" in blocker.remedy
    assert plan_for(converged(daemon__config="/etc/mine.conf", daemon__pid=4)).blockers == ()


# --- what else they say


@pytest.mark.parametrize(
    ("line", "words", "warning"),
    [
        ("refclock shm unit 0 refid GPS", "a reference clock of yours, followed, too", False),
        ("server 192.0.2.77", "a server of yours, followed, too", False),
        ("server 192.0.2.77 noselect", "is watched only, and not counted", False),
        ("pool time.example.net", "servers drawn from it are followed, too, and not counted", False),
        ("pool 0.debian.pool.ntp.org", "a name of the pool itself", True),
        ("server time.google.com", "smears leap seconds", True),
        ("server 127.127.1.0", "this host's own clock; the pool asks not to use it", True),
        ("refclock local", "this host's own clock; the pool asks not to use it", True),
        ("tos minsane 1", "counts instead of what ours says", True),
        ("limit average 0.01", "the limiter would refuse the pool's monitors", True),
        ("restrict 10.0.0.0/8 nomodify", "management queries are answered there", False),
    ],
)
def test_what_a_line_means_is_noted(line: str, words: str, warning: bool) -> None:
    text, warned = noted(line)[0]
    assert text.startswith(f"{LOCAL}:1: {line}: ")
    assert words in text
    assert warned is warning


def test_what_a_line_asks_too_much_is_noted_with_what_mends_it() -> None:
    found = noted("server 192.0.2.77 iburst burst minpoll 4\nserver 10.1.2.3 burst\n")
    line = f"{LOCAL}:1: server 192.0.2.77 iburst burst minpoll 4"
    assert [text for text, warning in found if warning] == [
        f"{line}: 192.0.2.77 is sent bursts of packets at every poll (burst); take `burst` out of it",
        (
            f"{line}: 192.0.2.77 may be asked every 16 s; 64 s is the least that may be without its operator's leave; "
            "write `minpoll 6` into it"
        ),
    ]


@pytest.mark.parametrize(
    "line", ["keys /etc/ntpsec/ntp.keys", "restrict 127.0.0.1", "restrict default", "disable stats", "limit burst 40"]
)
def test_what_changes_nothing_is_not(line: str) -> None:
    assert noted(line) == []


def test_a_reference_clock_of_the_operators_has_a_voice() -> None:
    facts = fresh(directives=own("refclock shm unit 0\nrefclock local\n"))
    assert "tos minsane 4 minclock 5 " in existing.config(facts, ROW, PINS)
    assert ("with your own there are 6 sources; 4 must agree", False) in noted("refclock shm unit 0\nrefclock local\n")
    assert "tos minsane 3 minclock 4 " in existing.config(fresh(), ROW, PINS)


PINNED = "".join(f"server {pin.address} iburst\n" for pin in PINS)


@pytest.mark.parametrize(
    "text", [PINNED, "server NTP1.example.net.\npeer 2001:DB8:0::2 key 3\nserver -4 ntp3.example.net\n"]
)
def test_a_server_of_the_operators_that_is_pinned_is_not_counted_again(text: str) -> None:
    """As many would have to agree as there never are: the daemon asks each address once."""
    facts = fresh(directives=own(text))
    rendered = existing.config(facts, ROW, PINS)
    assert rendered == existing.config(fresh(), ROW, PINS)
    told = lint(Texts("/x", {"/x": rendered + text}, {}), Dialect("ntpsec"))
    assert "upstreams.minsane" not in {check.id for check in told}
    found = noted(text)
    assert len(found) == len(text.splitlines())
    assert all(not warning for _, warning in found)
    line = text.splitlines()[0]
    by = "followed already, by ntp1.example.net of ours, and not counted again; the line may go"
    assert found[0][0] == f"{LOCAL}:1: {line}: {by}"


def test_what_the_operators_lines_repeat_is_not_counted_again() -> None:
    text = "server 192.0.2.77\nserver 192.0.2.77 iburst\nrefclock shm unit 0\nrefclock SHM\n"
    assert "tos minsane 4 minclock 5 " in existing.config(fresh(directives=own(text)), ROW, PINS)
    assert reference_clocks(own(text)) == 1
    found = [note for note, _ in noted(text)]
    assert found[1].endswith(f": followed already, by line 1 of {LOCAL}, and not counted again; the line may go")
    assert found[3].endswith(f": followed already, by line 3 of {LOCAL}, and not counted again; the line may go")
    assert found[4] == "with your own there are 7 sources; 4 must agree"


def test_who_is_watched_first_has_no_voice_by_a_later_line() -> None:
    assert "with your own" not in str(noted("server 192.0.2.77 noselect\nserver 192.0.2.77\n"))


def test_other_peers_are_expected_where_a_line_brings_them_and_nowhere_else() -> None:
    def expected(text: str) -> bool:
        [daemon] = [one for one in plan_for(fresh(directives=own(text)), choice()).changes if one.kind == "daemon"]
        return bool(daemon.fields()["others"])

    assert expected("refclock shm\n")
    assert expected("server 192.0.2.77 noselect\n")
    assert not expected("restrict 10.0.0.0/8\n")


# --- what packages will bring

TZDATA = Pinned("tzdata", "2026f")


def test_the_leap_file_that_a_package_will_bring_is_in_the_configuration_from_the_start() -> None:
    bare = fresh(leapfile_valid=False)
    assert "leapfile" not in existing.config(bare, ROW, PINS)
    coming = changed(bare, packages__install=(NTPSEC, PYTHON, TZDATA))
    assert f"leapfile {ROW.leapfile}" in existing.config(coming, ROW, PINS)
    [packages] = [one for one in plan_for(coming, choice()).changes if one.kind == "packages"]
    assert packages.fields()["leapfile"] == ROW.leapfile
    # Once it is there the configuration stays the same, and nothing more is expected.
    arrived = changed(coming, leapfile_valid=True)
    assert existing.config(arrived, ROW, PINS) == existing.config(coming, ROW, PINS)
    assert not existing.leapfile_comes(arrived, ROW)


# --- how many there must be


@pytest.mark.parametrize(
    ("text", "count", "few", "fine"),
    [
        ("", 4, False, True),
        ("", 3, False, False),
        ("", 3, True, True),
        ("refclock shm\n", 3, False, True),
        ("refclock shm\n", 2, False, False),
        ("refclock shm\nrefclock pps\n", 2, True, False),
        ("refclock local\n", 3, False, False),
        ("refclock shm noselect\n", 3, False, False),
        ("server 192.0.2.77\n", 3, False, False),
    ],
)
def test_a_reference_clock_stands_for_one_upstream(text: str, count: int, few: bool, fine: bool) -> None:
    wish = replace(WISH, upstreams=WISH.upstreams[:count], few=few)
    assert (count_problem(wish, reference_clocks(own(text))) == "") is fine
    facts = fresh(directives=own(text))
    plan = decide(facts, wish, Consent(attended=True), pins=PINS[:count], choice=choice(count=count))
    assert (plan.blockers == ()) is fine


# --- who is served now, and who else sets the clock

CHRONY = {"chrony.service": Unit("chrony.service", "loaded", "enabled", "active", "running", 400, "cc")}


def test_the_clients_of_a_daemon_that_is_replaced_are_told_of() -> None:
    facts = fresh(units={**fresh().units, **CHRONY}, rival_clients={"chronyd": 7})
    [note] = plan_for(facts, choice()).notes
    assert note.warning
    assert note.text.startswith("chronyd serves about 7 clients; they get no time until")
    for nobody in ({"chronyd": 0}, {}):
        assert plan_for(changed(facts, rival_clients=nobody), choice()).notes == ()


def test_those_of_ntpd_where_it_is_started_again_only() -> None:
    assert plan_for(converged()).notes == ()
    [note] = plan_for(converged(journal__restart_due=True)).notes
    assert note.text.startswith(f"ntpd serves about {20 - len(BOARD.peers) - 1} clients; they get no time until")


def test_who_else_sets_the_clock_is_told() -> None:
    [note] = plan_for(fresh(setters=(Setter("phc2sys", "process 77", "stop it"),)), choice()).notes
    assert (note.text, note.warning) == ("phc2sys (process 77) sets this clock, too: stop it", True)


def test_without_the_journal_our_own_configuration_is_not_taken_for_somebody_elses() -> None:
    file = FileFact(b"server 192.0.2.99\n", 0o644, "root:root")
    seen, unseen = (
        converged(files={ROW.config: file}, journal=JournalFacts(unseen=unseen)) for unseen in (False, True)
    )
    assert existing.lost_lines(seen, ROW, PINS) == ("server 192.0.2.99",)
    assert existing.lost_lines(unseen, ROW, PINS) is None


@pytest.mark.parametrize(
    ("line", "is_lost"),
    [
        ("server ntp1.example.net iburst", False),
        ("server -4 NTP1.example.net.", False),
        ("server 192.0.2.1", False),
        ("server ntp1.example.net iburst prefer", True),
        ("server ntp1.example.net key 3", True),
        ("server ntp9.example.net iburst", True),
        ("peer ntp1.example.net", True),
        ("pool ntp1.example.net", True),
    ],
)
def test_a_server_that_is_pinned_is_not_lost_unless_more_was_asked_of_it(line: str, is_lost: bool) -> None:
    file = FileFact(f"{line}\n".encode(), 0o644, "root:root")
    facts = converged(files={ROW.config: file}, journal=JournalFacts())
    assert existing.lost_lines(facts, ROW, PINS) == ((line,) if is_lost else ())
