"""Other programs that set the clock, as several families know them."""

from __future__ import annotations

from ntpjoin.systems import Rival

TIMESYNCD = Rival("systemd-timesyncd", "systemd-timesyncd.service")
#: Where it is part of systemd itself, and no package could remove it.
BUILT_IN_TIMESYNCD = Rival("", "systemd-timesyncd.service")
OPENNTPD = Rival("openntpd", "openntpd.service")
CHRONY = Rival("chrony", "chronyd.service")

#: chrony is what RPM systems set the clock with; no package of theirs removes another one.
RPM_RIVALS = (CHRONY, OPENNTPD, BUILT_IN_TIMESYNCD)
