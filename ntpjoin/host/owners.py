"""Owners of files: numbers and names."""

from __future__ import annotations

import grp
import pwd
from functools import lru_cache


def name(uid: int, gid: int) -> str:
    """'user:group', by number where the number has no name."""
    try:
        user = _user(uid)
    except KeyError:
        user = str(uid)
    try:
        group = _group(gid)
    except KeyError:
        group = str(gid)
    return f"{user}:{group}"


# Only who is there is remembered: a package may bring a user while we run.


@lru_cache
def _user(uid: int) -> str:
    return pwd.getpwuid(uid).pw_name


@lru_cache
def _group(gid: int) -> str:
    return grp.getgrgid(gid).gr_name


def ids(owner: str) -> tuple[int, int]:
    """The numbers of 'user:group'. Raises KeyError for a name that is nobody's."""
    user, _, group = owner.partition(":")
    uid = int(user) if user.isdigit() else pwd.getpwnam(user).pw_uid
    gid = int(group) if group.isdigit() else grp.getgrnam(group).gr_gid
    return uid, gid
