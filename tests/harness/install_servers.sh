#!/bin/sh
# Installs the Debian packages of the programs that the tests start, when one is missing.
# Only root may; anybody else is told the line to run. The tests start and end them themselves.
set -eu

missing=""
command -v redis-server >/dev/null || missing="redis-server"
command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 \
    || missing="$missing postgresql"
command -v node >/dev/null || missing="$missing nodejs"
command -v npm >/dev/null || missing="$missing npm"
command -v promtool >/dev/null || missing="$missing prometheus"
command -v amtool >/dev/null || missing="$missing prometheus-alertmanager"
command -v chromium >/dev/null || command -v google-chrome >/dev/null || missing="$missing chromium"
command -v openssl >/dev/null || missing="$missing openssl"
command -v nginx >/dev/null || missing="$missing nginx-light"
command -v kubectl >/dev/null || missing="$missing kubernetes-client"
[ -n "$missing" ] || exit 0

line="apt-get update && apt-get install -y --no-install-recommends $(echo $missing)"
if ! command -v apt-get >/dev/null; then
    echo "The tests need$(printf ' %s' $missing): install them with your system's packages." >&2
    exit 1
fi
if [ "$(id -u)" != 0 ]; then
    echo "The tests need programs that are not installed; run: sudo sh -c '$line'" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
if ! sh -c "$line" >"$log" 2>&1; then
    cat "$log" >&2
    echo "Could not install what the tests need: $line" >&2
    exit 1
fi
rm -f "$log"
