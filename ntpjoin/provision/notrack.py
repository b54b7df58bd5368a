"""Keeping NTP out of connection tracking: where it is wished for, and what stands in its way. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ntpjoin.checks.firewall import KEEP, SPARE, taken_from_others
from ntpjoin.facts import Facts
from ntpjoin.firewall import FirewallFacts, Untracked
from ntpjoin.host.notrack import FILE, UNIT
from ntpjoin.model import Blocker, Family, Note, Wish
from ntpjoin.provision.changes import Change, KeepUntracked
from ntpjoin.provision.render import notrack_unit


def notrack_changes(facts: Facts, wish: Wish) -> tuple[Change, ...]:
    """Our table, where it is wished for and nobody else's rules do the same; that of an earlier run goes where it is not."""
    if not wish.notrack:
        return (KeepUntracked(UNIT, FILE, ""),) if _there(facts) else ()
    untracked = facts.firewall.untracked
    if facts.system.init != "systemd" or untracked is None or _by_others(facts):
        return ()
    content = notrack_unit(untracked.nft, masquerades=untracked.masquerades)
    families = tuple(family for family in facts.firewall.families if _gets_in(facts, wish, family))
    return (KeepUntracked(UNIT, FILE, content, families),)


def _there(facts: Facts) -> bool:
    """Whether we have loaded it; who takes the unit's file away has not ended it, and after a reboot it is gone."""
    return FILE in facts.journal.written and (facts.files.get(FILE) is not None or facts.unit(UNIT).running)


def _by_others(facts: Facts) -> bool:
    """Whether somebody else's rules do it: then nothing of ours is needed."""
    untracked = facts.firewall.untracked
    return untracked is not None and untracked.kept and not _there(facts)


def _gets_in(facts: Facts, wish: Wish, family: Family) -> bool:
    """Whether UDP 123 gets in by the time that the table is loaded."""
    return facts.firewall.lets_in(family) is True or (wish.firewall and family in facts.firewall.opens)


def notrack_blockers(facts: Facts, wish: Wish) -> Iterator[Blocker]:
    """Why connection tracking cannot be done without."""
    if not wish.notrack:
        return
    if not _by_others(facts):
        yield from _hindering(facts, "add --no-notrack")
    mine = facts.files.get(FILE)
    if mine is not None and FILE not in facts.journal.written:
        yield Blocker(
            "notrack", f"{FILE} is there, and ntpjoin has not written it", f"look at it, and move it away: ls -l {FILE}"
        )


def _hindering(facts: Facts, leave: str) -> Iterator[Blocker]:
    """Why our table cannot be loaded, or would not do it."""
    firewall, untracked = facts.firewall, facts.firewall.untracked
    if facts.system.init == "init scripts":
        yield Blocker("notrack", "what keeps NTP out of connection tracking is loaded by a unit of systemd", leave)
    elif untracked is None:
        if facts.system.root:
            yield Blocker("notrack", f"the rules in force could not be seen: {firewall.problem}", leave)
    elif untracked.masquerades and untracked.theirs:  # ours beside it would not help
        yield Blocker("notrack", taken_from_others(untracked), f"{SPARE}; or {leave}")
    elif not untracked.nft:
        yield Blocker(
            "notrack",
            "keeping NTP out of connection tracking needs nft, which is not here",
            f"install nftables; or {leave}",
        )
    else:
        yield from _shut(firewall, untracked, leave)


def _shut(firewall: FirewallFacts, untracked: Untracked, leave: str) -> Iterator[Blocker]:
    """In which families the rules in force would then keep clients, or the answers of upstreams, out."""
    shut = [family for family, passes in untracked.passes.items() if passes is False]
    unclear = [family for family, passes in untracked.passes.items() if passes is None]
    if shut:
        why = "; ".join(dict.fromkeys(filter(None, (untracked.why.get(family, "") for family in shut))))
        text = f"without connection tracking UDP 123 would be dropped over {' and '.join(shut)}: {why}"
        keep = f"; {KEEP}" if firewall.manager in ("nftables", "iptables") else ""
        typed = "; ".join(untracked.remedy)
        yield Blocker("notrack", text, f"type: {typed}{keep}; or {leave}" if typed else leave)
    if unclear:
        why = "; ".join(dict.fromkeys(filter(None, (untracked.why.get(family, "") for family in unclear))))
        text = f"what becomes of UDP 123 over {' and '.join(unclear)} cannot be told: {why}"
        yield Blocker("notrack", text, leave)


def notrack_notes(facts: Facts, wish: Wish) -> Iterator[Note]:
    """What is left tracked, and who else does the same."""
    untracked = facts.firewall.untracked
    if not wish.notrack or untracked is None:
        return
    if untracked.masquerades:
        yield Note("this host masquerades: what is asked from port 123 stays tracked, for it may be asked for others")
    if untracked.kept and FILE not in facts.journal.written:
        yield Note("NTP is kept out of connection tracking already, by rules that are not ours")
