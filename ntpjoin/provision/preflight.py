"""All reasons why a host is not fit, at once and before anything is touched. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Optional

from ntpjoin.facts import Facts, Row
from ntpjoin.model import Blocker, Choice, Consent, Pin, Wish

#: The numbers of the pool's own page: "no less than 4 and no more than 7", and 3 for ntpd to tell right from wrong at all.
LEAST, LEAST_FEW, MOST = 4, 3, 7

#: What ntpd steps instead of slewing (ntp.conf(5), tinker step).
STEP_S = 0.128

#: ntpd's own panic threshold (ntp.conf(5), tinker panic): a greater step wants a human's word.
STEP_LIMIT_S = 1000.0

#: Programs that set the clock: one of these on UDP 123 is taken over, anything else is a stranger.
_TIME_DAEMONS = ("ntpd", "chronyd", "systemd-timesyncd", "systemd-timesyn", "openntpd")


def blockers(
    facts: Facts, wish: Wish, consent: Consent, *, pins: tuple[Pin, ...], choice: Optional[Choice]
) -> tuple[Blocker, ...]:
    """Every reason, in the order in which an administrator would deal with them."""
    found: list[Blocker] = list(host_blockers(facts))
    if facts.system.row:
        found += _package_blockers(facts, facts.system.row)
        found += _config_blockers(facts, facts.system.row, consent)
    found += _upstream_blockers(wish, pins, choice)
    found += _step_blockers(consent, choice)
    return tuple(found)


def host_blockers(facts: Facts) -> Iterator[Blocker]:
    """What is wrong with the host itself, whatever upstreams it shall follow."""
    system = facts.system
    if not system.root:
        yield Blocker("not-root", "this needs root", "type the same with sudo before it")
    if system.row is None:
        yield Blocker("system", f"{system.title} is not supported", "docs/reference/supported-systems.md lists what is")
    if not system.systemd:
        yield Blocker("systemd", "no systemd runs here", "set this host up by hand, or boot it with systemd")
    if not system.may_set_clock:
        where = f"this is a container ({system.container}) that" if system.container else "this machine"
        yield Blocker("container", f"{where} may not set the clock (no CAP_SYS_TIME)", "run ntpjoin on its host")
    for holder in facts.holders or ():
        if holder.program not in _TIME_DAEMONS:
            text = f"UDP 123 on {holder.address} is held by {holder.program} (process {holder.pid}), which is no time daemon we know"
            yield Blocker("port-123", text, f"end it first; look at: ss -ulpn 'sport = 123', ps {holder.pid}")
    if facts.journal.problem:
        yield Blocker("journal", facts.journal.problem)


def _package_blockers(facts: Facts, row: Row) -> Iterator[Blocker]:
    if facts.packages.problem:
        yield Blocker(
            "packages", f"{' '.join(row.packages)} cannot be installed: {facts.packages.problem}", "mend this first"
        )
    known = {rival.package for rival in row.rivals}
    for package in facts.packages.remove:
        if package.name not in known:
            text = f"installing {' '.join(row.packages)} would remove {package.name}, which is no time daemon"
            yield Blocker("removes", text, "look at: apt-get -s install " + " ".join(row.packages))
        elif package.name not in facts.packages.kept:
            text = f"{package.name} {package.version} would be removed, but its file cannot be had, so undo could not bring it back"
            yield Blocker("undo", text, f"type: apt-get install {package.name}")


def _config_blockers(facts: Facts, row: Row, consent: Consent) -> Iterator[Blocker]:
    config = facts.files.get(row.config)
    for path, file in facts.files.items():
        if file and not file.plain:
            yield Blocker(
                "not-plain", f"{path} is not a plain file", f"look at it: ls -l {path}; put a file in its place"
            )
    if config and config.content.strip() and not config.stock and not config.ours and not consent.replace:
        # Of a file that was ours once, what somebody added; of another, all that is no comment.
        ours = {line for content in facts.journal.written.get(row.config, ()) for line in content.splitlines()}
        written = [line for line in config.content.decode(errors="replace").splitlines() if line.strip()]
        lines = [line for line in written if line not in ours and (ours or line.strip()[0] != "#")]
        lost = "\n".join(f"    {line}" for line in lines[:20])
        lost += f"\n    … and {len(lines) - 20} more" if len(lines) > 20 else ""
        text = f"{row.config} is neither the package's nor ours; replacing it would lose:\n{lost}"
        yield Blocker("config", text, f"keep lines of yours in {row.include}, then add --replace")


def _upstream_blockers(wish: Wish, pins: tuple[Pin, ...], choice: Optional[Choice]) -> Iterator[Blocker]:
    least = LEAST_FEW if wish.few else LEAST
    if not wish.upstreams:
        yield Blocker("upstreams", "no upstreams are named", "add --upstream NAME, four to seven times")
    elif choice and not choice.chosen and choice.dropped and not any(dropped.rule for dropped in choice.dropped):
        tried = "\n".join(f"    {dropped.name}: {dropped.why}" for dropped in choice.dropped)
        yield Blocker(
            "upstreams", f"none of the upstreams can be followed:\n{tried}", "is this host online? may it send UDP 123?"
        )
    elif len(pins) < least:
        why = "".join(f"\n    {dropped.name}: {dropped.why}" for dropped in (choice.dropped if choice else ()))
        text = f"{len(pins)} of {len(wish.upstreams)} upstreams are left, {least} are needed{':' if why else ''}{why}"
        few = "" if wish.few or len(pins) < LEAST_FEW else ", or add --few to go ahead with three"
        yield Blocker("upstreams", text, f"name more with --upstream{few}")


def _step_blockers(consent: Consent, choice: Optional[Choice]) -> Iterator[Blocker]:
    if choice is None or choice.offset_s is None or consent.attended or consent.allow_step:
        return
    if choice.offset_s > STEP_LIMIT_S or choice.offset_s < -STEP_S:
        text = f"the clock would step {choice.offset_s:+.1f} s while nobody looks on"
        yield Blocker("step", text, "programs may not like it; if it is all right, add --allow-step")


def count_problem(wish: Wish) -> str:
    """What is wrong with the number of upstreams named, '' where nothing is; counting needs no look at anything."""
    least = LEAST_FEW if wish.few else LEAST
    if len(wish.upstreams) > MOST:
        return f"{len(wish.upstreams)} upstreams are named, the pool wants no more than {MOST}"
    if 0 < len(wish.upstreams) < least:
        hint = "" if wish.few or len(wish.upstreams) < LEAST_FEW else "; --few allows three"
        return f"at least {least} upstreams are needed, {len(wish.upstreams)} named{hint}"
    return ""
