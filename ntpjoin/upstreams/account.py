"""An account of one upstream, address by address: what it answered, or why it was not asked. Pure."""

from __future__ import annotations

from collections.abc import Collection

from ntpjoin.model import Asked, Candidate
from ntpjoin.upstreams import rules


def account(
    candidate: Candidate, *, own_addresses: Collection[str] = (), allow_private: bool = False
) -> tuple[Asked, ...]:
    """One for each address of the name, in order. `own_addresses` and `allow_private` as the survey had them."""
    answers = {asked.address: asked for asked in candidate.asked}
    forbidden = "a rule forbids the name" if rules.why_not_follow(candidate.resolved) else ""

    def why_not_asked(address: str) -> str:
        refused = rules.why_not_ask(address, own_addresses=own_addresses, allow_private=allow_private)
        return forbidden or refused or "the name has others of this family"

    return tuple(
        answers.get(address) or Asked(address, problem=f"not asked: {why_not_asked(address)}")
        for address in candidate.resolved.addresses
    )
