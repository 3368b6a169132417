#!/usr/bin/env bash
# `npm test`: the check, then the tests against the real kernel and real peers. `--long` runs the hour-long ones instead.
set -euo pipefail
groups="static unit homes scripted"
if [ "${1:-}" = --long ]; then
  groups="long"
  shift
fi
# shellcheck disable=SC2086  # the groups are words
exec bash "$(dirname "$0")/with-node.sh" --needs "lab lab-kea test" scripts/run-tests.ts $groups "$@"
