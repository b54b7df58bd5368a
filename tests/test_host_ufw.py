"""What `ufw status verbose` says, read as the kernel would meet its rules."""

from __future__ import annotations

import ipaddress
import shlex
from pathlib import Path
from typing import Optional

import pytest

from ntpjoin.errors import CommandFailed, StepFailed
from ntpjoin.host import ufw
from ntpjoin.host.machine import FileState, Host
from ntpjoin.host.netfilter.rules import Packet
from ntpjoin.host.netfilter.verdict import Verdict, judge
from ntpjoin.model import Family
from tests.conftest import Programs

#: ufw 0.36.2, a real one.
REAL = """\
Status: active
Logging: on (low)
Default: deny (incoming), allow (outgoing), disabled (routed)
New profiles: skip

To                         Action      From
--                         ------      ----
22/tcp (OpenSSH)           ALLOW IN    Anywhere                  \x20
6000:6007/udp              ALLOW IN    Anywhere                  \x20
80,443/tcp (Nginx Full)    ALLOW IN    Anywhere                  \x20
Anywhere                   DENY IN     198.51.100.0/24            # a nuisance
22/tcp (OpenSSH (v6))      ALLOW IN    Anywhere (v6)             \x20
6000:6007/udp (v6)         ALLOW IN    Anywhere (v6)             \x20
80,443/tcp (Nginx Full (v6)) ALLOW IN    Anywhere (v6)             \x20

123/udp                    ALLOW OUT   Anywhere                  \x20
123/udp (v6)               ALLOW OUT   Anywhere (v6)             \x20

123/udp                    ALLOW FWD   Anywhere                  \x20
"""


def row(to: str, action: str, source: str = "Anywhere", attribute: str = "", comment: str = "") -> str:
    """One line, as ufw's backend_iptables.get_status writes it."""
    return f"{to:<26} {action:<12}{source:<26}{attribute}{f' # {comment}' if comment else ''}"


def status(*rows: str, default: str = "deny") -> ufw.Status:
    head = REAL.split("\n22/tcp", maxsplit=1)[0].replace("Default: deny", f"Default: {default}")
    return ufw.parse("\n".join([head, *rows, ""]))


OWN: dict[Family, str] = {"IPv4": "192.0.2.1", "IPv6": "2001:db8::1"}


def followed(found: ufw.Status, family: Family) -> Verdict:
    """What becomes of a query to this host, 192.0.2.1 and 2001:db8::1 on eth0."""
    return judge(ufw.as_rules(found), Packet(family, "eth0", int(ipaddress.ip_address(OWN[family]))))


def test_a_real_status_is_read() -> None:
    found = ufw.parse(REAL)
    assert found.active
    assert found.default == "deny"
    assert [(rule.to, rule.action, rule.source, rule.family) for rule in found.rules] == [
        ("22/tcp", "ALLOW", "Anywhere", "IPv4"),
        ("6000:6007/udp", "ALLOW", "Anywhere", "IPv4"),
        ("80,443/tcp", "ALLOW", "Anywhere", "IPv4"),
        ("Anywhere", "DENY", "198.51.100.0/24", "IPv4"),
        ("22/tcp", "ALLOW", "Anywhere", "IPv6"),
        ("6000:6007/udp", "ALLOW", "Anywhere", "IPv6"),
        ("80,443/tcp", "ALLOW", "Anywhere", "IPv6"),
    ]
    assert followed(found, "IPv4").why == "its default, deny (incoming)"


def test_an_inactive_one_is_read() -> None:
    found = ufw.parse("Status: inactive\n")
    assert not found.active
    assert found.rules == ()


OPEN4, OPEN6 = row("123/udp", "ALLOW IN"), row("123/udp (v6)", "ALLOW IN", "Anywhere (v6)")


@pytest.mark.parametrize(
    ("rows", "four", "six"),
    [
        ([], False, False),
        ([OPEN4], True, False),
        ([OPEN6], False, True),
        ([OPEN4, OPEN6], True, True),
        ([row("123", "ALLOW IN"), row("123 (v6)", "ALLOW IN", "Anywhere (v6)")], True, True),
        ([row("123/tcp", "ALLOW IN")], False, False),
        ([row("1234/udp", "ALLOW IN")], False, False),
        ([row("123/udp", "DENY IN"), OPEN4], False, False),
        ([row("123/udp", "REJECT IN"), OPEN4], False, False),
        ([OPEN4, row("123/udp", "DENY IN")], True, False),
        ([row("123/tcp", "DENY IN"), OPEN4], True, False),
        ([row("123/udp", "LIMIT IN")], True, False),
        ([row("123/udp", "ALLOW OUT")], False, False),
        ([row("123/udp", "DENY OUT"), OPEN4], True, False),
        ([row("123/udp", "DENY FWD"), OPEN4], True, False),
        ([row("100:200/udp", "ALLOW IN")], True, False),
        ([row("100:200/udp (v6)", "ALLOW IN", "Anywhere (v6)")], False, True),
        ([row("100:200/tcp", "ALLOW IN")], False, False),
        ([row("200:300/udp", "ALLOW IN")], False, False),
        ([row("80,123/udp", "ALLOW IN")], True, False),
        ([row("80,100:200,300/udp", "DENY IN"), OPEN4], False, False),
        ([row("Anywhere", "ALLOW IN"), row("Anywhere (v6)", "DENY IN", "Anywhere (v6)"), OPEN6], True, False),
        ([row("Anywhere/udp", "ALLOW IN", "Anywhere/udp")], True, False),
        ([row("Anywhere/tcp", "ALLOW IN", "Anywhere/tcp")], False, False),
        ([row("Anywhere/udp (v6)", "DENY IN", "Anywhere/udp (v6)"), OPEN6], False, False),
        # Application profiles stand behind the port.
        ([row("123/udp (NTP)", "ALLOW IN"), row("123/udp (NTP (v6))", "ALLOW IN", "Anywhere (v6)")], True, True),
        ([row("123/udp (NTP)", "DENY IN"), OPEN4], False, False),
        ([row("22/tcp (OpenSSH)", "ALLOW IN")], False, False),
        # Longer than its column: one blank follows.
        ([row("80,100:200,300,400/udp (Time and more (v6))", "DENY IN", "Anywhere (v6)"), OPEN6], False, False),
        # What is logged stands behind the source.
        ([row("123/udp", "DENY IN", attribute=" (log)"), OPEN4], False, False),
        ([row("123/udp (v6)", "DENY IN", "Anywhere (v6)", " (log-all)", "why"), OPEN6], False, False),
        ([row("123/udp", "ALLOW IN", comment="deny # in")], True, False),
        # Rules for one source say nothing of the others.
        ([row("123/udp", "DENY IN", "198.51.100.0/24"), OPEN4], True, False),
        ([row("123/udp", "ALLOW IN", "198.51.100.0/24")], False, False),
        ([row("123/udp", "ALLOW IN", "2001:db8::/32")], False, False),
        ([row("123/udp", "DENY IN", "128.0.0.0/1"), OPEN4], None, False),
        # Nor do rules for one port of the client, which may be 123 or a high one.
        ([row("123/udp", "ALLOW IN", "123/udp")], None, False),
        ([row("123/udp", "ALLOW IN", "1:65535/udp")], True, False),
        # The public interface and addresses are known.
        ([row("Anywhere on tun0", "ALLOW IN")], False, False),
        ([row("Anywhere on tun0", "DENY IN"), OPEN4], True, False),
        ([row("123/udp on eth0", "ALLOW IN")], True, False),
        ([row("123/udp (v6) on eth0", "DENY IN", "Anywhere (v6)"), OPEN6], False, False),
        ([row("123/udp on eth+", "ALLOW IN")], True, False),
        ([row("192.0.2.1 123/udp", "ALLOW IN")], True, False),
        ([row("192.0.2.1 123/udp on eth0", "DENY IN"), OPEN4], False, False),
        ([row("192.0.2.2 123/udp", "DENY IN"), OPEN4], True, False),
        ([row("192.0.2.0/24", "ALLOW IN")], True, False),
        ([row("192.0.2.0/24/tcp", "ALLOW IN", "Anywhere/tcp")], False, False),
        ([row("2001:db8::1 123/udp", "ALLOW IN", "Anywhere (v6)")], False, True),
        ([row("2001:db8::2 123/udp", "ALLOW IN", "Anywhere (v6)")], False, False),
        ([row("what/udp", "ALLOW IN")], None, False),
    ],
)
def test_the_first_rule_that_fits_decides(rows: list[str], four: Optional[bool], six: Optional[bool]) -> None:
    found = status(*rows)
    assert len(found.rules) == sum(" IN " in one for one in rows)
    assert (followed(found, "IPv4").passes, followed(found, "IPv6").passes) == (four, six)


@pytest.mark.parametrize(
    ("default", "admitted"), [("allow", True), ("deny", False), ("reject", False), ("whatever", None)]
)
@pytest.mark.parametrize("family", ["IPv4", "IPv6"])
def test_without_a_rule_the_default_decides(default: str, admitted: Optional[bool], family: Family) -> None:
    assert followed(status(default=default), family).passes is admitted


def test_a_limit_is_told_with_its_rule() -> None:
    found = followed(status(row("123/udp", "LIMIT IN")), "IPv4")
    assert (found.passes, found.limit) == (True, "its rule `123/udp LIMIT IN Anywhere`")
    assert followed(status(OPEN4, row("123/udp", "LIMIT IN")), "IPv4").free


def test_ufw_puts_a_rule_into_the_place_of_one_for_the_same() -> None:
    denied = status(row("123/udp", "DENY IN"), row("22/tcp", "ALLOW IN"))
    assert ufw.would_replace(denied, 123)
    assert [str(rule) for rule in ufw.after_allow(denied, 123).rules] == [
        "123/udp ALLOW IN Anywhere",
        "22/tcp ALLOW IN Anywhere",
        "123/udp (v6) ALLOW IN Anywhere",
    ]
    assert not ufw.would_replace(status(row("123", "DENY IN"), OPEN4), 123)
    assert not ufw.would_replace(status(row("123/udp (NTP)", "DENY IN"), OPEN4), 123)


def test_what_comes_first_is_inserted_once() -> None:
    assert ufw.first_commands(status(row("123", "DENY IN")), 123) == ("ufw insert 1 allow 123/udp",)
    assert ufw.first_commands(status(row("123/udp (NTP)", "LIMIT IN")), 123) == ("ufw insert 1 allow 123/udp",)
    assert ufw.first_commands(status(OPEN4, row("123/udp (v6)", "LIMIT IN", "Anywhere (v6)")), 123) == (
        "ufw delete allow 123/udp",
        "ufw delete limit 123/udp",
        "ufw insert 1 allow 123/udp",
    )


@pytest.mark.parametrize(
    ("rows", "ours"),
    [
        ([OPEN4], ["IPv4"]),
        ([OPEN4, OPEN6], ["IPv4", "IPv6"]),
        ([row("123/udp", "DENY IN")], []),
        ([row("123", "ALLOW IN")], []),
        ([row("123/udp", "ALLOW IN", "198.51.100.0/24")], []),
        ([row("100:200/udp", "ALLOW IN")], []),
        ([row("123/udp", "LIMIT IN")], []),
        ([row("123/udp on eth0", "ALLOW IN")], []),
    ],
)
def test_the_very_rule_that_we_add_is_known(rows: list[str], ours: list[str]) -> None:
    found = status(*rows)
    families: list[Family] = ["IPv4", "IPv6"]
    assert [family for family in families if ufw.has_rule(found, 123, family)] == ours


@pytest.mark.parametrize(
    ("text", "filters"),
    [("IPV6=yes\n", True), ("IPV6=no\n", False), ("# IPV6=no\n", True), ("IPV6=NO\n", False), ("", True)],
)
def test_whether_ipv6_is_filtered_stands_in_its_defaults(tmp_path: Path, text: str, filters: bool) -> None:
    host = Host(root=tmp_path)
    host.make_folder("/etc/default")
    host.write("/etc/default/ufw", FileState(text.encode(), 0o644, ""))
    assert ufw.filters_ipv6(host) is filters


def test_ufw_is_asked_and_told(programs: Programs) -> None:
    programs.says("ufw", REAL)
    host = Host()
    found = ufw.status(host)
    assert found
    assert found.active
    ufw.allow(host, 123)
    ufw.delete(host, 123, ["IPv4", "IPv6"])
    ufw.delete(host, 123, ["IPv6"])
    assert programs.calls() == [
        "ufw status verbose",
        "ufw allow 123/udp",
        "ufw delete allow 123/udp",
        "ufw delete allow proto udp to ::/0 port 123",
    ]


@pytest.mark.parametrize(
    ("added", "ours"),
    [
        ("ufw allow 22/tcp\nufw allow 123/udp\n", ["IPv4", "IPv6"]),
        ("ufw allow 123/udp comment 'time'\n", ["IPv4", "IPv6"]),
        ("ufw allow 1123/udp\nufw deny 123/udp\nufw allow 123/udp1\n", []),
        ("", []),
    ],
)
def test_a_ufw_that_is_switched_off_keeps_its_rules(programs: Programs, added: str, ours: list[str]) -> None:
    programs.add("ufw", f'case "$1" in show) printf "%s" {shlex.quote(added)};; *) echo "Status: inactive";; esac')
    assert ufw.families_with_rule(Host(), 123) == ours


def test_a_ufw_that_went_took_its_rules_with_it(programs: Programs) -> None:
    assert ufw.families_with_rule(Host(), 123) == []
    programs.says("ufw", code=1)
    with pytest.raises(StepFailed, match="does not tell"):
        ufw.families_with_rule(Host(), 123)


def test_a_ufw_that_refuses_is_unknown_or_a_failure(programs: Programs) -> None:
    programs.says("ufw", err="ERROR: You need to be root to run this script\n", code=1)
    assert ufw.status(Host()) is None
    with pytest.raises(CommandFailed, match="You need to be root"):
        ufw.allow(Host(), 123)
