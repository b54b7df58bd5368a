"""`ntpjoin resolve`: where names lead, who answers there, and whether they can be followed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Optional

from ntpjoin.facts import JOURNAL_UNSEEN
from ntpjoin.host.interrupts import Interrupts
from ntpjoin.host.machine import Host
from ntpjoin.look.journal import look_journal
from ntpjoin.look.network import look_addresses
from ntpjoin.model import Event
from ntpjoin.provision.wishes import merged
from ntpjoin.show import jsons, upstreams
from ntpjoin.show.screen import Screen
from ntpjoin.upstreams.account import account
from ntpjoin.upstreams.catalogue import load, never
from ntpjoin.upstreams.choose import choose
from ntpjoin.upstreams.survey import survey


def resolve_command(
    names: tuple[str, ...], given: Mapping[str, Any], nameservers: Optional[Sequence[str]], screen: Screen
) -> int:
    """Exit 0, or 1 where a name cannot be followed; by the same rules and the same measurement as `setup`."""
    host = Host(screen.trace)
    with Interrupts():
        journal = look_journal(host)
        wish = merged(journal, given)
        own = (*look_addresses(host), *wish.public_addresses)
        screen.tell(Event("looking", "upstreams", f"asking {', '.join(names)}"))
        rows = {server.host: server for server in load(host, wish.catalogue)}
        refused = never(names, rows)
        found = survey(
            names,
            own_addresses=own,
            allow_private=wish.allow_private,
            refused=refused,
            nameservers=nameservers,
            gaps_s={name: rows[name].gap_s for name in names if name in rows},
        )
    choice = choose(found, own_addresses=own, allow_private=wish.allow_private, refused=refused)
    accounts = {one.name: account(one, own_addresses=own, allow_private=wish.allow_private) for one in found}
    unknown = (JOURNAL_UNSEEN,) if journal.unseen else ()
    screen.answer(upstreams.resolved(found, accounts, choice, unknown, screen.style))
    code = 1 if choice.dropped else 0
    screen.page(jsons.envelope("resolve", code, **jsons.resolved(found, accounts, choice), unknown=list(unknown)))
    return code
