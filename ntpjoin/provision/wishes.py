"""What is wished for: what was given now, on top of what is remembered. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from ntpjoin.errors import UsageProblem
from ntpjoin.facts import JournalFacts
from ntpjoin.model import Wish

_OPTIONS = {"upstreams": "--upstream", "public_addresses": "--public-address", "from_pool": "--candidates-from-pool"}


def merged(journal: JournalFacts, given: Mapping[str, Any]) -> Wish:
    """The wish of the last run still in effect, with what was given now.

    Of two ways to say where this host stands the later one counts. UsageProblem where somebody is to be chosen although all
    are named, and where metrics are wished for but nobody would write them.
    """
    remembered = journal.last.wish if journal.last else Wish()
    if given.get("country") and "near" not in given:
        remembered = replace(remembered, near="")
    wish = replace(remembered, **given)
    idle = [name for name in _CHOOSING if given.get(name)]
    if wish.upstreams and idle:
        text = f"{_option(idle[0], given[idle[0]])} is for choosing upstreams, but {len(wish.upstreams)} are named"
        raise UsageProblem(text, "leave it out, or add --upstream none")
    if given.get("metrics") and not wish.monitor:
        text = f"{_option('metrics', wish.metrics)} is written by the daily check, which is not wished for"
        raise UsageProblem(text, "add --monitor, or leave it out")
    return wish


#: What counts only where nobody is named.
_CHOOSING = ("country", "near", "from_pool", "accept_catalogue")


def unlike(wish: Wish, other: Wish) -> tuple[str, ...]:
    """The options that make this wish of the other one."""
    return tuple(
        _option(field.name, getattr(wish, field.name))
        for field in fields(Wish)
        if getattr(wish, field.name) != getattr(other, field.name)
    )


def _option(name: str, value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(f"{_OPTIONS[name]} {one}" for one in value or ("none",))
    if isinstance(value, str):
        return f"{_OPTIONS.get(name, f'--{name}')} {value or 'none'}"
    option = name.replace("_", "-")
    return f"--{option}" if value else f"--no-{option}"
