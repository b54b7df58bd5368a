"""Owners of files: numbers and names."""

from __future__ import annotations

import grp
import pwd


def name(uid: int, gid: int) -> str:
    """'user:group', by number where the number has no name."""
    try:
        user = pwd.getpwuid(uid).pw_name
    except KeyError:
        user = str(uid)
    try:
        group = grp.getgrgid(gid).gr_name
    except KeyError:
        group = str(gid)
    return f"{user}:{group}"


def ids(owner: str) -> tuple[int, int]:
    """The numbers of 'user:group'. Raises KeyError for a name that is nobody's."""
    user, _, group = owner.partition(":")
    uid = int(user) if user.isdigit() else pwd.getpwnam(user).pw_uid
    gid = int(group) if group.isdigit() else grp.getgrnam(group).gr_gid
    return uid, gid
