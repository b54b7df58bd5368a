"""`ntpjoin web-redirect` as it is typed: the virtual host on stdout, its plan, its exit codes, one JSON object."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ntpjoin.errors import StepFailed
from ntpjoin.facts import JournalFacts, RunFact
from ntpjoin.host.machine import Host
from ntpjoin.host.webservers import APACHE_DEBIAN, NGINX_DEBIAN
from ntpjoin.provision.changes import SetUnit
from ntpjoin.provision.prepare import Prepared
from ntpjoin.provision.web import decide_redirect
from ntpjoin.show import text
from ntpjoin.web import Listen, WebFacts
from ntpjoin.web import Site as WebSite
from tests.sample import OWN4, PINS, WISH, fresh
from tests.typed import ENVELOPE, PLANNED, Typed, asked
from tests.webs import ALPHA, GOLDEN, change_of, done, plan, web

NONE = WebFacts(problem="this host has no web server", remedy="ntpjoin installs none")
REDIRECT = (GOLDEN / "nginx-redirect.conf").read_text()


def of(typed: Typed, found: WebFacts, **parts: Any) -> None:
    """This is what looking finds."""
    facts = fresh(web=found, **parts)
    typed.host(facts)

    def prepare_redirect(_host: Host, _tell: Any, *, applies: bool, take_default: bool) -> Prepared:
        return Prepared(facts, decide_redirect(facts, found, applies=applies, take_default=take_default))

    typed.command("prepare_redirect", prepare_redirect)


def test_the_virtual_host_alone_goes_to_stdout(typed: Typed) -> None:
    of(typed, web())
    assert typed("web-redirect") == 0
    assert typed.out == REDIRECT
    assert "  ntpjoin web-redirect >/etc/nginx/sites-available/ntpjoin\n" in typed.err
    assert "  rm /etc/nginx/sites-enabled/default\n  nginx -t\n  systemctl reload nginx.service\n" in typed.err
    code, page = typed.json("web-redirect")
    assert (code, set(page), page["content"]) == (0, ENVELOPE | PLANNED | {"content"}, REDIRECT)
    assert [(one["kind"], one["state"]) for one in page["changes"]] == [("site", "pending")]
    assert "+    return 301 https" in page["changes"][0]["diff"].replace("        ", "    ")


def test_what_could_not_be_installed_is_printed_all_the_same_and_that_is_said(typed: Typed) -> None:
    of(typed, web(NGINX_DEBIAN, ALPHA), system__root=False)
    assert typed("web-redirect") == 0
    assert typed.out == REDIRECT
    assert "It cannot be installed as it is:" in typed.err
    assert "root" not in typed.err
    code, page = typed.json("web-redirect")
    assert (code, [one["code"] for one in page["blockers"]], page["changed"]) == (0, ["default-site"], False)


def test_without_a_web_server_it_is_3_and_none_is_installed(typed: Typed) -> None:
    of(typed, NONE)
    for line in ("web-redirect", "web-redirect --apply --yes", "web-redirect --apply --dry-run"):
        assert typed(line) == 3
        assert "this host has no web server" in typed.out + typed.err
        code, page = typed.json(line)
        assert (code, [one["code"] for one in page["blockers"]], page["changes"]) == (3, ["web-server"], [])
    assert typed("web-redirect") == 3
    assert typed.out == ""
    assert typed.err.startswith("There is no virtual host to print:\n")


def test_what_is_installed_already_is_not_told_by_hand(typed: Typed) -> None:
    facts = done(change_of(plan(web())))
    assert facts.web is not None
    of(typed, facts.web, files=facts.files)
    assert typed("web-redirect") == 0
    assert (typed.out, typed.err) == (REDIRECT, "")
    assert typed("web-redirect --apply --yes") == 0
    assert typed.out.rstrip().endswith("Nothing to do: all of it is so already.")


def test_it_is_a_plan_like_any_other(typed: Typed) -> None:
    of(typed, web())
    code, page = typed.json("web-redirect --apply --dry-run")
    assert (code, set(page), page["changed"]) == (0, ENVELOPE | PLANNED, True)
    assert typed("web-redirect --apply --dry-run") == 0
    assert "  1 web        write /etc/nginx/sites-available/ntpjoin (15 lines), enable it in place of" in typed.out
    assert "`ntpjoin undo --last` takes all of this back." in typed.out
    assert "time now" not in typed.out
    assert "+++ /etc/nginx/sites-available/ntpjoin" in typed.out


def test_it_asks_before_it_is_done(typed: Typed) -> None:
    of(typed, web())
    asked(typed, "n\n")
    assert typed("web-redirect --apply") == 130


def test_done_and_failed(typed: Typed) -> None:
    of(typed, web())
    typed.applied()
    code, page = typed.json("web-redirect --apply --yes")
    assert (code, set(page), page["changed"]) == (0, ENVELOPE | PLANNED, True)
    assert typed("web-redirect --apply --yes") == 0
    assert "  next   on another machine: curl -gI http://203.0.113.7/\n  undo   ntpjoin undo --last" in typed.out
    typed.applied(StepFailed("nginx does not accept it"), "restored")
    code, page = typed.json("web-redirect --apply --yes")
    assert (code, set(page)) == (1, ENVELOPE | PLANNED | {"taken_back"})


def test_the_next_step_names_an_address_at_which_others_are_sent_on(typed: Typed) -> None:
    stock = WebSite((), APACHE_DEBIAN.default, (Listen(),), named=False)
    mute = tuple(replace(one, status=0, problem="x") if one.address == OWN4 else one for one in web().visits)
    of(typed, web(APACHE_DEBIAN, stock, visits=mute))
    typed.applied()
    assert typed("web-redirect --apply --yes") == 0
    assert "curl -gI http://[2001:db8:113::7]/\n" in typed.out, "nobody listens at the other one"
    run = RunFact(1, "done", replace(WISH, public_addresses=("5.0.1.2",)), PINS)
    of(typed, web(addresses=("10.0.0.7",)), journal=JournalFacts((run,)))
    assert typed("web-redirect --apply --yes") == 0
    assert "curl -gI http://5.0.1.2/\n" in typed.out, "NAT leads from there"


@pytest.mark.parametrize(("take", "code"), [("", 3), (" --take-default", 0)])
def test_a_site_that_comes_first_is_only_taken_over_where_that_is_typed(typed: Typed, take: str, code: int) -> None:
    of(typed, web(NGINX_DEBIAN, ALPHA))
    assert typed(f"web-redirect --apply --dry-run{take}") == code


def test_clients_of_the_time_do_not_miss_a_virtual_host() -> None:
    site = change_of(plan(web()))
    assert "clients" not in text.undo_plan(((2, site),), 12)
    assert "12 clients" in text.undo_plan(((2, site), (1, SetUnit("chrony.service", "stop it", active=False))), 12)
