#!/bin/sh
# Installs what the tests of the images need: an engine, compose, and what makes a base image
# where no registry can be reached. Only root may; nothing is started.
set -eu

missing=""
command -v dockerd >/dev/null || missing="docker.""io"  # Debian's package
command -v docker-compose >/dev/null || missing="$missing docker-compose"
command -v debootstrap >/dev/null || missing="$missing debootstrap"
command -v iptables >/dev/null || missing="$missing iptables"
[ -n "$missing" ] || exit 0

line="apt-get update && apt-get install -y --no-install-recommends $(echo $missing)"
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "The tests of the images need$(printf ' %s' $missing); as root on Debian: $line" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
# No service of a package is started by its installation.
policy=/usr/sbin/policy-rc.d
[ -e "$policy" ] || { printf '#!/bin/sh\nexit 101\n' >"$policy"; chmod 755 "$policy"; made=1; }
log=$(mktemp)
sh -c "$line" >"$log" 2>&1 || { cat "$log" >&2; failed=1; }
rm -f "$log"
[ -z "${made:-}" ] || rm -f "$policy"
[ -z "${failed:-}" ]
