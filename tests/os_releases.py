"""What real /etc/os-release files say of themselves, as far as a row is found by it, and what each must lead to.

The first column names it, then come the values of KEYS, last the row or the kind of refusal.
"""

from __future__ import annotations

KEYS = ("ID", "VERSION_ID", "VERSION_CODENAME", "UBUNTU_CODENAME", "DEBIAN_CODENAME", "VARIANT_ID", "ID_LIKE")

TABLE = """
almalinux-10.0 | almalinux | 10.0 |  |  |  |  | rhel centos fedora | el-10
almalinux-8.10 | almalinux | 8.10 |  |  |  |  | rhel centos fedora | el-8
almalinux-8.6 | almalinux | 8.6 |  |  |  |  | rhel centos fedora | el-8
almalinux-9.2 | almalinux | 9.2 |  |  |  |  | rhel centos fedora | el-9
almalinux-9.4 | almalinux | 9.4 |  |  |  |  | rhel centos fedora | el-9
almalinux-9.6 | almalinux | 9.6 |  |  |  |  | rhel centos fedora | el-9
alpine-3.18.12 | alpine | 3.18.12 |  |  |  |  |  | refused: no scripts
alpine-3.19.8 | alpine | 3.19.8 |  |  |  |  |  | refused: no scripts
alpine-3.20.7 | alpine | 3.20.7 |  |  |  |  |  | refused: no scripts
alpine-3.21.4 | alpine | 3.21.4 |  |  |  |  |  | refused: no scripts
alpine-3.22.1 | alpine | 3.22.1 |  |  |  |  |  | refused: no scripts
alpine-3.23.2 | alpine | 3.23.2 |  |  |  |  |  | refused: no scripts
alpine-edge | alpine | 3.19_alpha20230901 |  |  |  |  |  | refused: no scripts
altlinux-10 | altlinux | 10 |  |  |  |  |  | refused: unknown
amzn-2 | amzn | 2 |  |  |  |  | centos rhel fedora | refused: end of life
amzn-2018.03 | amzn | 2018.03 |  |  |  |  | rhel fedora | refused: end of life
amzn-2022 | amzn | 2022 |  |  |  |  | fedora | refused: end of life
amzn-2023 | amzn | 2023 |  |  |  |  | fedora | refused: chrony only
arch | arch |  |  |  |  |  |  | arch
artix | artix |  |  |  |  |  |  | refused: unknown
azurelinux-3.0 | azurelinux | 3.0 |  |  |  |  |  | refused: unknown
bazzite-40 | bazzite | 40 | Holographic |  |  | bazzite | rhel centos fedora bluefin aurora nobara ultramarine | refused: unknown
cachyos | cachyos |  |  |  |  |  | arch | refused: unknown
centos-7 | centos | 7 |  |  |  |  | rhel fedora | refused: end of life
centos-stream-8 | centos | 8 |  |  |  |  | rhel fedora | el-8
centos-stream-9 | centos | 9 |  |  |  |  | rhel fedora | el-9
clear-linux-os-39150 | clear-linux-os | 39150 |  |  |  |  | clear-linux-os | refused: unknown
debian-10 | debian | 10 | buster |  |  |  |  | refused: end of life
debian-11 | debian | 11 | bullseye |  |  |  |  | debian-11
debian-12 | debian | 12 | bookworm |  |  |  |  | debian-12
debian-13 | debian | 13 | trixie |  |  |  |  | debian-13
debian-7 | debian | 7 |  |  |  |  |  | refused: end of life
debian-8 | debian | 8 |  |  |  |  |  | refused: end of life
debian-9 | debian | 9 | stretch |  |  |  |  | refused: end of life
debian-bookworm-sid | debian |  | bookworm |  |  |  |  | debian-12
debian-trixie-sid | debian |  | trixie |  |  |  |  | debian-13
devuan-5 | devuan | 5 | daedalus |  |  |  | debian | debian-12
devuan-ascii | devuan |  |  |  |  |  |  | refused: unknown
elementary-5.0 | elementary | 5.0 | juno | juno |  |  | ubuntu | refused: unknown
elementary-5.1.7 | elementary | 5.1.7 | hera | bionic |  |  | ubuntu | refused: unknown
elementary-6 | elementary | 6 | odin | focal |  |  | ubuntu | refused: unknown
elementary-7 | elementary | 7 | horus | jammy |  |  | ubuntu debian | refused: unknown
endeavouros | endeavouros |  |  |  |  |  | arch | arch
eurolinux-8.5 | eurolinux | 8.5 |  |  |  |  | rhel fedora centos | refused: unknown
eurolinux-9.2 | eurolinux | 9.2 |  |  |  |  | rhel fedora centos | refused: unknown
fedora-33-container | fedora | 33 |  |  |  | container |  | refused: end of life
fedora-33-server | fedora | 33 |  |  |  | server |  | refused: end of life
fedora-34-container | fedora | 34 |  |  |  | container |  | fedora
fedora-34-server | fedora | 34 |  |  |  | server |  | fedora
fedora-36-container | fedora | 36 |  |  |  | container |  | fedora
fedora-36-coreos | fedora | 36 |  |  |  | coreos |  | refused: an image
fedora-36-server | fedora | 36 |  |  |  | server |  | fedora
fedora-36-silverblue | fedora | 36 |  |  |  | silverblue |  | refused: an image
fedora-38-container | fedora | 38 |  |  |  | container |  | fedora
fedora-38-coreos | fedora | 38 |  |  |  | coreos |  | refused: an image
fedora-38-server | fedora | 38 |  |  |  | server |  | fedora
fedora-39-cloud | fedora | 39 |  |  |  | cloud |  | fedora
fedora-39-container | fedora | 39 |  |  |  | container |  | fedora
fedora-39-kde | fedora | 39 |  |  |  | kde |  | fedora
fedora-39-silverblue | fedora | 39 |  |  |  | silverblue |  | refused: an image
fedora-39-workstation | fedora | 39 |  |  |  | workstation |  | fedora
fedora-40-cloud | fedora | 40 |  |  |  | cloud |  | fedora
fedora-40-container | fedora | 40 |  |  |  | container |  | fedora
fedora-40-coreos | fedora | 40 |  |  |  | coreos |  | refused: an image
fedora-40-iot | fedora | 40 |  |  |  | iot |  | refused: an image
fedora-40-kinoite | fedora | 40 |  |  |  | kinoite |  | refused: an image
fedora-40-server | fedora | 40 |  |  |  | server |  | fedora
fedora-40-silverblue | fedora | 40 |  |  |  | silverblue |  | refused: an image
fedora-40-workstation | fedora | 40 |  |  |  | workstation |  | fedora
fedora-41-container | fedora | 41 |  |  |  | container |  | fedora
fedora-42-container | fedora | 42 |  |  |  | container |  | fedora
fedora-43-container | fedora | 43 |  |  |  | container |  | fedora
fedora-43-workstation | fedora | 43 |  |  |  | workstation |  | fedora
fedora-asahi-remix-42 | fedora-asahi-remix | 42 | adams |  |  | workstation | fedora | refused: unknown
garuda | garuda |  |  |  |  |  |  | refused: unknown
gentoo | gentoo |  |  |  |  |  |  | refused: unknown
kali-2023.2 | kali | 2023.2 | kali-rolling |  |  |  | debian | refused: unknown
kali-2025.4 | kali | 2025.4 | kali-rolling |  |  |  | debian | refused: unknown
linuxmint-18.2 | linuxmint | 18.2 | sonya | xenial |  |  | ubuntu | refused: unknown
linuxmint-19 | linuxmint | 19 | tara | bionic |  |  | ubuntu | refused: unknown
linuxmint-19.3 | linuxmint | 19.3 | tricia | bionic |  |  | ubuntu | refused: unknown
linuxmint-20 | linuxmint | 20 | ulyana | focal |  |  | ubuntu | ubuntu-20.04
linuxmint-20.2 | linuxmint | 20.2 | uma | focal |  |  | ubuntu | ubuntu-20.04
linuxmint-20.3 | linuxmint | 20.3 | una | focal |  |  | ubuntu | ubuntu-20.04
linuxmint-21 | linuxmint | 21 | vanessa | jammy |  |  | ubuntu debian | ubuntu-22.04
linuxmint-21.3 | linuxmint | 21.3 | virginia | jammy |  |  | ubuntu debian | ubuntu-22.04
linuxmint-22 | linuxmint | 22 | wilma | noble |  |  | ubuntu debian | ubuntu-24.04
lmde-6 | linuxmint | 6 | faye |  | bookworm |  | debian | debian-12
mageia-9 | mageia | 9 |  |  |  |  | mandriva fedora | refused: unknown
manjaro | manjaro |  |  |  |  |  | arch | arch
manjaro-arm | manjaro-arm |  |  |  |  |  |  | arch
mariner-2.0 | mariner | 2.0 |  |  |  |  |  | refused: unknown
miraclelinux-9.4 | miraclelinux | 9.4 |  |  |  |  | rhel fedora | refused: unknown
neon-16.04 | neon | 16.04 | xenial | xenial |  |  | ubuntu debian | refused: unknown
neon-22.04 | neon | 22.04 | jammy | jammy |  |  | ubuntu debian | refused: unknown
nixos-24.05 | nixos | 24.05 | uakari |  |  |  |  | refused: unknown
nixos-25.05 | nixos | 25.05 | warbler |  |  |  |  | refused: unknown
ol-7.8 | ol | 7.8 |  |  |  | server | fedora | refused: end of life
ol-7.9 | ol | 7.9 |  |  |  | server | fedora | refused: end of life
ol-8.10 | ol | 8.10 |  |  |  | server | fedora | el-8
ol-8.3 | ol | 8.3 |  |  |  | server | fedora | el-8
ol-8.6 | ol | 8.6 |  |  |  | server | fedora | el-8
ol-8.7 | ol | 8.7 |  |  |  | server | fedora | el-8
ol-8.8 | ol | 8.8 |  |  |  | server | fedora | el-8
ol-8.9 | ol | 8.9 |  |  |  | server | fedora | el-8
ol-9.0 | ol | 9.0 |  |  |  | server | fedora | el-9
ol-9.1 | ol | 9.1 |  |  |  | server | fedora | el-9
ol-9.2 | ol | 9.2 |  |  |  | server | fedora | el-9
ol-9.3 | ol | 9.3 |  |  |  | server | fedora | el-9
ol-9.4 | ol | 9.4 |  |  |  | server | fedora | el-9
ol-9.5 | ol | 9.5 |  |  |  | server | fedora | el-9
openeuler-20.03 | openEuler | 20.03 |  |  |  |  |  | refused: unknown
openeuler-22.03 | openEuler | 22.03 |  |  |  |  |  | refused: unknown
openeuler-24.03 | openEuler | 24.03 |  |  |  |  |  | refused: unknown
opensuse-leap-15.0 | opensuse-leap | 15.0 |  |  |  |  | suse opensuse | opensuse-leap-15
opensuse-leap-15.1 | opensuse-leap | 15.1 |  |  |  |  | suse opensuse | opensuse-leap-15
opensuse-leap-15.2 | opensuse-leap | 15.2 |  |  |  |  | suse opensuse | opensuse-leap-15
opensuse-leap-15.3 | opensuse-leap | 15.3 |  |  |  |  | suse opensuse | opensuse-leap-15
opensuse-leap-15.4 | opensuse-leap | 15.4 |  |  |  |  | suse opensuse | opensuse-leap-15
opensuse-leap-15.5 | opensuse-leap | 15.5 |  |  |  |  | suse opensuse | opensuse-leap-15
opensuse-leap-15.6 | opensuse-leap | 15.6 |  |  |  |  | suse opensuse | opensuse-leap-15
opensuse-leap-16.0 | opensuse-leap | 16.0 |  |  |  |  | suse opensuse | refused: chrony only
opensuse-leap-42.3 | opensuse | 42.3 |  |  |  |  | suse | refused: unknown
opensuse-tumbleweed-20240112 | opensuse-tumbleweed | 20240112 |  |  |  |  | opensuse suse | opensuse-tumbleweed
opensuse-tumbleweed-20240823 | opensuse-tumbleweed | 20240823 |  |  |  |  | opensuse suse | opensuse-tumbleweed
photon-5.0 | photon | 5.0 |  |  |  |  |  | refused: unknown
pika-4 | pika | 4 | nest |  | sid |  | debian | refused: unknown
pop-20.04 | pop | 20.04 | focal | focal |  |  | ubuntu debian | ubuntu-20.04
pop-21.10 | pop | 21.10 | impish | impish |  |  | ubuntu debian | refused: unknown
pop-22.04 | pop | 22.04 | jammy | jammy |  |  | ubuntu debian | ubuntu-22.04
raspbian-10 | raspbian | 10 | buster |  |  |  | debian | refused: end of life
raspbian-11 | raspbian | 11 | bullseye |  |  |  | debian | debian-11
raspbian-12 | raspbian | 12 | bookworm |  |  |  | debian | debian-12
raspbian-8 | raspbian | 8 |  |  |  |  | debian | refused: end of life
rhel-10.0 | rhel | 10.0 |  |  |  |  | centos fedora | el-10
rhel-7.6 | rhel | 7.6 |  |  |  | server | fedora | refused: end of life
rhel-7.9 | rhel | 7.9 |  |  |  | server | fedora | refused: end of life
rhel-8.0 | rhel | 8.0 |  |  |  |  | fedora | el-8
rhel-8.10 | rhel | 8.10 |  |  |  |  | fedora | el-8
rhel-8.3 | rhel | 8.3 |  |  |  |  | fedora | el-8
rhel-8.5 | rhel | 8.5 |  |  |  |  | fedora | el-8
rhel-8.6 | rhel | 8.6 |  |  |  |  | fedora | el-8
rhel-8.9 | rhel | 8.9 |  |  |  |  | fedora | el-8
rhel-9.1 | rhel | 9.1 |  |  |  |  | fedora | el-9
rhel-9.2 | rhel | 9.2 |  |  |  |  | fedora | el-9
rhel-9.3 | rhel | 9.3 |  |  |  |  | fedora | el-9
rhel-9.4 | rhel | 9.4 |  |  |  |  | fedora | el-9
rhel-9.6 | rhel | 9.6 |  |  |  |  | fedora | el-9
rocky-10.0 | rocky | 10.0 |  |  |  |  | rhel centos fedora | el-10
rocky-8.10 | rocky | 8.10 |  |  |  |  | rhel centos fedora | el-8
rocky-8.4 | rocky | 8.4 |  |  |  |  | rhel fedora | el-8
rocky-8.5 | rocky | 8.5 |  |  |  |  | rhel centos fedora | el-8
rocky-8.6 | rocky | 8.6 |  |  |  |  | rhel centos fedora | el-8
rocky-8.7 | rocky | 8.7 |  |  |  |  | rhel centos fedora | el-8
rocky-8.8 | rocky | 8.8 |  |  |  |  | rhel centos fedora | el-8
rocky-8.9 | rocky | 8.9 |  |  |  |  | rhel centos fedora | el-8
rocky-9.0 | rocky | 9.0 |  |  |  |  | rhel centos fedora | el-9
rocky-9.1 | rocky | 9.1 |  |  |  |  | rhel centos fedora | el-9
rocky-9.2 | rocky | 9.2 |  |  |  |  | rhel centos fedora | el-9
rocky-9.3 | rocky | 9.3 |  |  |  |  | rhel centos fedora | el-9
rocky-9.4 | rocky | 9.4 |  |  |  |  | rhel centos fedora | el-9
rocky-9.5 | rocky | 9.5 |  |  |  |  | rhel centos fedora | el-9
scientific-7.5 | scientific | 7.5 |  |  |  |  | rhel centos fedora | refused: end of life
scientific-7.7 | scientific | 7.7 |  |  |  |  | rhel centos fedora | refused: end of life
sl-micro-6.0 | sl-micro | 6.0 |  |  |  |  | suse | refused: unknown
slackware-15.0 | slackware | 15.0 | stable |  |  |  |  | refused: unknown
sles-11.4 | sles | 11.4 |  |  |  |  |  | refused: end of life
sles-12 | sles | 12 |  |  |  |  |  | refused: end of life
sles-15 | sles | 15 |  |  |  |  | suse | sles-15
sles-15.1 | sles | 15.1 |  |  |  |  | suse | sles-15
sles-15.2 | sles | 15.2 |  |  |  |  | suse | sles-15
sles-15.2-sap | sles | 15.2 |  |  |  | sles-sap | suse | sles-15
sles-15.3 | sles | 15.3 |  |  |  |  | suse | sles-15
sles-15.4 | sles | 15.4 |  |  |  |  | suse | sles-15
sles-15.5 | sles | 15.5 |  |  |  |  | suse | sles-15
sles-15.6 | sles | 15.6 |  |  |  |  | suse | sles-15
sles-15.7 | sles | 15.7 |  |  |  |  | suse | sles-15
sles_sap-12.0.1 | sles_sap | 12.0.1 |  |  |  |  |  | refused: end of life
sles_sap-12.1.0.1 | sles_sap | 12.1.0.1 |  |  |  |  |  | refused: end of life
sles_sap-12.2 | sles_sap | 12.2 |  |  |  |  |  | refused: end of life
suse-microos-5.1 | suse-microos | 5.1 |  |  |  |  | suse | refused: unknown
ubuntu-14.04 | ubuntu | 14.04 |  |  |  |  | debian | refused: end of life
ubuntu-16.04 | ubuntu | 16.04 | xenial | xenial |  |  | debian | refused: end of life
ubuntu-18.04 | ubuntu | 18.04 | bionic | bionic |  |  | debian | refused: end of life
ubuntu-18.10 | ubuntu | 18.10 | cosmic | cosmic |  |  | debian | refused: end of life
ubuntu-19.04 | ubuntu | 19.04 | disco | disco |  |  | debian | refused: end of life
ubuntu-19.10 | ubuntu | 19.10 | eoan | eoan |  |  | debian | refused: end of life
ubuntu-20.04 | ubuntu | 20.04 | focal | focal |  |  | debian | ubuntu-20.04
ubuntu-20.10 | ubuntu | 20.10 | groovy | groovy |  |  | debian | refused: unknown
ubuntu-21.04 | ubuntu | 21.04 | hirsute | hirsute |  |  | debian | refused: unknown
ubuntu-21.10 | ubuntu | 21.10 | impish | impish |  |  | debian | refused: unknown
ubuntu-22.04 | ubuntu | 22.04 | jammy | jammy |  |  | debian | ubuntu-22.04
ubuntu-24.04 | ubuntu | 24.04 | noble | noble |  |  | debian | ubuntu-24.04
ubuntu-25.04 | ubuntu | 25.04 | plucky | plucky |  |  | debian | ubuntu-26.04
ubuntu-25.10 | ubuntu | 25.10 | questing | questing |  |  | debian | ubuntu-26.04
ubuntu-26.04 | ubuntu | 26.04 | resolute | resolute |  |  | debian | ubuntu-26.04
vanillaos-2 | ubuntu | 2 | orchid | sid |  |  | debian | refused: unknown
vanillaos-22.10 | ubuntu | 22.10 | kinetic | kinetic |  |  | debian | refused: unknown
virtuozzo-9 | virtuozzo | 9 |  |  |  |  | rhel fedora | refused: unknown
void | void |  |  |  |  |  |  | refused: unknown
zorin-16 | zorin | 16 | focal | focal |  |  | ubuntu | refused: unknown
zorin-17 | zorin | 17 | jammy | jammy |  |  | ubuntu debian | refused: unknown
"""


def systems() -> list[tuple[str, dict[str, str], str]]:
    """Name, os-release, and what it must lead to."""
    found = []
    for line in TABLE.strip().splitlines():
        name, *values, leads = (cell.strip() for cell in line.split("|"))
        found.append((name, {key: value for key, value in zip(KEYS, values) if value}, leads))
    return found
