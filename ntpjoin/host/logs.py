"""What the kernel and its auditor have logged."""

from __future__ import annotations

import os
from typing import Optional

from ntpjoin.host.machine import Host

AUDIT_LOG = "/var/log/audit/audit.log"

#: A record of the kernel's buffer is no longer than this (kernel/printk/printk.c, PRINTK_MESSAGE_MAX); and a bound for a buffer that
#: grows while it is read.
_LONGEST = 8192
_MOST_RECORDS = 100_000


def kernel_log(host: Host, about: bytes) -> Optional[str]:
    """The records of the kernel's buffer that have these bytes in them, oldest first; None where the buffer may not be read.

    Each read gives one record, and the last says that there is none yet (Documentation/ABI/testing/dev-kmsg).
    """
    try:
        handle = os.open(host.path("/dev/kmsg"), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    found = []
    try:
        for _ in range(_MOST_RECORDS):
            try:
                record = os.read(handle, _LONGEST)
            except BrokenPipeError:  # overwritten while we read; the next one is there
                continue
            if not record:
                break
            if about in record:
                found.append(record)
    except OSError:  # that was the last one
        pass
    finally:
        os.close(handle)
    return b"".join(found).decode(errors="replace")


def audit_log(host: Host, most: int) -> Optional[str]:
    """The last `most` bytes of the log that auditd(8) writes, '' where there is none; None where it may not be read."""
    try:
        with host.path(AUDIT_LOG).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - most))
            return file.read(most).decode(errors="replace")
    except FileNotFoundError:
        return ""
    except OSError:
        return None
