#!/bin/sh
# Install the servers that the tests talk to. Where that is not possible the tests that need them are
# skipped, each saying so.
missing=
for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -z "$missing" ] && exit 0
if ! command -v apt-get >/dev/null 2>&1; then
    echo "tests: no apt-get here; skipped where they need:$missing" >&2
    exit 0
fi
sudo=
[ "$(id -u)" -eq 0 ] || sudo="sudo -n"
echo "tests: installing$missing" >&2
if $sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq \
    --no-install-recommends $missing >/dev/null; then
    exit 0
fi
echo "tests: could not install; skipped where they need:$missing" >&2
exit 0
