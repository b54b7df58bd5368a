"""How a command answers: on which streams, in which form, into which file what goes wrong is told, too, and how the streams end."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any, Callable, NoReturn, Optional

import click

from ntpjoin.cli import options as opt
from ntpjoin.errors import Interrupted, NtpjoinError, UsageProblem


def screen(options: Mapping[str, Any]) -> Any:
    """The two streams, as the options of every command want them."""
    from ntpjoin.show.screen import Screen  # noqa: PLC0415

    context = click.get_current_context()
    found = Screen(
        as_json=options["as_json"],
        quiet=options["quiet"],
        verbose=options["verbose"],
        color=options["color"],
        acts=_acts(context.params),
    )
    for name in context.meta.get(opt.REPEATED, ()):
        found.talk(f"{name} is named more than once; it counts once")
    return found


def _acts(given: Mapping[str, Any]) -> bool:
    """Whether the command, typed so, changes something: then it asks, or is told that it need not."""
    return "yes" in given and given.get("applies", True) and not given.get("dry_run", False)


def with_help(context: click.Context) -> None:
    """Releases of click differ in what a group does by itself where no command follows."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def form(named: Optional[str], options: Mapping[str, Any]) -> Any:
    """The form of the answer, which may be asked for in two ways."""
    if options["as_json"] and named not in (None, "json"):
        raise UsageProblem(f"--json and --format {named} contradict each other", "leave one of them out")
    return "json" if options["as_json"] else named or "text"


def in_file(output: str, name: str, command: Callable[[], int]) -> int:
    """The exit code of the command of this name; what goes wrong with it is told in the file `output`, where there is one."""
    try:
        return command()
    except Interrupted:
        raise
    except NtpjoinError as error:
        from ntpjoin.show.ending import told  # noqa: PLC0415

        return told(error, name, output)
    except Exception:  # noqa: BLE001 - it is raised again, or told
        from ntpjoin.show.ending import crashed  # noqa: PLC0415

        return crashed(name, output)


def leave(code: int) -> NoReturn:
    """End the program with this exit code."""
    for name in ("stdout", "stderr"):
        _take_leave_of(name)
    if _abandoned():
        os._exit(code)
    sys.exit(code)


def _abandoned() -> bool:
    """Whether threads are at work that nobody waits for any more: an interpreter that ends under them may crash."""
    threads = sys.modules.get("threading")
    return threads is not None and any(one.name.startswith("ntpjoin-") for one in threads.enumerate())


def _take_leave_of(stream: str) -> None:
    """Python would flush once more what this one does not take, complain, and leave with a code of its own."""
    try:
        getattr(sys, stream).flush()
    except OSError:
        setattr(sys, stream, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
