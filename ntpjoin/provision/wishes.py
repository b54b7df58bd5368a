"""What is wished for: what was given now, on top of what is remembered. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from ntpjoin.facts import JournalFacts
from ntpjoin.model import Wish

_OPTIONS = {"upstreams": "--upstream", "public_addresses": "--public-address", "from_pool": "--candidates-from-pool"}


def merged(journal: JournalFacts, given: Mapping[str, Any]) -> Wish:
    """The wish of the last run still in effect, with what was given now."""
    remembered = journal.last.wish if journal.last else Wish()
    return replace(remembered, **given)


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
