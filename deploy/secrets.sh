#!/bin/sh
# Makes the secrets of docker-compose.yml; leaves those alone that are there. Run by `make secrets`.
set -eu
folder=${1:-"$(dirname "$0")/secrets"}
# The containers read the files as users of their own; on the host only the owner gets to them.
mkdir -p "$folder"
chmod 700 "$folder"
cd "$folder"

random() { head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'; }
make() { # make FILE TEXT
    [ -s "$1" ] || printf '%s' "$2" >"$1"
    chmod 444 "$1"
}
make postgres_password "$(random)"
make postgres_uri "postgresql://outrigger:$(cat postgres_password)@postgres:5432/outrigger"
make redis_password "$(random)"
make redis_uri "redis://:$(cat redis_password)@redis:6379/0"
make grafana_password "$(random)"
make api_key "$(random)"
make api_keys "operator:$(printf '%s' "$(cat api_key)" | sha256sum | cut -d' ' -f1)"
