"""The table of web servers: one row for each packaging, with its source; found by what lies on this host."""

from __future__ import annotations

import re
from dataclasses import replace

from ntpjoin.host.machine import Host
from ntpjoin.web import WebServer

APACHE_DEBIAN = WebServer(
    # apache2 2.4.71-1~deb12u1: package contents, maintainer scripts and apache2ctl read, and run in a VM.
    name="apache-debian",
    software="apache",
    title="Apache",
    program="apache2ctl",
    processes=("apache2",),
    unit="apache2.service",
    packages=("apache2",),
    main="/etc/apache2/apache2.conf",
    reads="sites-enabled/*.conf",
    # Read in the order of their names, and the first one gets what no other one asks for: before 000-default.conf.
    path="/etc/apache2/sites-available/0-ntpjoin.conf",
    link="/etc/apache2/sites-enabled/0-ntpjoin.conf",
    test=("apache2ctl", "configtest"),
    dump=("apache2ctl", "-t", "-D", "DUMP_VHOSTS"),
    default="/etc/apache2/sites-enabled/000-default.conf",
    brought="/etc/apache2/sites-available/000-default.conf",
    gives_way=False,
    root="/var/www/html",
    # Its postinst copies the page; so does that of nginx, into the same folder.
    pages=(
        ("index.html", "/usr/share/apache2/default-site/index.html"),
        ("index.nginx-debian.html", "/usr/share/nginx/html/index.html"),
    ),
    evidence="run",
)

NGINX_DEBIAN = WebServer(
    # nginx 1.22.1-9+deb12u: package contents, maintainer scripts and configuration read, and run in a VM.
    name="nginx-debian",
    software="nginx",
    title="nginx",
    program="nginx",
    processes=("nginx",),
    unit="nginx.service",
    packages=("nginx-common",),
    main="/etc/nginx/nginx.conf",
    reads="/etc/nginx/sites-enabled/*",
    path="/etc/nginx/sites-available/ntpjoin",
    link="/etc/nginx/sites-enabled/ntpjoin",
    test=("nginx", "-t"),
    dump=("nginx", "-T"),
    default="/etc/nginx/sites-enabled/default",
    brought="/etc/nginx/sites-available/default",
    # Both say default_server, and nginx does not start with two.
    gives_way=True,
    root="/var/www/html",
    pages=APACHE_DEBIAN.pages,
    evidence="run",
)

APACHE_RPM = replace(
    # httpd.spec and httpd.conf of Fedora and Enterprise Linux 8 to 10 read: its document root is shipped empty; apachectl takes no
    # options there but its own.
    APACHE_DEBIAN,
    name="apache-rpm",
    program="httpd",
    processes=("httpd",),
    unit="httpd.service",
    packages=("httpd",),
    main="/etc/httpd/conf/httpd.conf",
    reads="conf.d/*.conf",
    path="/etc/httpd/conf.d/0-ntpjoin.conf",
    link="",
    test=("apachectl", "configtest"),
    dump=("httpd", "-t", "-D", "DUMP_VHOSTS"),
    default="",
    brought="/etc/httpd/conf/httpd.conf",
    pages=(),
    evidence="read",
)

NGINX_RPM = replace(
    # nginx.spec and nginx.conf of Fedora and Enterprise Linux 9 read: the default site stands in nginx.conf, behind the folder of
    # others, and does not say default_server. Where it does, as on 8, nginx would refuse ours.
    NGINX_DEBIAN,
    name="nginx-rpm",
    packages=("nginx", "nginx-core"),
    reads="/etc/nginx/conf.d/*.conf",
    path="/etc/nginx/conf.d/ntpjoin.conf",
    link="",
    default="/etc/nginx/nginx.conf",
    brought="/etc/nginx/nginx.conf",
    gives_way=False,
    root="/usr/share/nginx/html",
    pages=tuple(
        (name, "")
        for name in (
            *("404.html", "50x.html", "icons", "index.html", "nginx-logo.png", "poweredby.png"),
            "system_noindex_logo.png",
        )
    ),
    evidence="read",
)

WEB_SERVERS: tuple[WebServer, ...] = (APACHE_DEBIAN, NGINX_DEBIAN, APACHE_RPM, NGINX_RPM)

#: A line of a configuration that has this read.
_INCLUDE = r"^\s*(?:include|includeoptional)\s+[\"']?{}[\"']?\s*;?\s*$"


def installed(host: Host) -> tuple[WebServer, ...]:
    """The rows that fit: the program is there, and its configuration reads the folder; of each software the first that does."""
    found: dict[str, WebServer] = {}
    for row in WEB_SERVERS:
        reads = re.compile(_INCLUDE.format(re.escape(row.reads)), re.IGNORECASE | re.MULTILINE)
        if row.software not in found and host.which(row.program) and reads.search(host.text(row.main)):
            found[row.software] = row
    return tuple(found.values())
