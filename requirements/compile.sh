#!/bin/sh
# Pin every dependency with hashes and without addresses. Run by `make requirements`.
set -eu
cd "$(dirname "$0")/.."
pin() { # pin OUTPUT ARGUMENTS...
    output=$1; shift
    .venv/bin/uv pip compile pyproject.toml "$@" --universal --python-version 3.11 \
        --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet \
        --output-file "requirements/$output" >/dev/null
}
pin server.txt --extra server --extra postgres --extra redis
# With the drivers of both databases, and without what the extra `postgres` brings for graphs.
echo 'psycopg[binary]>=3.2' | pin sidecar.txt - --extra sidecar --extra redis
pin all.txt --all-extras --group dev
pin loadtests.txt --extra loadtests --constraint requirements/all.txt
# What makes the wheel that the images install.
echo 'hatchling>=1.27' | .venv/bin/uv pip compile - --constraint requirements/all.txt --universal --python-version 3.11 \
    --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet \
    --output-file requirements/build.txt >/dev/null
echo 'uv' | .venv/bin/uv pip compile - --constraint requirements/all.txt --universal --python-version 3.11 \
    --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet \
    --output-file requirements/uv.txt >/dev/null
# The official development server, which tests compare with; in a virtual environment of its own.
echo 'langgraph-cli[inmem]' | .venv/bin/uv pip compile - --universal --python-version 3.11 \
    --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet \
    --output-file requirements/official.txt >/dev/null
