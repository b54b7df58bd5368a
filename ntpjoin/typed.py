"""What every command line says beside what it is about: how to show what comes of it."""

from __future__ import annotations

from typing import Any

import click

from ntpjoin import options as opt


def screen_of(options: dict[str, Any]) -> Any:
    """The screen that was asked for; what was typed twice is said at once."""
    from ntpjoin.show.screen import Screen  # noqa: PLC0415

    screen = Screen(
        as_json=options["as_json"], quiet=options["quiet"], verbose=options["verbose"], color=options["color"]
    )
    for name in click.get_current_context().meta.get(opt.REPEATED, ()):
        screen.talk(f"{name} is named more than once; it counts once")
    return screen
