"""What Apache and nginx tell of their virtual hosts, and which packaging of them is on a host."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import pytest

from ntpjoin.host import apache, nginx, webservers
from ntpjoin.host.machine import Host
from ntpjoin.host.webservers import APACHE_DEBIAN, APACHE_RPM, NGINX_DEBIAN, NGINX_RPM, WEB_SERVERS
from ntpjoin.model import FAMILIES, Family
from ntpjoin.web import Listen, Site, WebServer, default_at
from tests.conftest import Programs, put
from tests.webs import ADDRESS4, ADDRESS6, APACHE, ENABLED, FILES, NGINX


def of_apache(dump: str, **files: str) -> tuple[Site, ...]:
    known = {**FILES, **{f"{ENABLED}/{name}.conf": text for name, text in files.items()}}
    return apache.sites(dump, lambda path: known.get(path, ""))


def called(site: Optional[Site]) -> str:
    return site.file.rpartition("/")[2] if site else ""


# --- Apache


def test_apache_tells_of_its_virtual_hosts_in_the_order_in_which_they_count() -> None:
    assert of_apache(APACHE) == (
        Site(
            ("pool.ntp.org", "*.pool.ntp.org", "time1.example", ADDRESS4, f"[{ADDRESS6}]"),
            f"{ENABLED}/0-ntpjoin.conf",
            (Listen(),),
        ),
        Site((), f"{ENABLED}/000-default.conf", (Listen(),), named=False),
        Site(("alpha.example", "www.alpha.example", "*.cdn.alpha.example"), f"{ENABLED}/alpha.conf", (Listen(),)),
        # Whose aliases its file does not show.
        Site(("beta.example", "www.beta.example", "*.cdn.beta.example"), f"{ENABLED}/beta.conf", (Listen(),)),
    )


def test_a_lone_virtual_host_has_its_aliases_too() -> None:
    line = f"VirtualHost configuration:\n*:80                   alpha.example ({ENABLED}/alpha.conf:1)\n"
    [site] = of_apache(line)
    assert site.names == ("alpha.example", "www.alpha.example", "*.cdn.alpha.example")


DEBIAN = """# ServerRoot "/etc/apache2"
IncludeOptional mods-enabled/*.conf
Include ports.conf
# IncludeOptional sites-enabled/*.conf
IncludeOptional conf-enabled/*.conf
\tincludeoptional "sites-enabled/*.conf"
Include /srv/sites/*.conf
"""
RPM = 'ServerRoot "/etc/httpd"\nInclude conf.modules.d/*.conf\nIncludeOptional conf.d/*.conf\n'


@pytest.mark.parametrize(
    ("row", "text", "file", "first"),
    [
        (APACHE_DEBIAN, DEBIAN, "/etc/apache2/conf-enabled/www.conf", True),
        (APACHE_DEBIAN, DEBIAN, "/etc/apache2/ports.conf", True),
        (APACHE_DEBIAN, DEBIAN, f"{ENABLED}/0-all.conf", True),
        (APACHE_DEBIAN, DEBIAN, f"{ENABLED}/000-default.conf", False),
        (APACHE_DEBIAN, DEBIAN, f"{ENABLED}/alpha.conf", False),
        (APACHE_DEBIAN, DEBIAN, "/srv/sites/alpha.conf", False),
        (APACHE_DEBIAN, DEBIAN, APACHE_DEBIAN.main, False),
        (APACHE_DEBIAN, "", "/etc/apache2/conf-enabled/www.conf", False),
        (APACHE_DEBIAN, f'Include "sites.d/"\n{DEBIAN}', "/etc/apache2/sites.d/www.conf", True),
        (APACHE_RPM, RPM, "/etc/httpd/conf.modules.d/00-www.conf", True),
        (APACHE_RPM, RPM, "/etc/httpd/conf.d/00-www.conf", False),
        (APACHE_RPM, RPM, "/etc/httpd/conf.d/ssl.conf", False),
    ],
)
def test_what_apache_reads_before_ours_comes_first_whatever_ours_is_called(
    row: WebServer, text: str, file: str, first: bool
) -> None:
    ours = row.link or row.path
    assert (file in apache.earlier(row.main, text, ours, [file, ours])) is first
    assert ours not in apache.earlier(row.main, text, ours, [file, ours])


def test_a_line_of_apache_may_go_on_in_the_next_one() -> None:
    line = f"*:80                   www.example ({ENABLED}/other.conf:2)\n"
    text = "# of mine\n<VirtualHost *:80>\n ServerName www.example\n ServerAlias \\\n\ta.example \\\r\n b.example\n"
    text += " # not its end \\\n</VirtualHost>\n ServerAlias c.example\n</VirtualHost>\n ServerAlias d.example\n"
    [site] = of_apache(line, other=text)
    assert site.names == ("www.example", "a.example", "b.example", "c.example")


@pytest.mark.parametrize("more", ["Include sites-common/*.conf", "  includeoptional names.conf", "Use Names"])
def test_of_a_lone_virtual_host_with_lines_that_stand_elsewhere_any_name_may_be_one(more: str) -> None:
    text = f"<VirtualHost *:80>\n{more}\n</VirtualHost>\n"
    [site] = of_apache(f"*:80                   www.example ({ENABLED}/other.conf:1)\n", other=text)
    assert (site.names, site.named) == (("www.example", "*"), False)
    below = f"*:80     is a NameVirtualHost\n         port 80 namevhost www.example ({ENABLED}/other.conf:1)\n"
    [site] = of_apache(f"{below}                 alias a.example\n", other=text)
    assert site.names == ("www.example", "a.example")


def test_an_address_of_its_own_goes_first_and_other_ports_do_not_count() -> None:
    dump = (
        "VirtualHost configuration:\n"
        f"[{ADDRESS6}]:80   beta.example ({ENABLED}/beta.conf:1)\n"
        "203.0.113.7:80         is a NameVirtualHost\n"
        f"         default server alpha.example ({ENABLED}/alpha.conf:1)\n"
        f"         port 80 namevhost alpha.example ({ENABLED}/alpha.conf:1)\n"
        f"*:80                   time1.example ({ENABLED}/000-default.conf:1)\n"
        f"*:443                  is a NameVirtualHost\n"
        f"         port 443 namevhost other.example ({ENABLED}/alpha.conf:5)\n"
    )
    found = of_apache(dump)
    assert [(called(site), site.listens) for site in found] == [
        ("beta.conf", (Listen(ADDRESS6, ("IPv6",)),)),
        ("alpha.conf", (Listen(ADDRESS4, ("IPv4",)),)),
        ("000-default.conf", (Listen(),)),
    ]
    told = [called(default_at(found, address)) for address in (ADDRESS6, ADDRESS4, "192.0.2.1")]
    assert told == ["beta.conf", "alpha.conf", "000-default.conf"]


@pytest.mark.parametrize(
    ("dump", "why"),
    [
        (f"*:*                    any.example ({ENABLED}/beta.conf:8)\n", "for every port"),
        ("*:80                   a virtual host of another kind\n", "words that are not known"),
        (f"*:80                   beta.example ({ENABLED}/beta.conf:none)\n", "words that are not known"),
    ],
)
def test_what_cannot_be_told_of_apache_is_said(dump: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        of_apache(dump)


def test_without_virtual_hosts_there_are_none() -> None:
    assert of_apache("VirtualHost configuration:\n") == ()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("ServerName a.example\n", True),
        ("ServerName a.example\nServerAlias *\n", False),
        ("ServerAlias a.example\n", False),
        ("</VirtualHost>\nServerName a.example\n", False),
    ],
)
def test_a_virtual_host_without_a_name_of_its_own_takes_everybody(text: str, named: bool) -> None:
    dump = f"*:80                   time1.example ({ENABLED}/other.conf:1)\n"
    [site] = of_apache(dump, other=f"<VirtualHost *:80>\n{text}")
    assert site.named is named


# --- nginx


def test_nginx_tells_of_its_servers_in_the_order_in_which_they_count() -> None:
    both = (Listen("", ("IPv4",)), Listen("", ("IPv6",)))
    default = (Listen("", ("IPv4",), default=True), Listen("", ("IPv6",), default=True))
    enabled = "/etc/nginx/sites-enabled"
    found = nginx.sites(NGINX)
    assert found == (
        Site(("alpha.example", "www.alpha.example"), f"{enabled}/alpha", both),
        Site(("beta.example", "www.beta.example"), f"{enabled}/beta", both),
        Site((), f"{enabled}/default", default, named=False),
    )
    assert called(default_at(found, ADDRESS4)) == "default"
    assert called(default_at(found[:2], ADDRESS6)) == "alpha"


def conf(text: str, **files: str) -> str:
    """A dump of nginx.conf, with other files of /etc/nginx behind it."""
    more = "".join(
        f"# configuration file /etc/nginx/{name.replace('__', '/')}.conf:\n{one}\n" for name, one in files.items()
    )
    return f"# configuration file /etc/nginx/nginx.conf:\n{text}\n{more}"


@pytest.mark.parametrize(
    ("listen", "places"),
    [
        ("listen 80;", [("", ("IPv4",), False)]),
        ("", [("", ("IPv4",), False)]),
        ("listen 8080; listen 443 ssl; listen unix:/run/x;", []),
        ("listen *:80 default_server;", [("", ("IPv4",), True)]),
        ("listen 0.0.0.0:80;", [("", ("IPv4",), False)]),
        ("listen [::]:80 ipv6only=on;", [("", ("IPv6",), False)]),
        ("listen [::]:80 ipv6only=off default_server;", [("", FAMILIES, True)]),
        ("listen [::];", [("", ("IPv6",), False)]),
        ("listen 203.0.113.7;", [("203.0.113.7", ("IPv4",), False)]),
        ("listen 203.0.113.7:80; listen 203.0.113.7:81;", [("203.0.113.7", ("IPv4",), False)]),
        ("listen [2001:DB8::7]:80;", [("2001:db8::7", ("IPv6",), False)]),
        ("listen [2001:0DB8:0::0:7]:80;", [("2001:db8::7", ("IPv6",), False)]),
        ("listen [0::0]:80;", [("", ("IPv6",), False)]),
        ("listen 75-85;", [("", ("IPv4",), False)]),
        ("listen 127.0.0.1:81-99;", []),
        ("listen localhost:8080; listen time1.example:81-90 ssl;", []),
    ],
)
def test_where_nginx_listens(listen: str, places: list[tuple[str, tuple[Family, ...], bool]]) -> None:
    dump = conf(f"http {{ server {{ {listen} server_name a.example; }} }}")
    found = [(one.address, one.families, one.default) for site in nginx.sites(dump) for one in site.listens]
    assert found == places


@pytest.mark.parametrize(
    ("names", "found", "named"),
    [
        ("server_name a.example *.a.example;", ("a.example", "*.a.example"), True),
        ("server_name A.example; server_name .b.example;", ("a.example", ".b.example"), True),
        ("server_name _;", (), False),
        ('server_name "";', (), False),
        ('server_name a.example "";', ("a.example",), False),
        ('server_name "~^(?<n>\\\\d{1,3})\\\\.example$";', ("~^(?<n>\\\\d{1,3})\\\\.example$",), False),
        ("", (), False),
    ],
)
def test_how_servers_of_nginx_are_called(names: str, found: tuple[str, ...], named: bool) -> None:
    [site] = nginx.sites(conf(f"http {{ server {{ listen 80; {names} location / {{ return 404; }} }} }}"))
    assert (site.names, site.named) == (found, named)


@pytest.mark.parametrize(
    "lines",
    [
        "proxy_set_header Host ${host};",
        "set $a ${host}:${server_port};",
        "return 301 https://b.example${request_uri};",
        "location ~ ^/a}b { return 404;}",
    ],
)
def test_braces_within_a_word_of_nginx_are_part_of_it(lines: str) -> None:
    [site] = nginx.sites(conf(f"http {{ server {{ listen 80; {lines} server_name a.example; }} }}"))
    assert site.names == ("a.example",)


def test_nginx_finds_what_its_files_include_in_its_place() -> None:
    dump = conf(
        'http { include conf.d/*.conf; server { listen 80; server_name "last.example"; } # include never.conf\n }',
        conf__d__b="",
        **{"conf.d__a": "server { include /etc/nginx/snippets/listen.conf; server_name a.example; }"},
        **{"conf.d__b": "server { listen 80; server_name b.example; }"},
        snippets__listen="listen 203.0.113.7:80;",
    )
    assert [site.names for site in nginx.sites(dump)] == [("a.example",), ("b.example",), ("last.example",)]
    assert nginx.sites(dump)[0].listens == (Listen(ADDRESS4, ("IPv4",)),)


@pytest.mark.parametrize(
    "dump",
    [
        "",
        "nginx: [emerg] nothing\n",
        conf("http { server { listen 80; }"),
        conf("http { } }"),
        conf("http { server { listen 80 } }"),
        conf("http { ; }"),
        conf("{ }"),
        conf("http { server { listen 'x; } }"),
        conf("http { server { listen localhost:80; } }"),
        conf("http { server { listen localhost; } }"),
        conf("http { server { listen localhost:79-81; } }"),
        conf("http { include */x.conf; }"),
        conf("http { include again.conf; }", again="include again.conf;"),
    ],
)
def test_what_cannot_be_told_of_nginx_is_said(dump: str) -> None:
    with pytest.raises(ValueError, match=r"[a-z]{2}"):
        nginx.sites(dump)


# --- the table


@pytest.mark.parametrize("row", WEB_SERVERS, ids=lambda row: row.name)
def test_a_row_is_found_by_its_program_and_what_its_configuration_reads(
    row: WebServer, tree: Host, programs: Programs
) -> None:
    programs.says(row.program)
    assert webservers.installed(tree) == ()
    put(tree, row.main, f"# include {row.reads};\n")
    assert webservers.installed(tree) == ()
    word = "\tinclude" if row.software == "nginx" else "IncludeOptional"
    put(tree, row.main, f"# what is read\n{word} {row.reads}{';' if row.software == 'nginx' else ''}\n")
    assert webservers.installed(tree) == (row,)


def test_debians_folder_of_sites_goes_before_the_other_one_and_both_servers_are_found(
    tree: Host, programs: Programs
) -> None:
    programs.says("nginx")
    programs.says("apache2ctl")
    put(tree, NGINX_DEBIAN.main, f"http {{\ninclude {NGINX_RPM.reads};\ninclude {NGINX_DEBIAN.reads};\n}}\n")
    put(tree, APACHE_DEBIAN.main, f"IncludeOptional {APACHE_DEBIAN.reads}\n")
    assert webservers.installed(tree) == (APACHE_DEBIAN, NGINX_DEBIAN)
    put(tree, NGINX_DEBIAN.main, f"http {{\n  include {NGINX_RPM.reads};\n}}\n")
    assert webservers.installed(tree) == (APACHE_DEBIAN, NGINX_RPM)


def test_where_ours_lies_the_server_reads_it_first_or_by_its_word() -> None:
    assert APACHE_DEBIAN.link < APACHE_DEBIAN.default
    for row in WEB_SERVERS:
        read = Path(row.link or row.path)
        assert read.match(row.reads.rpartition("/")[2])
        assert str(read.parent).endswith(row.reads.rpartition("/")[0])
    assert APACHE_RPM.path.endswith("/0-ntpjoin.conf")
