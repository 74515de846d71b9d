#!/bin/sh
# A vendor's document that judges our tests, from its npm package: fetch-test-document.sh FOLDER PACKAGE@VERSION
# It is fetched once and never run. Tests that lack it are skipped, and say so.
set -u
folder=$1
package=$2
mkdir -p "$folder"
if archive=$(npm pack --silent --pack-destination "$folder" "$package") &&
    tar -xzf "$folder/$archive" -C "$folder"; then
    rm "$folder/$archive"
    touch "$folder/ready"
else
    echo "not fetched: $package (tests that use it will be skipped)" >&2
fi
