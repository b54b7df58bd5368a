"""Plans, verdicts and errors as text for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ntpjoin.board import Billboard
from ntpjoin.checks.addresses import to_probe
from ntpjoin.checks.firewall import typed
from ntpjoin.errors import NtpjoinError
from ntpjoin.facts import Facts
from ntpjoin.model import Blocker, Check, CheckState, Choice, Note, Step
from ntpjoin.show.terminal import Style
from ntpjoin.systems import to_type

if TYPE_CHECKING:  # verify shows its checks and shall not pay for changes
    from ntpjoin.provision.apply import Outcome
    from ntpjoin.provision.changes import Change, ServeSite
    from ntpjoin.provision.plan import Plan
    from ntpjoin.provision.undo import TakenBack

#: The mark of a check, and its colour.
STATES: dict[CheckState, tuple[str, str]] = {
    CheckState.OK: ("✓", "32"),
    CheckState.WARN: ("!", "33"),
    CheckState.FAIL: ("✗", "31"),
    CheckState.UNKNOWN: ("?", "36"),
}


#: How it is said that there is no file.
_UNKNOWN = {"web-redirect": "There is no virtual host to print:"}


def aside(made: Plan, style: Style, *, printed: bool = False) -> str:
    """What is to be said beside an answer that is a file: its notes, and why there is none, or why it is `printed` only."""
    lines = [_note(note, style) for note in made.notes]
    if made.blockers:
        unknown = _UNKNOWN.get(made.command, "It cannot be told what the configuration would be:")
        lines += _blockers("It cannot be installed as it is:" if printed else unknown, made.blockers, style)
    return "\n".join(lines)


def by_hand(site: ServeSite) -> str:
    """Where a virtual host belongs."""
    link = f"  ln -s {site.path} {site.link}\n" if site.link else ""
    gone = "".join(f"  rm {path}\n" for path in site.instead)
    return (
        f"It belongs into {site.path}; `ntpjoin web-redirect --apply` puts it there, or by hand:\n"
        f"  ntpjoin web-redirect >{site.path}\n{link}{gone}  {' '.join(site.test)}\n  {to_type('reload', site.service)}"
    )


def plan(facts: Facts, made: Plan, style: Style, *, asks: bool) -> str:
    """What will be done, or why nothing will. With `asks` the reader can type d to see the files."""
    lines = [_host(facts), *(_time_now(facts) if made.command != "web-redirect" else ())]
    if made.choice:
        lines.append(f"  upstreams    {_choice(made.choice)}")
        lines += _chosen(made.choice) if not made.wish.upstreams else ()
    lines += [_note(note, style) for note in made.notes]
    if made.blockers:
        return "\n".join([*lines, "", *_blockers("Nothing was touched:", made.blockers, style)])
    lines += [f"  remember     {option}" for option in made.remember]
    pending = made.pending(facts)
    if not pending:
        return "\n".join([*lines, "", _nothing(facts, made)])
    last = "" if made.command == "setup" else " --last"
    return "\n".join([*lines, "", *_steps(facts, pending, asks=asks), f"`ntpjoin undo{last}` takes all of this back."])


def _host(facts: Facts) -> str:
    parts = [facts.system.title, facts.system.init or "an init that is not known"]
    parts += [facts.system.row.manager] if facts.system.row else []
    parts.append(
        {"none": "no firewall", "unknown": "firewall not seen"}.get(facts.firewall.manager, facts.firewall.manager)
    )
    return ", ".join(parts)


def _time_now(facts: Facts) -> Iterator[str]:
    """Who keeps the time now, where that is somebody whom setup replaces."""
    row = facts.system.row
    rivals = [rival.name for rival in row.rivals if facts.unit(rival.unit).running] if row else []
    if rivals:
        yield f"  time now     {', '.join(rivals)}; setup replaces it"


def _choice(choice: Choice) -> str:
    text = f"{choice.asked} asked, {len(choice.chosen)} chosen"
    return text + (f", within {choice.spread_s * 1000:.1f} ms of each other" if choice.spread_s is not None else "")


def _chosen(choice: Choice) -> Iterator[str]:
    """Those that nobody named: who they are, and how good."""
    width = max((len(one.name) for one in choice.chosen), default=0)
    for one in choice.chosen:
        distance = f"stratum {one.sample.stratum}, root distance {one.sample.root_distance_s * 1000:.1f} ms"
        yield f"               {one.name:<{width}}  {distance}" + (f"  ({one.about})" if one.about else "")


def _nothing(facts: Facts, made: Plan) -> str:
    """Nothing will be changed; what the journal will hear of all the same."""
    if made.remember:
        return "Nothing to do but to remember that: all else is so already."
    if facts.journal.last and facts.journal.last.state == "open":
        return "Nothing to do but to close the run that died: all else is so already."
    return "Nothing to do: all of it is so already."


def _steps(facts: Facts, changes: tuple[Change, ...], *, asks: bool) -> Iterator[str]:
    """Numbered by step; a step's further changes below it."""
    former, number = "", 0
    for change in changes:
        step = change.step.value
        number += step != former
        head = f"{number} {step:<10}" if step != former else " " * 12
        former = step
        yield f"  {head} {change.describe()}{_about_file(facts, change, asks=asks)}"


def _about_file(facts: Facts, change: Change, *, asks: bool) -> str:
    from ntpjoin.provision.changes import WriteFile  # noqa: PLC0415

    if not isinstance(change, WriteFile) or change.whose != "ours":
        return ""
    there = facts.files.get(change.path)
    if there is None:
        return "; d shows it" if asks else ""
    whose = "the package's own" if there.stock else "our older one" if there.ours else "yours"
    return f", replaces {whose}" + ("; d shows the difference" if asks else "")


def diffs(facts: Facts, changes: tuple[Change, ...]) -> str:
    """What each file will look like against what it is."""
    from ntpjoin.provision.changes import WriteFile  # noqa: PLC0415

    shown = [change for change in changes if not isinstance(change, WriteFile) or change.whose == "ours"]
    return "\n".join(filter(None, (change.diff(facts) for change in shown)))


def _note(note: Note, style: Style) -> str:
    return f"  {style.mark('!' if note.warning else '·', '33' if note.warning else '')} {note.text}"


def _blockers(head: str, blockers: tuple[Blocker, ...], style: Style) -> Iterator[str]:
    yield head
    for blocker in blockers:
        yield f"  {style.mark('✗', '31')} {blocker.text}"
        if blocker.remedy:
            yield f"      {blocker.remedy}"


def failure(error: NtpjoinError, taken: tuple[TakenBack, ...], style: Style) -> str:
    """What happened, what is left of it, what to type."""
    lines = [f"{style.mark('✗', '31')} {error.message}"]
    left = [back for back in taken if back.undone.state != "restored"]
    if left:
        lines.append("Not all of it could be taken back:")
        lines += [f"  {back.undone.state}: {back.undone.text}" for back in left]
    elif taken:
        lines.append("All that was done is taken back; this host is as it was.")
    else:
        lines.append("Nothing was changed.")
    if error.remedy:
        lines.append(f"  {error.remedy}")
    return "\n".join(lines)


def checks(found: tuple[Check, ...], style: Style) -> str:
    """One line a check, remedies below."""
    lines: list[str] = []
    for check in found:
        mark, code = STATES[check.state]
        lines.append(f"  {style.mark(mark, code)} {check.id:<22} {check.text}")
        if check.remedy:
            lines.append(f"  {'':<24} {check.remedy}")
    return "\n".join(lines)


def result(
    outcome: Outcome,
    board: Billboard,
    found: tuple[Check, ...],
    addresses: tuple[str, ...],
    *,
    code: int = 0,
    left: bool = False,
) -> str:
    """The last words of a set-up that stays and ends with this code; clients can ask these addresses.

    With `left` a rule is left to the operator.
    """
    failed = ", ".join(dict.fromkeys(check.id for check in found if check.state is CheckState.FAIL))
    if not board.settled:
        return "Set up and kept, but not synchronised yet.\n  next   wait a minute, then: ntpjoin verify\n  undo   ntpjoin undo"
    if code == 4:
        following = f"type what stands below {'each of them' if ', ' in failed else 'it'}, then: ntpjoin verify"
        return (
            f"Set up and kept, but not ready to join the pool: {failed}.\n  next   {following}\n  undo   ntpjoin undo"
        )
    if left:
        return f"Set up and kept, but {_still_to_let_in(outcome.facts)}\n  undo   ntpjoin undo"
    if code == 5:
        following = "wait a minute, then: ntpjoin verify --wait 120"
        return f"Set up and kept, but still settling: {failed}.\n  next   {following}\n  undo   ntpjoin undo"
    probe = to_probe(addresses) if addresses else "ntpjoin probe ADDRESS --mine"
    return (
        "Ready to join the pool, as far as can be seen from here; from outside it has not been tried.\n"
        f"  next   run `{probe}` on another machine, then register at https://manage.ntppool.org/\n"
        "  undo   ntpjoin undo"
    )


#: What a step alone has come to, and what comes next.
_STEPS = {
    "install": ("Installed, and held back until it is configured.", "ntpjoin setup"),
    "firewall": ("UDP 123 is let in.", "ntpjoin verify"),
    "restart": ("Started anew.", "ntpjoin verify --wait 120"),
    "web-redirect": ("Lost browsers are sent to the pool's site.", "on another machine: curl -gI http://{address}/"),
}


def step_result(command: str, facts: Facts, address: str = "", *, left: bool) -> str:
    """The last words of a step alone that has changed something; with `left` a rule is left to the operator.

    Others ask the web server at this address.
    """
    if left:
        return _still_to_let_in(facts)
    words, following = _STEPS[command]
    following = following.format(address=f"[{address}]" if ":" in address else address)
    return f"{words}\n  next   {following}\n  undo   ntpjoin undo --last"


def _still_to_let_in(facts: Facts) -> str:
    """What the operator has to type."""
    return f"UDP 123 is still to be let in, by hand.\n  next   {typed(facts.firewall)}\n         ntpjoin verify"


def undo_plan(changes: tuple[tuple[int, Change], ...], clients: int) -> str:
    """What undo will take back, last first."""
    lines = ["This takes back, last first:"]
    lines += [f"  run {run}  {change.step.value:<10} {change.describe()}" for run, change in changes]
    if clients > 0 and any(change.step is not Step.WEB for _, change in changes):
        lines.append(f"  ! about {clients} clients have asked this server lately; they will find nobody")
    lines.append("The clock is not taken back.")
    return "\n".join(lines)


def undone(taken: tuple[TakenBack, ...]) -> str:
    """How undoing went."""
    left = [back.undone for back in taken if back.undone.state != "restored"]
    if not left:
        return "This host is as it was before."
    return "\n".join(["Not all of it could be taken back; look at:", *(f"  {one.state}: {one.text}" for one in left)])
