"""The kinds of change. Each is a frozen dataclass of plain fields that knows its undo; the journal knows it by its `kind`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ntpjoin.errors import JournalProblem
from ntpjoin.provision.changes.base import Change, Site
from ntpjoin.provision.changes.copies import CopyFile, RemoveFile
from ntpjoin.provision.changes.daemon import RestartDaemon, RunDaemon
from ntpjoin.provision.changes.files import WriteConfig, WriteFile
from ntpjoin.provision.changes.firewall import AllowPort
from ntpjoin.provision.changes.notrack import KeepUntracked
from ntpjoin.provision.changes.packages import InstallPackages
from ntpjoin.provision.changes.settings import Assign
from ntpjoin.provision.changes.sites import ServeSite
from ntpjoin.provision.changes.timers import HaveMetrics, SetTimer, WriteUnit
from ntpjoin.provision.changes.units import SetUnit

__all__ = [
    "AllowPort",
    "Assign",
    "Change",
    "CopyFile",
    "HaveMetrics",
    "InstallPackages",
    "KeepUntracked",
    "RemoveFile",
    "RestartDaemon",
    "RunDaemon",
    "ServeSite",
    "SetTimer",
    "SetUnit",
    "Site",
    "WriteConfig",
    "WriteFile",
    "WriteUnit",
    "from_journal",
]

_KINDS: dict[str, type[Change]] = {
    kind.kind: kind
    for kind in (
        *(InstallPackages, WriteFile, WriteConfig, Assign, SetUnit, RunDaemon, RestartDaemon, AllowPort),
        *(CopyFile, WriteUnit, SetTimer, RemoveFile, HaveMetrics, ServeSite, KeepUntracked),
    )
}


def from_journal(kind: str, fields: Mapping[str, Any]) -> Change:
    """The change that a journal entry tells of."""
    if kind not in _KINDS:
        raise JournalProblem(f"the journal tells of a change of the unknown kind {kind!r}", "use the newer ntpjoin")
    try:
        return _KINDS[kind].from_fields(fields)
    except (KeyError, TypeError) as error:
        text = f"the journal tells of a change of the kind {kind!r} that this ntpjoin does not understand: {error}"
        raise JournalProblem(text, "use the ntpjoin that wrote it") from error
