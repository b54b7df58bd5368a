"""Lost browsers sent to the pool's site: what is written, what stands in its way, and that all of it is taken back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ntpjoin.errors import CommandFailed, StepFailed
from ntpjoin.facts import FileFact, JournalFacts, RunFact
from ntpjoin.host.webservers import APACHE_DEBIAN, APACHE_RPM, NGINX_DEBIAN, NGINX_RPM
from ntpjoin.model import Before, Consent, Wish
from ntpjoin.provision.changes import Site, from_journal
from ntpjoin.provision.plan import Plan, decide
from ntpjoin.provision.web import decide_redirect
from ntpjoin.web import POOL_SITE, Listen, Visit, WebFacts
from ntpjoin.web import Site as WebSite
from ntpjoin.wire import visit as visit_module
from tests.conftest import Programs, put
from tests.sample import OWN4, OWN6, PINS, WISH, choice, converged
from tests.webs import ALPHA, BOTH, DEFAULT, GOLDEN, STOCK, change_of, codes, done, plan, web

# --- what is written


def test_the_virtual_host_of_nginx() -> None:
    change = change_of(plan(web()))
    assert change.content == (GOLDEN / "nginx-redirect.conf").read_text()
    assert (change.path, change.link, change.instead) == (NGINX_DEBIAN.path, NGINX_DEBIAN.link, (NGINX_DEBIAN.default,))
    assert (change.addresses, change.names) == ((OWN4, OWN6), ("alpha.example", "www.alpha.example"))
    assert change.describe() == (
        "write /etc/nginx/sites-available/ntpjoin (15 lines), enable it in place of /etc/nginx/sites-enabled/default; "
        "nginx then reads it"
    )


def test_the_virtual_host_of_apache() -> None:
    stock = WebSite((), APACHE_DEBIAN.default, (Listen(),), named=False)
    change = change_of(plan(web(APACHE_DEBIAN, stock, replace(ALPHA, listens=(Listen(),)))))
    assert change.content == (GOLDEN / "apache-redirect.conf").read_text()
    assert (change.link, change.instead) == (APACHE_DEBIAN.link, ())


def test_where_a_folder_is_read_as_a_whole_there_is_no_link() -> None:
    change = change_of(plan(web(NGINX_RPM, replace(STOCK, file=NGINX_RPM.default, listens=BOTH))))
    assert (change.path, change.link, change.instead) == ("/etc/nginx/conf.d/ntpjoin.conf", "", ())
    assert change.describe() == "write /etc/nginx/conf.d/ntpjoin.conf (15 lines); nginx then reads it"
    assert "root /usr/share/nginx/html;" in change.content


def names(made: Plan) -> list[str]:
    [line] = [line.strip(" ;") for line in change_of(made).content.splitlines() if "server_name" in line]
    return line.split()[1:]


def test_a_name_that_another_site_has_or_may_have_is_left_to_it() -> None:
    pool, address = ["pool.ntp.org", "*.pool.ntp.org"], [OWN4, f"[{OWN6}]"]
    assert names(plan(web())) == [*pool, "time1.example", *address]
    for taken in ("time1.example", "*.example", ".example", "~^time", "$hostname", "time?.example"):
        made = plan(web(NGINX_DEBIAN, replace(ALPHA, names=(taken,)), STOCK))
        assert names(made) == [*pool, *address], taken
        assert any("time1.example is left to the site" in note.text for note in made.notes)
    made = plan(web(NGINX_DEBIAN, replace(ALPHA, names=("pool.ntp.org",)), STOCK))
    assert names(made) == ["time1.example", "*.pool.ntp.org", *address]
    made = plan(web(names=("x" * 40 + ".example", "no_name.example", "a b.example", "localhost", "b.example")))
    assert names(made) == [*pool, "b.example", *address]


def test_a_declared_public_address_is_one_of_its_names() -> None:
    run = RunFact(1, "done", replace(WISH, public_addresses=("198.51.100.9", OWN4)), PINS)
    made = plan(web(addresses=(OWN4,)), journal=JournalFacts((run,)))
    assert names(made)[-2:] == [OWN4, "198.51.100.9"]
    assert (made.wish, made.pins) == (run.wish, PINS), "what is remembered stays"


def test_it_is_asked_in_the_families_that_this_host_has() -> None:
    def listens(found: WebFacts) -> list[str]:
        return [line.strip() for line in change_of(plan(found)).content.splitlines() if "listen" in line]

    assert listens(web(addresses=(OWN4,))) == ["listen 80 default_server;"]
    assert listens(web(addresses=(OWN6,))) == ["listen [::]:80 default_server;"]
    one = replace(ALPHA, listens=(Listen("", ("IPv4", "IPv6")),))
    assert listens(web(NGINX_DEBIAN, one, stock=())) == ["listen [::]:80 default_server;"]


def test_where_apache_does_not_listen_nobody_is_sent_on_and_that_is_said() -> None:
    stock = WebSite((), APACHE_DEBIAN.default, (Listen(),), named=False)
    visits = tuple(one if one.address == OWN4 else replace(one, status=0, problem="x") for one in web().visits)
    made = plan(web(APACHE_DEBIAN, stock, visits=visits))
    assert change_of(made).addresses == (OWN4,)
    assert any(note.warning and OWN6 in note.text for note in made.notes)


def test_where_apache_listens_nowhere_there_is_nothing_to_install() -> None:
    stock = WebSite((), APACHE_DEBIAN.default, (Listen(),), named=False)
    visits = tuple(replace(one, status=0, problem="x") for one in web().visits)
    assert codes(plan(web(APACHE_DEBIAN, stock, visits=visits))) == ["web-server"]


# --- where it is free


def test_the_packages_own_default_site_gives_way() -> None:
    assert codes(plan(web())) == []
    assert codes(plan(web(NGINX_DEBIAN, ALPHA, STOCK, stock=(NGINX_DEBIAN.main,)))) == ["default-site"]


@pytest.mark.parametrize("there", ["", "/srv/sites/default", NGINX_DEBIAN.brought])
def test_a_site_of_somebodys_own_where_the_default_one_was_stays_there(there: str) -> None:
    links = {NGINX_DEBIAN.link: None, NGINX_DEBIAN.default: there}
    for mine in (ALPHA, replace(ALPHA, file=NGINX_DEBIAN.default)):
        made = plan(web(NGINX_DEBIAN, mine, links=links, stock=()), take_default=True)
        assert codes(made) == (["default-site"] if mine.file == NGINX_DEBIAN.default else [])
        assert change_of(made).instead == ()
    facts = done(change_of(plan(web())))
    assert facts.web is not None
    later = replace(facts.web, links={**facts.web.links, NGINX_DEBIAN.default: there}, stock=())
    again = decide_redirect(replace(facts, web=later), later, applies=True, take_default=False)
    assert change_of(again).instead == ()


def test_a_default_site_of_somebodys_own_does_not() -> None:
    for mine in (
        replace(ALPHA, listens=DEFAULT),
        replace(ALPHA, named=False),
        replace(ALPHA, names=("alpha.example", OWN4)),
        replace(ALPHA, listens=(Listen(OWN6, ("IPv6",)), *BOTH[:1])),
    ):
        for take_default in (False, True):
            made = plan(web(NGINX_DEBIAN, mine), take_default=take_default)
            assert set(codes(made)) == {"default-site"}, mine
            assert "ntpjoin web-redirect prints" in made.blockers[0].remedy or not take_default


def test_where_it_is_the_same_at_each_address_it_is_said_once() -> None:
    [blocker] = plan(web(NGINX_DEBIAN, replace(ALPHA, listens=DEFAULT))).blockers
    assert (
        blocker.text == "who comes by no name of a site gets alpha.example (/etc/nginx/sites-enabled/alpha), as it says"
    )


def test_a_site_that_only_comes_first_gives_way_where_that_is_asked_for() -> None:
    made = plan(web(NGINX_DEBIAN, ALPHA))
    assert codes(made) == ["default-site"], "once, not for each address"
    assert "--take-default" in made.blockers[0].remedy
    assert codes(plan(web(NGINX_DEBIAN, ALPHA), take_default=True)) == []


def test_a_site_that_comes_before_ours_does_not_give_way_whatever_is_asked_for() -> None:
    """Where Apache reads it first it stays the default, however ours is called."""
    first = replace(ALPHA, file="/etc/apache2/conf-enabled/alpha.conf", listens=(Listen(),), earlier=True)
    for take_default in (False, True):
        [blocker] = plan(web(APACHE_DEBIAN, first), take_default=take_default).blockers
        assert blocker.text == (
            "who comes by no name of a site gets alpha.example (/etc/apache2/conf-enabled/alpha.conf), "
            "and Apache reads that before /etc/apache2/sites-enabled/0-ntpjoin.conf"
        )
        assert "ntpjoin web-redirect prints" in blocker.remedy


def test_the_main_server_of_apache_gives_way_where_it_is_stock() -> None:
    assert codes(plan(web(APACHE_RPM, replace(ALPHA, listens=())))) == []
    assert codes(plan(web(APACHE_RPM, replace(ALPHA, listens=()), stock=()))) == ["default-site"]
    assert codes(plan(web(NGINX_DEBIAN, replace(ALPHA, listens=()), stock=()))) == [], "nginx has none"


def test_a_stock_default_that_says_so_must_be_told_otherwise_where_it_stays() -> None:
    made = plan(web(NGINX_RPM, replace(STOCK, file=NGINX_RPM.default)))
    assert codes(made) == ["default-site"]
    assert made.blockers[0].remedy == (
        "take the word default_server out of /etc/nginx/nginx.conf, and put into /etc/nginx/conf.d/ntpjoin.conf "
        "what ntpjoin web-redirect prints"
    )
    taken_out = replace(STOCK, file=NGINX_RPM.default, listens=BOTH)
    assert codes(plan(web(NGINX_RPM, taken_out, stock=()), take_default=True)) == ["default-site"], (
        "the other half is by hand"
    )


def test_where_another_site_sends_them_already_there_is_nothing_to_do() -> None:
    sent = tuple(replace(visit, status=301, location=POOL_SITE) for visit in web().visits)
    made = plan(web(NGINX_DEBIAN, replace(ALPHA, listens=DEFAULT), visits=sent))
    assert (made.changes, made.blockers) == ((), ())
    assert "already" in made.notes[0].text
    printed = plan(web(NGINX_DEBIAN, replace(ALPHA, listens=DEFAULT), visits=sent), applies=False)
    assert change_of(printed).content == (GOLDEN / "nginx-redirect.conf").read_text()


# --- what else stands in its way


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ({"running": False}, "web-server"),
        ({"stranger": "haproxy"}, "web-server"),
        ({"addresses": ()}, "web-server"),
        ({"unclear": "x"}, "web-config"),
        ({"links": {NGINX_DEBIAN.link: "/elsewhere", NGINX_DEBIAN.default: NGINX_DEBIAN.brought}}, "site-file"),
        ({"links": {NGINX_DEBIAN.link: "", NGINX_DEBIAN.default: NGINX_DEBIAN.brought}}, "site-file"),
    ],
)
def test_what_is_not_as_it_must_be_blocks(parts: dict[str, Any], code: str) -> None:
    assert codes(plan(web(**parts))) == [code]
    assert codes(plan(web(**parts), applies=False)) == [code], (
        "that it could not be installed is said when it is printed"
    )


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ({"system__root": False}, "not-root"),
        ({"system__init": None}, "init"),
        ({"journal": JournalFacts(problem="x")}, "journal"),
        ({"journal": JournalFacts((RunFact(1, "open", WISH, PINS, "setup"),))}, "unfinished"),
        ({"files": {NGINX_DEBIAN.path: FileFact(b"mine", 0o644, "root:root")}}, "site-file"),
    ],
)
def test_a_host_that_is_not_fit_blocks(parts: dict[str, Any], code: str) -> None:
    assert codes(plan(web(), **parts)) == [code]
    hinders = [code] if code == "site-file" else []
    assert codes(plan(web(), applies=False, **parts)) == hinders


def test_without_a_web_server_there_is_none_to_write_for() -> None:
    made = plan(WebFacts(problem="this host has no web server", remedy="none"))
    assert (codes(made), made.changes) == (["web-server"], ())


def test_a_run_of_it_that_died_is_continued_by_itself_alone() -> None:
    died = JournalFacts((RunFact(2, "open", WISH, PINS, "web-redirect"),))
    assert codes(plan(web(), journal=died)) == []
    facts = converged(journal=died)
    [blocker] = decide(facts, WISH, Consent(), pins=PINS, choice=choice()).blockers
    assert (blocker.code, blocker.remedy.split(" continues")[0]) == ("unfinished", "ntpjoin web-redirect --apply")
    for command in ("setup", "install", "firewall", "restart"):
        facts = converged(journal=JournalFacts((RunFact(2, "open", WISH, PINS, command),)))
        assert codes(decide(facts, WISH, Consent(), pins=PINS, choice=choice())) == []


# --- whether it holds


def test_a_second_run_is_quiet() -> None:
    facts = done(change_of(plan(web())))
    assert facts.web is not None
    again = decide_redirect(facts, facts.web, applies=True, take_default=False)
    assert (again.pending(facts), again.blockers, again.notes) == ((), (), ())


def spoiled(visits: tuple[Visit, ...], **values: Any) -> tuple[Visit, ...]:
    return (*visits[:-1], replace(visits[-1], **values))


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"links": {}}, "does not lead to"),
        ({"links": {NGINX_DEBIAN.link: NGINX_DEBIAN.path, NGINX_DEBIAN.default: "x"}}, "is still there"),
        ({"running": False}, "nginx.service does not run"),
        ({"visits": ("status", 200)}, "it should lead to the pool's site"),
        ({"left": ("status", 301)}, "it should be left alone"),
        ({"known": ("status", 301)}, "it should be left alone"),
        ({"known": ("status", 0)}, "it was answered before"),
    ],
)
def test_what_is_not_so_is_told(parts: dict[str, Any], why: str) -> None:
    change = change_of(plan(web()))
    facts = done(change)
    assert change.holds(facts)
    assert facts.web is not None
    for name, value in parts.items():
        worse = value
        if isinstance(value, tuple):
            location = POOL_SITE if value[1] == 301 else ""
            worse = spoiled(getattr(facts.web, name), status=value[1], location=location)
        facts = replace(facts, web=replace(facts.web, **{name: worse}))
    assert not change.holds(facts)
    assert why in change.why_not(facts)


def test_a_site_that_was_not_answered_before_need_not_be_now() -> None:
    dead = spoiled(web().known, status=0, problem="no answer")
    change = change_of(plan(web(known=dead)))
    assert change.names == ("alpha.example",)
    facts = done(change)
    assert facts.web is not None
    assert change.holds(replace(facts, web=replace(facts.web, known=dead)))


# --- made and taken back, on a host whose web server is made up

OURS = change_of(plan(web()))

#: Accepts whatever has one default only, and reads what there is when it is told to.
NGINX = """
cd {enabled} || exit 1
[ -e broken ] && echo 'nginx: [emerg] broken' >&2 && exit 1
[ -L ntpjoin ] && [ -L default ] && echo 'nginx: [emerg] a duplicate default server' >&2 && exit 1
exit 0
"""
SYSTEMCTL = """
case $1 in
reload) /bin/ls {enabled} > {read};;
show) printf 'Id=nginx.service\\nLoadState=loaded\\nActiveState=active\\nSubState=running\\n';;
esac
"""


@pytest.fixture
def server(site: Site, programs: Programs, monkeypatch: pytest.MonkeyPatch) -> Site:
    """It answers by what it has read last."""
    host = site.host
    put(host, NGINX_DEBIAN.brought, "stock")
    host.make_folder("/etc/nginx/sites-enabled")
    host.link(NGINX_DEBIAN.default, NGINX_DEBIAN.brought)
    read = host.path("/read")
    read.write_text("default\n")
    words = {"enabled": host.path("/etc/nginx/sites-enabled"), "read": read}
    programs.add("nginx", NGINX.format(**words))
    programs.add("systemctl", SYSTEMCTL.format(**words))
    monkeypatch.setattr(host, "which", lambda name: f"/usr/sbin/{name}")

    def visit(address: str, name: str, path: str = "/") -> Visit:
        ours = "ntpjoin" in read.read_text().split()
        return Visit(address, name, path, *((301, POOL_SITE) if ours else (200, "")))

    monkeypatch.setattr(visit_module, "visit", visit)
    return site


def everything(site: Site) -> dict[str, str]:
    root = site.host.path("/etc/nginx")
    return {
        str(path.relative_to(root)): (
            str(path.readlink()) if path.is_symlink() else path.read_text() if path.is_file() else ""
        )
        for path in Path(root).rglob("*")
    }


def test_made_read_and_taken_back(server: Site, programs: Programs) -> None:
    was = everything(server)
    before = json.loads(json.dumps(OURS.before(server)))
    OURS.apply(server)
    assert set(everything(server)) - set(was) == {"sites-available/ntpjoin", "sites-enabled/ntpjoin"}
    assert "sites-enabled/default" not in everything(server)
    assert programs.calls("systemctl") == ["systemctl reload nginx.service"]
    again = from_journal(OURS.kind, json.loads(json.dumps(OURS.fields())))
    undone = again.undo(server, before)
    assert (undone.state, everything(server)) == ("restored", was)
    assert server.host.path("/read").read_text() == "default\n"
    assert again.undo(server, before).state == "restored", "done twice it does no harm"
    assert everything(server) == was


def test_what_the_server_does_not_accept_it_never_reads(server: Site, programs: Programs) -> None:
    was = everything(server)
    before = OURS.before(server)
    put(server.host, "/etc/nginx/sites-enabled/broken", "")
    with pytest.raises(StepFailed, match=r"nginx does not accept it:\nnginx: \[emerg\] broken"):
        OURS.apply(server)
    server.host.remove("/etc/nginx/sites-enabled/broken")
    server.host.remove(OURS.link)
    assert OURS.undo(server, before).state == "restored"
    assert everything(server) == was
    assert programs.calls("systemctl") == []


@pytest.mark.parametrize("link", [True, False])
def test_a_run_that_died_half_way_is_taken_back(server: Site, link: bool) -> None:
    was, before = everything(server), OURS.before(server)
    put(server.host, OURS.path, OURS.content)
    if link:
        server.host.remove(NGINX_DEBIAN.default)
        server.host.link(OURS.link, OURS.path)
    assert OURS.undo(server, before).state == "restored"
    assert everything(server) == was


def test_what_was_edited_since_is_kept_with_all_that_belongs_to_it(server: Site) -> None:
    before = OURS.before(server)
    OURS.apply(server)
    put(server.host, OURS.path, OURS.content + "# mine\n")
    now = everything(server)
    undone = OURS.undo(server, before)
    assert (undone.state, everything(server)) == ("kept", now)


def test_a_default_that_would_not_be_accepted_any_more_is_not_put_back(server: Site) -> None:
    before = OURS.before(server)
    OURS.apply(server)
    mine = "/etc/nginx/sites-enabled/default"
    put(server.host, mine, "of mine")
    assert OURS.undo(server, before).state == "restored"
    assert server.host.text(mine) == "of mine", "what somebody has put there stays"


def test_what_is_no_link_is_not_taken_away(server: Site) -> None:
    mine = "/etc/nginx/sites-enabled/default"
    server.host.remove(mine)
    put(server.host, mine, "of mine")
    with pytest.raises(StepFailed, match="default is not a link"):
        OURS.before(server)
    assert server.host.text(mine) == "of mine"


def test_a_configuration_that_is_broken_by_then_is_told(server: Site) -> None:
    before = OURS.before(server)
    OURS.apply(server)
    put(server.host, "/etc/nginx/sites-enabled/broken", "")
    undone = OURS.undo(server, before)
    assert undone.state == "failed"
    assert "nginx: [emerg] broken" in undone.text
    assert "ntpjoin" in server.host.path("/read").read_text(), "it was not told to read what it would refuse"


def test_a_server_that_was_not_told_to_read_it_is_told_by_the_next_undo(server: Site) -> None:
    """As when its operator has mended what it did not accept; or when the first undo died before it told it."""
    before = OURS.before(server)
    OURS.apply(server)
    put(server.host, "/etc/nginx/sites-enabled/broken", "")
    assert OURS.undo(server, before).state == "failed"
    server.host.remove("/etc/nginx/sites-enabled/broken")
    assert OURS.undo(server, before).state == "restored"
    assert server.host.text("/read") == "default\n"


def replaced_by_hand(server: Site, monkeypatch: pytest.MonkeyPatch) -> Before:
    """Ours was applied and its files were taken away, and a site of the operator's own sends browsers to the pool's, too."""
    before = OURS.before(server)
    OURS.apply(server)
    monkeypatch.setattr("ntpjoin.provision.changes.sites._RENEWED_S", 0.3)
    for path in (OURS.link, OURS.path):
        server.host.remove(path)
    monkeypatch.setattr(visit_module, "visit", lambda address, name: Visit(address, name, "/", 301, POOL_SITE))
    return before


def test_a_site_of_the_operators_that_does_the_same_is_none_of_ours(
    server: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = replaced_by_hand(server, monkeypatch)
    assert OURS.undo(server, before).state == "restored"


def test_a_server_that_is_stopped_by_then_is_not_to_blame_for_what_another_one_does(
    server: Site, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where its operator has gone over from nginx to Apache, and sends them to the pool's site by a virtual host of his own."""
    before = replaced_by_hand(server, monkeypatch)
    shows = "printf 'Id=nginx.service\\nLoadState=loaded\\nActiveState={}\\n'"
    reload = "reload) echo 'Job for nginx.service failed.' >&2; exit 1;;"
    programs.add("systemctl", f"case $1 in {reload} show) {shows.format('inactive')};; esac")
    assert OURS.undo(server, before).state == "restored"
    programs.add("systemctl", f"case $1 in {reload} show) {shows.format('active')};; esac")
    with pytest.raises(CommandFailed, match=r"Job for nginx\.service failed"):
        OURS.undo(server, before)


def test_a_web_server_that_is_gone_by_then_is_no_fault(server: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    before = OURS.before(server)
    OURS.apply(server)
    monkeypatch.setattr(server.host, "which", lambda _: None)
    for path in (OURS.link, OURS.path):
        server.host.remove(path)
    Path(server.host.path("/etc/nginx/sites-enabled")).rmdir()
    assert OURS.undo(server, before).state == "restored"


def test_undo_waits_for_the_server(server: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    before = OURS.before(server)
    OURS.apply(server)
    monkeypatch.setattr("ntpjoin.provision.changes.sites._RENEWED_S", 0.3)
    monkeypatch.setattr(visit_module, "visit", lambda address, name: Visit(address, name, "/", 301, POOL_SITE))
    undone = OURS.undo(server, before)
    assert (undone.state, undone.text) == ("failed", "nginx still sends browsers to the pool's site")


def test_a_second_run_alone_is_taken_back_to_the_first(server: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ntpjoin.provision.changes.sites._RENEWED_S", 0.3)
    OURS.apply(server)
    was = everything(server)
    newer = replace(OURS, content=OURS.content + "# of a newer release\n")
    before = newer.before(server)
    newer.apply(server)
    undone = newer.undo(server, before)
    assert (undone.state, everything(server)) == ("restored", was), undone.text
    assert undone.text.startswith("nginx has our former virtual host again")
    assert server.host.text("/read").split() == ["ntpjoin"]


def test_a_wish_is_none_of_its_business() -> None:
    made = plan(web())
    assert (made.wish, made.pins, made.remember) == (Wish(), (), ())
