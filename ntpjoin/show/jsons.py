"""The one JSON object that each command prints; its keys are documented in docs/reference/json.md and held by a test."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Optional

from ntpjoin.board import Billboard
from ntpjoin.errors import NtpjoinError
from ntpjoin.facts import Facts
from ntpjoin.model import Asked, Candidate, Check, Choice, Dropped

if TYPE_CHECKING:  # verify prints its checks and shall not pay for changes
    from ntpjoin.provision.changes import Change
    from ntpjoin.provision.plan import Plan
    from ntpjoin.provision.undo import TakenBack

SCHEMA = 1


def envelope(command: str, exit_code: int, **parts: Any) -> str:
    """The object: schema, command, exit, errors, and what the command has to tell."""
    page = {"schema": SCHEMA, "command": command, "exit": exit_code, "errors": [], **parts}
    return json.dumps(page, indent=2, sort_keys=True)


def error(problem: NtpjoinError) -> list[dict[str, str]]:
    """An error for `errors`."""
    return [{"message": problem.message, "remedy": problem.remedy}]


def plan(facts: Facts, made: Plan, states: Optional[tuple[tuple[Change, str], ...]] = None) -> dict[str, Any]:
    """The plan, or with `states` what became of it: the same keys, objects and order."""
    from ntpjoin.provision.changes import InstallPackages  # noqa: PLC0415

    told = states or tuple((change, "unchanged" if change.holds(facts) else "pending") for change in made.changes)
    packages = [change for change, state in told if isinstance(change, InstallPackages) and state != "unchanged"]
    return {
        "changed": any(state in ("pending", "done") for _, state in told) and not made.blockers,
        "changes": [_change(facts, change, state) for change, state in told],
        "packages": {
            "added": [dataclasses.asdict(package) for change in packages for package in change.new],
            "upgraded": [dataclasses.asdict(package) for change in packages for package in change.upgrade],
            "removed": [dataclasses.asdict(package) for change in packages for package in change.remove],
        },
        "upstreams": [dataclasses.asdict(pin) for pin in made.pins],
        "dropped": [dataclasses.asdict(dropped) for dropped in (made.choice.dropped if made.choice else ())],
        "waived": list(made.choice.waived if made.choice else ()),
        "letters": list(made.letters),
        "offset_ms": ms(made.choice.offset_s if made.choice else None),
        "remember": list(made.remember),
        "notes": [dataclasses.asdict(note) for note in made.notes],
        "blockers": [dataclasses.asdict(blocker) for blocker in made.blockers],
    }


def _change(facts: Facts, change: Change, state: str) -> dict[str, Any]:
    return {
        "kind": change.kind,
        "object": change.object,
        "state": state,
        "diff": change.diff(facts),
        "text": change.describe(),
    }


def ms(seconds: Optional[float]) -> Optional[float]:
    """Milliseconds, to the microsecond."""
    return None if seconds is None else round(seconds * 1000, 3)


def check(found: Check) -> dict[str, Any]:
    """One check; of its lines the text tells."""
    return {
        "id": found.id,
        "state": found.state.value,
        "text": found.text,
        "remedy": found.remedy,
        "measure": dataclasses.asdict(found.measure) if found.measure else None,
    }


def checks(found: tuple[Check, ...], board: Billboard) -> dict[str, Any]:
    """What verify found, and the billboard it saw."""
    return {
        "checks": listed(found),
        "settled": board.settled,
        "system": dataclasses.asdict(board.system) if board.system else None,
        "counters": dataclasses.asdict(board.counters) if board.system else None,
        "peers": [{**dataclasses.asdict(peer), "type": peer.type} for peer in board.peers],
    }


def listed(found: tuple[Check, ...]) -> list[dict[str, Any]]:
    """Checks, whoever's."""
    return [check(one) for one in found]


def resolved(found: Sequence[Candidate], accounts: Mapping[str, tuple[Asked, ...]], choice: Choice) -> dict[str, Any]:
    """Where each name leads, what each of its addresses answered, and whether it can be followed."""
    dropped = {one.name: one for one in choice.dropped}
    return {"names": [_name(one, accounts[one.name], dropped.get(one.name)) for one in found]}


def _name(candidate: Candidate, asked: tuple[Asked, ...], dropped: Optional[Dropped]) -> dict[str, Any]:
    where = candidate.resolved
    return {
        "name": candidate.name,
        "chain": list(where.chain),
        "ttl_s": where.ttl_s,
        "followed": dropped is None,
        "why": dropped.why if dropped else "",
        "remedy": dropped.remedy if dropped else "",
        "addresses": [answer(one) for one in asked],
    }


def answer(asked: Asked) -> dict[str, Any]:
    """What became of asking one address."""
    sample = asked.sample
    return {
        "address": asked.address,
        "problem": asked.problem,
        "stratum": sample.stratum if sample else None,
        "leap": sample.leap if sample else None,
        "refid": sample.refid if sample else None,
        "offset_ms": ms(sample.offset_s if sample else None),
        "delay_ms": ms(sample.delay_s if sample else None),
        "root_distance_ms": ms(sample.root_distance_s if sample else None),
        "jitter_ms": ms(asked.jitter_s if sample else None),
        "sent": asked.sent,
        "heard": asked.heard,
    }


def taken_back(taken: tuple[TakenBack, ...]) -> list[dict[str, Any]]:
    """What became of each change that was taken back."""
    return [
        {"run": back.run, "kind": back.change.kind, "object": back.change.object, **dataclasses.asdict(back.undone)}
        for back in taken
    ]
