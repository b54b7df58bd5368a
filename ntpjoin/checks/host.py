"""Does this host let the daemon do its work: write its drift file, and all else that it tries? Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Optional

from ntpjoin.checks.advice import OwnFile
from ntpjoin.checks.lines import lines, place
from ntpjoin.facts import Facts
from ntpjoin.model import Check, CheckState
from ntpjoin.surroundings import ENTER, WRITE, Confinement, Denial
from ntpjoin.systems import Row, to_type

OK, WARN, UNKNOWN = CheckState.OK, CheckState.WARN, CheckState.UNKNOWN


def drift(facts: Facts, row: Row) -> Iterator[Check]:
    """Whether the daemon's user may write into the drift file's folder: it writes another file there and renames it.

    Told where the unit's daemon runs and keeps one; that of a container is none of ours.
    """
    around = facts.surroundings
    identity, folder, path = around.identity, around.drift_folder, around.drift
    if identity is None or not path or not facts.unit(row.unit).running or (folder is None and not facts.system.root):
        return
    if folder and identity.may(folder, WRITE | ENTER):
        yield Check("service.drift", OK, f"ntpd keeps this clock's drift in {path}")
        return
    where = path.rpartition("/")[0] or "/"
    user, _, group = identity.owner.partition(":")
    if folder is None:
        text = f"there is no folder {where}, where ntpd would keep this clock's drift ({path})"
        remedy = f"install -d -o {user} -g {group} {where}"
    else:
        text = f"ntpd, as {user}, may not write into {where} ({folder.owner}, {folder.mode:04o}), where its drift file lies ({path})"
        if folder.uid == identity.uid:
            remedy = f"chmod u+rwx {where}"
        elif where == row.drift.rpartition("/")[0]:
            remedy = f"chown {identity.owner} {where}; chmod u+rwx {where}"
        else:  # it may be anybody's, as /etc is
            remedy = _elsewhere(facts, row)
    yield Check("service.drift", WARN, f"{text}: after each restart it has to learn it anew", remedy)


def _elsewhere(facts: Facts, row: Row) -> str:
    """How the drift file comes into the folder that is there for it."""
    named = [line for line in lines(facts, row) if line.words[0] == "driftfile"]
    what = f"write `driftfile {row.drift}`"
    return OwnFile(facts, row).edited(f"{what} in place of", named[-1]) if named else f"{what} into {place(facts, row)}"


def denied(facts: Facts, row: Row) -> Iterator[Check]:
    """What AppArmor or SELinux did not let this very process do. Told where one of them holds the daemon."""
    held = facts.surroundings.confinement
    if held is None:
        return
    if held.denials is None:
        root = facts.system.root
        text = f"what {held.by} has denied ntpd {'is in no log here' if root else 'can only be seen by root'}"
        remedy = "on the host of this container: dmesg | grep DENIED" if root else "sudo ntpjoin verify"
        yield Check("service.denied", UNKNOWN, text, remedy)
    elif not held.denials:
        yield Check("service.denied", OK, f"{held.by} has denied ntpd nothing since it was started")
    else:
        several = f", and {len(held.denials) - _MOST_NAMED} more" if len(held.denials) > _MOST_NAMED else ""
        told = "; ".join(map(_told, held.denials[:_MOST_NAMED]))
        text = f"{held.by} ({held.profile}) has denied ntpd: {told}{several}"
        remedy = _allow(held) if held.by == "AppArmor" else _relabel(row)
        yield Check("service.denied", WARN, text, f"{remedy}; {to_type('restart', row.unit)}")


#: More than this do not fit into a message.
_MOST_NAMED = 3


def _told(denial: Denial) -> str:
    """The operation, and on what, as far as it can be shown."""
    what = " ".join(filter(None, (denial.what, denial.family, denial.sock)))
    mask = f" ({denial.mask})" if denial.mask and not denial.family else ""
    return f"{what} {denial.name if denial.name.isprintable() else ascii(denial.name)}".strip()[:120] + mask


def _allow(held: Confinement) -> str:
    """The lines that let it, where all that was denied can be let by a line, into the file that the profile has for that."""
    rules = [_rule(denial) for denial in held.denials or ()]
    if not held.file or None in rules:
        return "let it in the profile: aa-logprof"
    local = f"/etc/apparmor.d/local/{held.file.rpartition('/')[2]}"
    words = " ".join(shlex.quote(rule) for rule in dict.fromkeys(rules) if rule)
    return f"if ntpd is to have it: printf '%s\\n' {words} >>{local}; apparmor_parser -r {held.file}"


#: AppArmor's letters for what was denied, and those of a rule (apparmor.d(5)): to create, to delete and to append is to write.
_LETTERS = {"r": "r", "w": "w", "a": "w", "c": "w", "d": "w", "k": "k", "l": "l", "m": "m", "x": "ix"}


#: Statistics have a new name each day, and another that is linked to it: profiles let them all (Debian's: `loopstats* rwl`).
_STATISTICS = re.compile(r"(/[A-Za-z0-9_./-]*/[a-z]+stats)(\.[0-9]+[a-z]?)?")


def _rule(denial: Denial) -> Optional[str]:
    """A line of a profile that lets it; None where only a person can tell."""
    if denial.what == "capable":
        return f"capability {denial.name}," if re.fullmatch("[a-z_]+", denial.name) else None
    if denial.family:
        kind = f"{denial.family} {denial.sock}".strip()
        return f"network {kind}," if re.fullmatch("[a-z0-9_ ]+", kind) else None
    # Letters of a pattern, and what a shell or a terminal would take for something else, are left to a person.
    if not re.fullmatch(r"/[A-Za-z0-9_./:+@-]*", denial.name) or not denial.mask or set(denial.mask) - set(_LETTERS):
        return None
    statistics = _STATISTICS.fullmatch(denial.name)
    if statistics:
        return f"{statistics[1]}* rwl,"
    letters = "".join(dict.fromkeys(_LETTERS[letter] for letter in denial.mask))
    return f"{denial.name} {letters},"


def _relabel(row: Row) -> str:
    """Most often a file carries the label of the place that it was moved from."""
    places = [row.config, row.snippets or row.include, row.drift.rpartition("/")[0]]
    rest = "if it is denied again: ausearch -m AVC -c ntpd --raw | audit2allow -M ntpd-local; semodule -i ntpd-local.pp"
    return f"restorecon -RFv {' '.join(places)} ({rest})"
