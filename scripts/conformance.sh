#!/usr/bin/env bash
# `npm run conformance`: runs all tests, then prints what they prove. `--last` takes the results of the run before.
set -uo pipefail
here=$(dirname "$0")
last=""
options=()
for option in "$@"; do
  if [ "$option" = --last ]; then last=yes; else options+=("$option"); fi
done
# A failed test is a failed row, so the table is printed all the same.
[ -n "$last" ] || bash "$here/test.sh" >&2
exec bash "$here/with-node.sh" scripts/conformance.ts "${options[@]}"
