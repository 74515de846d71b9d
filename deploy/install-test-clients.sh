#!/bin/sh
# Clients of vendors, in a virtual environment of their own: install-test-clients.sh FOLDER PACKAGE…
# They are large, so they are installed once. Tests that lack them are skipped, and say so.
set -eu
folder=$1
shift
mkdir -p "$(dirname "$folder")"
if "${PYTHON:-.venv/bin/python}" -m venv "$folder" &&
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile "$@"; then
    touch "$folder/ready"
else
    echo "not installed: $* (tests that use it will be skipped)" >&2
fi
