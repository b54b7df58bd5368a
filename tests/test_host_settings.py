"""A line of a shell's file counts as the shell reads it."""

from __future__ import annotations

from ntpjoin.host import settings


def test_a_line_that_ends_as_on_windows_says_something_else_to_the_shell() -> None:
    former = b'NTPD_OPTS="-g"\r\nIGNORE_DHCP="yes"\r\n'
    assert settings.value(former, "IGNORE_DHCP") is None
    ours = settings.assign(former, "IGNORE_DHCP", "yes")
    assert settings.value(ours, "IGNORE_DHCP") == "yes"
    assert settings.restore(ours, former, "IGNORE_DHCP", "yes") == former
