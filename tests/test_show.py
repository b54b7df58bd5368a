"""What the user sees: the right stream, no escapes where nobody can see them, one line that is redrawn and cut to width."""

from __future__ import annotations

import io
import os
from dataclasses import replace
from typing import Any

import pytest

from ntpjoin.board import Billboard
from ntpjoin.errors import StepFailed
from ntpjoin.facts import JournalFacts, RunFact
from ntpjoin.model import Check, CheckState, Consent, Event, Undone
from ntpjoin.provision.apply import Outcome
from ntpjoin.provision.plan import Plan, decide
from ntpjoin.provision.undo import TakenBack
from ntpjoin.show import terminal, text
from ntpjoin.show.screen import Screen
from ntpjoin.show.terminal import Style, Terminal
from tests.sample import BOARD, NAMES, PINS, ROW, WISH, choice, converged, fresh
from tests.stream import Stream


@pytest.fixture(autouse=True)
def _colourful(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")


# --- style


@pytest.mark.parametrize(
    ("tty", "color", "set_to", "colours"),
    [
        (True, "auto", {}, True),
        (True, "auto", {"NO_COLOR": "1"}, False),
        (True, "auto", {"NO_COLOR": ""}, True),
        (True, "auto", {"TERM": "dumb"}, False),
        (False, "auto", {}, False),
        (False, "always", {}, True),
        (True, "always", {"NO_COLOR": "1"}, True),
        (True, "never", {}, False),
    ],
)
def test_when_there_are_colours(
    monkeypatch: pytest.MonkeyPatch, tty: bool, color: str, set_to: dict[str, str], colours: bool
) -> None:
    for name, value in set_to.items():
        monkeypatch.setenv(name, value)
    style = Style(Stream(tty=tty), color)
    assert style.paint("x", "31") == ("\x1b[31mx\x1b[0m" if colours else "x")


@pytest.mark.parametrize(("encoding", "mark"), [("utf-8", "✓"), ("ascii", "ok"), ("latin-1", "ok")])
def test_marks_are_letters_where_the_stream_takes_no_more(encoding: str, mark: str) -> None:
    assert Style(Stream(encoding=encoding), "never").mark("✓", "32") == mark


# --- events


def told(stream: Stream, *events: Event, **options: Any) -> str:
    shown = Terminal(stream, **options)
    for event in events:
        shown(event)
    shown.clear()
    return stream.said


EVENTS = (
    Event("looking", "look", "looking at this host"),
    Event("begin", "package", "install ntpsec"),
    Event("done", "package", "install ntpsec", 11.84),
    Event("unchanged", "config", "write /etc/ntpsec/ntp.conf"),
    Event("wait", "verify", "waiting", 1, 120),
    Event("wait", "verify", "waiting", 2, 120),
    Event("wait", "verify", "waiting", 3, 120),
    Event("failed", "service", "enable and start ntpsec.service", 3.0),
    Event("undo", "config", "removed /etc/ntpsec/ntp.conf"),
)


def test_not_on_a_terminal_each_event_is_one_finished_line() -> None:
    said = told(Stream(), *EVENTS)
    assert "\x1b" not in said
    assert "\r" not in said
    assert [line.split()[0] for line in said.splitlines()] == ["…", "✓", "=", "..", "✗", "↶"]
    assert "11.8 s" in said
    assert said.count("waiting") == 1
    assert "up to 120 s" in said


def test_an_ascii_stream_takes_everything() -> None:
    said = told(Stream(encoding="ascii"), *EVENTS, Event("done", "package", "grüße … ✓", 1))
    assert [line.split()[0] for line in said.splitlines()] == ["..", "ok", "==", "..", "!!", "<-", "ok"]


def test_an_ascii_terminal_takes_everything_while_it_waits() -> None:
    said = told(Stream(encoding="ascii", tty=True), Event("looking", "look", "grüße …"), Event("begin", "x", "…"))
    assert "gr?" in said


def test_on_a_terminal_one_line_is_redrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "_width", lambda _: 40)
    said = told(
        Stream(tty=True), *(Event("wait", "verify", "waiting for a system peer " * 3, n, 120) for n in range(5))
    )
    assert "\n" not in said
    drawn = said.split("\r\x1b[K")[1:]
    assert len(drawn) == 6
    assert drawn[-1] == ""
    assert all(len(line) <= 39 for line in drawn)


def test_a_waiting_line_tells_how_long_and_of_how_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "_width", lambda _: 80)
    assert "waiting 7 s of 120 s" in told(Stream(tty=True), Event("wait", "verify", "waiting", 7.4, 120))


def test_a_finished_line_takes_the_place_of_the_redrawn_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "_width", lambda _: 80)
    said = told(Stream(tty=True), *EVENTS[1:3], color="never")
    assert said.startswith("\r\x1b[K  … package    install ntpsec")
    assert said.endswith("\r\x1b[K  ✓ package    install ntpsec" + " " * 44 + "11.8 s\n")


@pytest.mark.parametrize("width", [60, 80, 132])
def test_a_finished_line_that_is_too_long_goes_on_below_its_own_beginning(
    monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setattr(terminal, "_width", lambda _: width)
    words = "one two three four five six seven eight nine ten eleven twelve thirteen /a/path/that-is-never-broken"
    for tty in (True, False):
        said = told(Stream(tty=tty), Event("done", "package", words, 11.84), color="never")
        lines = said.splitlines()
        assert lines[0].startswith("  ✓ package    one two")
        assert lines[0].endswith(" 11.8 s")
        assert " ".join(" ".join(lines).replace("11.8 s", "").split()[2:]) == words
        assert all(line.startswith(" " * 15) for line in lines[1:])
        assert (max(map(len, lines)) < width) is (tty or width > 125)
        assert (len(lines) > 1) is (tty and width < 125)


def test_a_finished_line_of_nothing_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "_width", lambda _: 80)
    assert told(Stream(tty=True), Event("done", "look", ""), color="never") == "  ✓ look\n"


def test_each_thing_that_is_waited_for_is_told_once() -> None:
    waits = [Event("wait", step, step, elapsed, 120) for step in ("packages", "verify") for elapsed in (0, 1, 2)]
    assert told(Stream(), *waits) == "  .. packages  packages, up to 120 s\n  .. verify    verify, up to 120 s\n"


@pytest.mark.parametrize("quiet", [True, False])
def test_who_sends_a_signal_is_answered_though_it_is_quiet(quiet: bool) -> None:
    said = told(Stream(), Event("heard", "signal", "interrupted: this step ends first"), quiet=quiet)
    assert said == "  ! signal     interrupted: this step ends first\n"


def test_quiet_tells_failures_only() -> None:
    said = told(Stream(), *EVENTS, quiet=True)
    assert said.splitlines() == [line for line in said.splitlines() if "✗" in line]
    assert len(said.splitlines()) == 1


def test_a_stream_without_a_size_is_80_wide() -> None:
    assert terminal._width(io.StringIO()) == 80


def test_a_terminal_tells_its_width() -> None:
    inner, outer = os.openpty()
    try:
        import fcntl
        import struct
        import termios

        fcntl.ioctl(outer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 57, 0, 0))
        with os.fdopen(os.dup(outer), "w") as stream:
            assert terminal._width(stream) == 57
    finally:
        os.close(inner)
        os.close(outer)


# --- the two streams


class Streams:
    """Stdout and stderr of a screen that is made in the test: pytest puts its own in place before it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch
        self.out, self.err = Stream(), Stream()

    def screen(self, **options: Any) -> Screen:
        self.monkeypatch.setattr("sys.stdout", self.out)
        self.monkeypatch.setattr("sys.stderr", self.err)
        return Screen(**{"as_json": False, "quiet": False, "verbose": False, "color": "auto", **options})


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> Streams:
    return Streams(monkeypatch)


def test_what_is_no_text_is_shown_as_far_as_it_is(streams: Streams) -> None:
    """The name of a file need not be UTF-8."""
    shown = streams.screen()
    shown.answer("caf\udce9, é")
    shown.talk("caf\udce9, é")
    assert (streams.out.said, streams.err.said) == ("caf?, é\n", "caf?, é\n")


def test_the_answer_goes_to_stdout_and_talk_to_stderr(streams: Streams) -> None:
    shown = streams.screen(verbose=True)
    shown.answer("answer")
    shown.page("{}")
    shown.talk("talk")
    shown.trace("ufw status")
    assert (streams.out.said, streams.err.said) == ("answer\n", "talk\n  + ufw status\n")


def test_with_json_there_is_the_object_and_nothing_else(streams: Streams) -> None:
    shown = streams.screen(as_json=True)
    shown.answer("answer")
    shown.page("{}")
    shown.trace("ufw status")
    assert (streams.out.said, streams.err.said) == ("{}\n", "")


def test_ascii_streams_take_every_answer(streams: Streams) -> None:
    streams.out, streams.err = Stream(encoding="ascii"), Stream(encoding="ascii")
    shown = streams.screen()
    shown.answer("é ✓")
    shown.talk("é ✓")
    shown.page("{}")
    assert (streams.out.said, streams.err.said) == ("? ?\n", "? ?\n")


@pytest.mark.parametrize(
    ("typed", "answer", "shows"),
    [
        ("y\n", True, 0),
        ("YES\n", True, 0),
        ("n\n", False, 0),
        ("\n", False, 0),
        ("", False, 0),
        ("sure\n", False, 0),
        ("d\ny\n", True, 1),
        ("d\nd\nn\n", False, 2),
    ],
)
def test_only_yes_means_yes(
    streams: Streams, monkeypatch: pytest.MonkeyPatch, typed: str, answer: bool, shows: int
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    assert streams.screen().ask("Go ahead?", "the difference") is answer
    assert streams.err.said.count("the difference") == shows
    assert streams.err.said.count("Go ahead? [y/d/N]") == shows + 1
    assert streams.out.said == ""


def test_without_a_difference_there_is_no_d(streams: Streams, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("d\n"))
    assert streams.screen().ask("Go ahead?", "") is False
    assert "[y/N]" in streams.err.said


@pytest.mark.parametrize(("stdin", "stderr", "asks"), [(True, True, True), (False, True, False), (True, False, False)])
def test_who_can_be_asked(
    streams: Streams, monkeypatch: pytest.MonkeyPatch, stdin: bool, stderr: bool, asks: bool
) -> None:
    streams.err.tty = stderr
    monkeypatch.setattr("sys.stdin", Stream(tty=stdin))
    assert streams.screen().asks() is asks


@pytest.mark.parametrize(
    ("as_json", "asks", "to_stderr"), [(True, True, True), (True, False, False), (False, True, False)]
)
def test_what_is_asked_for_is_shown_first_whatever_is_printed_later(
    streams: Streams, as_json: bool, asks: bool, to_stderr: bool
) -> None:
    shown = streams.screen(as_json=as_json, quiet=True)
    shown.offer(lambda _: "the plan", asks=asks)
    assert streams.err.said == ("the plan\n" if to_stderr else "")
    assert streams.out.said == ("" if as_json else "the plan\n")


# --- texts

PLAIN = Style(Stream(), "never")


def plan() -> Plan:
    return decide(fresh(), WISH, Consent(attended=True), pins=PINS, choice=choice(7203.4))


@pytest.mark.parametrize("asks", [True, False])
def test_a_plan_as_people_see_it(asks: bool) -> None:
    assert text.plan(fresh(), plan(), PLAIN, asks=asks).splitlines() == [
        "Debian GNU/Linux 12 (bookworm), systemd, apt, ufw",
        "  time now     systemd-timesyncd; setup replaces it",
        "  upstreams    5 asked, 5 chosen, within 4.0 ms of each other",
        "  ! the clock will step +7203.4 s; unattended this needs --allow-step",
        "",
        "  1 package    stop systemd-timesyncd.service",
        f"               keep {ROW.unit} from starting before it is configured",
        f"               {plan().changes[2].describe()}",
        f"  2 config     write {ROW.config} (24 lines)" + ("; d shows it" if asks else ""),
        f"               create {ROW.include}, empty, for your own lines",
        f"               create {ROW.drift}: 0.000, until the daemon knows better",
        "               set IGNORE_DHCP=yes in /etc/default/ntpsec: DHCP shall not replace the configuration",
        f"  3 service    enable and start {ROW.unit}",
        "  4 firewall   allow 123/udp in ufw",
        "`ntpjoin undo` takes all of this back.",
    ]


def test_what_is_only_to_be_remembered_is_said() -> None:
    wish = replace(WISH, firewall=False, upstreams=NAMES[:4], public_addresses=("203.0.113.9",))
    facts = converged()
    made = decide(facts, wish, Consent(), pins=PINS, choice=None)
    lines = text.plan(facts, made, PLAIN, asks=False).splitlines()
    assert "  remember     --no-firewall" in lines
    assert f"  remember     {' '.join(f'--upstream {name}' for name in NAMES[:4])}" in lines
    assert "  remember     --public-address 203.0.113.9" in lines
    assert lines[-1] == "Nothing to do but to remember that: all else is so already."
    same = decide(facts, WISH, Consent(), pins=PINS, choice=None)
    assert text.plan(facts, same, PLAIN, asks=False).splitlines()[-1] == "Nothing to do: all of it is so already."
    died = converged(journal=JournalFacts(runs=(RunFact(3, "open", WISH, PINS),)))
    said = text.plan(died, decide(died, WISH, Consent(), pins=PINS, choice=None), PLAIN, asks=False)
    assert "the run that died" in said


def test_blockers_come_with_what_to_type_and_no_steps() -> None:
    facts = fresh(system__root=False, system__init=None)
    said = text.plan(facts, decide(facts, WISH, Consent(attended=True), pins=PINS, choice=choice()), PLAIN, asks=False)
    assert said.splitlines()[-5:] == [
        "Nothing was touched:",
        "  ✗ this needs root",
        "      type the same with sudo before it",
        "  ✗ neither systemd nor init scripts start what runs here",
        "      set this host up by hand, or boot it with one of the two",
    ]
    assert "1 package" not in said


@pytest.mark.parametrize(
    ("states", "words"),
    [
        ((), "Nothing was changed."),
        (("restored",), "All that was done is taken back; this host is as it was."),
        (("restored", "kept"), "Not all of it could be taken back:\n  kept: why"),
    ],
)
def test_a_failure_tells_what_happened_what_is_left_and_what_to_type(states: tuple[str, ...], words: str) -> None:
    taken = tuple(TakenBack(1, plan().changes[0], Undone(state, "why")) for state in states)  # type: ignore[arg-type]
    said = text.failure(StepFailed("it broke", "type this"), taken, PLAIN)
    assert said == f"✗ it broke\n{words}\n  type this"


def test_checks_are_one_line_each_with_what_to_type_below() -> None:
    found = (
        Check("a", CheckState.OK, "good"),
        Check("b", CheckState.FAIL, "bad", "do this"),
        Check("c", CheckState.UNKNOWN, "?"),
        Check("d", CheckState.WARN, "hm"),
    )
    lines = text.checks(found, PLAIN).splitlines()
    assert [line.split()[0] for line in lines] == ["✓", "✗", "do", "?", "!"]


def test_the_end_of_a_setup_promises_no_more_than_was_seen() -> None:
    outcome = Outcome(converged(), ())
    said = text.result(outcome, BOARD, (), ("203.0.113.7", "2001:db8::7"))
    one = text.result(outcome, BOARD, (), ("203.0.113.7", "5.0.1.2"))
    assert "run `ntpjoin probe 5.0.1.2 --mine` on another machine" in one
    assert "as far as can be seen from here; from outside it has not been tried" in said
    assert "run `ntpjoin probe 203.0.113.7 2001:db8::7 --mine --allow-private` on another machine" in said
    assert "run `ntpjoin probe ADDRESS --mine` on another machine" in text.result(outcome, BOARD, (), ())
    assert "not synchronised yet" in text.result(outcome, Billboard(), (), ("203.0.113.7",))


def test_undo_shows_what_it_means() -> None:
    said = text.undo_plan(((2, plan().changes[-1]), (1, plan().changes[0])), clients=7)
    assert said.splitlines() == [
        "This takes back, last first:",
        "  run 2  firewall   allow 123/udp in ufw",
        "  run 1  package    stop systemd-timesyncd.service",
        "  ! about 7 clients have asked this server lately; they will find nobody",
        "The clock is not taken back.",
    ]
    assert "clients" not in text.undo_plan((), clients=0)


def test_how_undoing_went() -> None:
    back = TakenBack(1, plan().changes[0], Undone("restored", "x"))
    assert text.undone((back,)) == "This host is as it was before."
    kept = replace(back, undone=Undone("kept", "y was edited"))
    assert text.undone((back, kept)).splitlines()[1:] == ["  kept: y was edited"]


@pytest.mark.parametrize(("stock", "ours", "whose"), [(True, False, "the package's own"), (False, True, "our older one"), (False, False, "yours")])  # fmt: skip  # noqa: E501
def test_whose_file_is_replaced_is_said(stock: bool, ours: bool, whose: str) -> None:
    from ntpjoin.facts import FileFact

    facts = fresh(files={ROW.config: FileFact(b"x\n", 0o644, "root:root", stock=stock, ours=ours)})
    made = decide(facts, WISH, Consent(replace=True, attended=True), pins=PINS, choice=choice())
    assert f"replaces {whose}; d shows the difference" in text.plan(facts, made, PLAIN, asks=True)
    unasked = text.plan(facts, made, PLAIN, asks=False)
    assert f"replaces {whose}" in unasked
    assert "d shows" not in unasked
