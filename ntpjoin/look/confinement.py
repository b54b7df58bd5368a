"""What AppArmor or SELinux holds the daemon to, and what they have denied to this very process."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Optional

from ntpjoin.host.logs import audit_log, kernel_log
from ntpjoin.host.machine import Host
from ntpjoin.host.reading import head
from ntpjoin.surroundings import Confinement, Denial

#: auditd begins a new file at 8 MB (auditd.conf(5), max_log_file); the denials of a daemon's start stand near each other.
_MOST_AUDITED = 1 << 20

_FIELD = re.compile(r'([A-Za-z_]+)=(?:"([^"]*)"|([^\s"]+))')
_AVC = re.compile(r"avc:\s+denied\s+\{([^}]*)\}\s+for\s+(.*)")
_SERIAL = re.compile(r"audit\([0-9.]+:([0-9]{1,18})\)")
#: Records of several processors come out of order by so many at most.
_DISORDER = 100


def look_confinement(host: Host, pid: int) -> Optional[Confinement]:
    """What holds this process, None where nothing does, or only watches (proc(5), attr/current)."""
    told = head(host, f"/proc/{pid}/attr/current").rstrip("\0\n ")
    profile, _, mode = told.rpartition(" ")
    if mode == "(enforce)" and profile:
        return Confinement("AppArmor", profile, _profile_file(host, profile), look_denials(host, pid))
    enforced = head(host, "/sys/fs/selinux/enforce").strip() == "1"
    if enforced and told.count(":") >= 2 and not told.split(":")[2].startswith("unconfined"):
        return Confinement("SELinux", told, "", look_denials(host, pid))
    return None


def _profile_file(host: Host, profile: str) -> str:
    """Where the profile is defined, as Debian and SUSE name such files: by the program's path."""
    names = (profile.lstrip("/").replace("/", "."), "usr.sbin.ntpd", "usr.bin.ntpd")
    return next((f"/etc/apparmor.d/{name}" for name in names if host.exists(f"/etc/apparmor.d/{name}")), "")


def look_denials(host: Host, pid: int) -> Optional[tuple[Denial, ...]]:
    """The denials of this process, each once: from the kernel's own log, and from auditd's, which gets them where it runs."""
    logged = kernel_log(host, b" pid=%d " % pid)
    audited = audit_log(host, _MOST_AUDITED)
    if logged is None or audited is None:
        return None
    return tuple(dict.fromkeys([*denials(logged, pid), *denials(since_boot(audited), pid)]))


def since_boot(text: str) -> str:
    """What of an audit log was written since the host started: the numbers of its records begin anew at each start."""
    begins, last = 0, -1
    for found in _SERIAL.finditer(text):
        number = int(found[1])
        if number < last - _DISORDER:
            begins = text.rfind("\n", 0, found.start()) + 1
        last = number
    return text[begins:]


def denials(text: str, pid: int) -> Iterator[Denial]:
    """What these records say was denied to this process; what was let through all the same does not count."""
    for line in text.splitlines():
        avc = _AVC.search(line)
        if avc is None and 'apparmor="DENIED"' not in line:
            continue
        fields = {
            name: quoted or _unhexed(name, bare) for name, quoted, bare in _FIELD.findall(avc[2] if avc else line)
        }
        if fields.get("pid") != str(pid) or fields.get("permissive") == "1":
            continue
        yield _by_selinux(avc[1], fields) if avc else _by_apparmor(fields)


def _by_apparmor(fields: dict[str, str]) -> Denial:
    return Denial(
        what=fields.get("operation", ""),
        name=fields.get("capname") or fields.get("name", ""),
        mask=fields.get("denied_mask", ""),
        family=fields.get("family", ""),
        sock=fields.get("sock_type", ""),
    )


def _by_selinux(permissions: str, fields: dict[str, str]) -> Denial:
    name = fields.get("path") or fields.get("name", "")
    return Denial(" ".join([*permissions.split(), fields.get("tclass", "")]).strip(), name)


def _unhexed(field: str, word: str) -> str:
    """Names with blanks or quotes in them are written in hexadecimal digits, and without quotes (linux/audit.h)."""
    if field in ("name", "path") and re.fullmatch("(?:[0-9A-F]{2})+", word):
        return bytes.fromhex(word).decode(errors="replace")
    return word
