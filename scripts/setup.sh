#!/usr/bin/env bash
# Brings the machine to where the project can run: what npm installs, then the Debian packages of the sets that are named.
# Usage: scripts/setup.sh [lab] [lab-kea] [test] [bench]
# It installs only what is missing, never starts a service, and where it can't install it says in one sentence what stays away.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
# npm and apt-get finish their work before they heed Ctrl-C; then it must end us too.
trap 'exit 130' INT

# package, then the command (or the path, library or Python module) by which we see that it is there
packages_of() {
  case "$1" in
    lab) cat <<'SET'
curl curl
iproute2 ip
libnftables1 lib:libnftables.so.1
nftables nft
SET
      ;;
    lab-kea) cat <<'SET'
radvd radvd
kea-dhcp4-server kea-dhcp4
kea-dhcp6-server kea-dhcp6
SET
      ;;
    test) cat <<'SET'
avahi-daemon avahi-daemon
bind9 named
bind9-dnsutils delv
bind9-utils dnssec-signzone
conntrack conntrack
dbus-daemon dbus-daemon
dhcpcd-base dhcpcd
dnsmasq-base dnsmasq
faketime faketime
iperf3 iperf3
iputils-ping ping
isc-dhcp-client dhclient
knot-dnsutils kdig
ndisc6 rdisc6
network-manager NetworkManager
openssl openssl
procps sysctl
python3-scapy python:scapy
systemd /lib/systemd/systemd-networkd
tcpdump tcpdump
thc-ipv6 atk6-flood_rs6
tshark tshark
udhcpc udhcpc
util-linux unshare
wide-dhcpv6-client dhcp6c
SET
      ;;
    bench) cat <<'SET'
dnsperf dnsperf
kea-admin perfdhcp
unbound unbound
SET
      ;;
    *) echo "setup: no set is called $1" >&2; exit 64 ;;
  esac
}

is_there() {
  case "$1" in
    /*) [ -e "$1" ] ;;
    lib:*) ldconfig -p | grep -F "${1#lib:} " >/dev/null ;;
    python:*) /usr/bin/python3 -c "import sys, importlib.util as i; sys.exit(i.find_spec('${1#python:}') is None)" 2>/dev/null ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

missing_packages() {
  local set package sign
  for set in "$@"; do
    while read -r package sign; do
      is_there "$sign" || echo "$package"
    done < <(packages_of "$set")
  done | sort -u
}

install_node_modules() {
  node scripts/is-installed.cjs && return
  mkdir -p .tmp
  exec 9>.tmp/setup.lock
  flock 9
  node scripts/is-installed.cjs && { exec 9>&-; return; }
  echo "Installing what package-lock.json names into node_modules (npm ci) ..." >&2
  local force=()
  # The Node that comes along, like the linter, is built for x86-64 and glibc; elsewhere the machine's own must be new enough.
  [ "$(uname -m)" = x86_64 ] && [ ! -e /lib/ld-musl-x86_64.so.1 ] || force=(--force)
  # npm itself would try for more than a minute before it says that there is no network.
  local options=(--ignore-scripts --no-audit --no-fund --no-progress --fetch-retry-mintimeout=2000 --fetch-retry-maxtimeout=10000 "${force[@]}")
  # What npm has in its cache needs no network. The date, which excludes nothing, makes npm look for the answers that it caches at an install.
  npm ci "${options[@]}" --offline --before="$(date --date=tomorrow +%F)" --silent >/dev/null 2>&1 ||
    npm ci "${options[@]}" --loglevel=error >/dev/null || {
    echo "setup: npm could not install the packages, and nothing here runs without them; is this machine connected to the internet?" >&2
    exit 69
  }
  exec 9>&-
}

# Debian starts a service when its package is installed, unless /usr/sbin/policy-rc.d forbids it. Ours forbids it only while this script
# lives, so even one that was left behind by a power cut forbids nothing.
forbid_services() {
  policy=/usr/sbin/policy-rc.d
  [ -e "$policy" ] && return
  printf '#!/bin/sh\nkill -0 %d 2>/dev/null && exit 101\nexit 0\n' "$$" >"$policy"
  chmod 755 "$policy"
  trap 'rm -f "$policy"' EXIT
}

allow_services() {
  [ -z "$(trap -p EXIT)" ] && return
  rm -f "$policy"
  trap - EXIT
}

# What we install is for our namespaces: after a reboot the machine must be as quiet as before.
disable_new_services() {
  local package file
  for package in $(comm -13 "$1" <(installed_packages)); do
    for file in $(dpkg -L "$package"); do
      case "$file" in
        */systemd/system/*@.service) ;;
        */systemd/system/*.service) systemctl disable "${file##*/}" || true ;;
        /etc/init.d/*) update-rc.d "${file##*/}" disable || true ;;
      esac
    done
  done >>.tmp/apt.log 2>&1
}

installed_packages() { dpkg-query -W -f '${binary:Package}\n' | sort; }

apt() { DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 "$@" >>.tmp/apt.log 2>&1; }

install_packages() {
  local before package failed=()
  mkdir -p .tmp
  : >.tmp/apt.log
  echo "Installing Debian packages: $* ..." >&2
  before=$(mktemp)
  installed_packages >"$before"
  forbid_services
  apt update || true
  # All at once is quick; when one of them can't be had, the others must still come.
  if ! apt install --yes --no-install-recommends "$@"; then
    for package in "$@"; do
      apt install --yes --no-install-recommends "$package" || failed+=("$package")
    done
  fi
  disable_new_services "$before"
  allow_services
  rm -f "$before"
  [ ${#failed[@]} -eq 0 ] || echo "setup: could not install ${failed[*]} (see .tmp/apt.log); the parts that need them are skipped." >&2
}

install_node_modules
mapfile -t missing < <(missing_packages "$@")
if [ ${#missing[@]} -gt 0 ]; then
  if ! command -v apt-get >/dev/null; then
    echo "setup: this is no Debian and ${missing[*]} (Debian's names) are missing; the parts that need them are skipped." >&2
  elif [ "$(id -u)" -ne 0 ]; then
    echo "setup: only root can install Debian packages, so what needs the missing ones is skipped: apt-get install ${missing[*]}" >&2
  else
    install_packages "${missing[@]}"
  fi
fi
