#!/usr/bin/env bash
# Runs a file of the project on a Node that is new enough, whatever the machine's own is, after setting up what is missing.
# Usage: scripts/with-node.sh [--needs "SET ..."] FILE [ARGUMENT ...]
# SKYLAN_NODE names another Node to run it on, as continuous integration does for the oldest one that must work.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)

needs=""
if [ "${1:-}" = --needs ]; then
  needs=$2
  shift 2
fi
# shellcheck disable=SC2086  # the sets are words
bash "$root/scripts/setup.sh" $needs

file=$1
shift
case "$file" in /*) ;; *) file="$root/$file" ;; esac

# Compiled code is kept, also for the many processes that tests start.
export NODE_COMPILE_CACHE="${NODE_COMPILE_CACHE:-$root/.tmp/compile-cache}"

if [ -n "${SKYLAN_NODE:-}" ]; then exec "$SKYLAN_NODE" "$file" "$@"; fi
bundled="$root/node_modules/.bin/node"
if "$bundled" --version >/dev/null 2>&1; then exec "$bundled" "$file" "$@"; fi
if node -e 'var v = process.versions.node.split(".").map(Number); process.exit(v[0] > 23 || (v[0] === 22 && v[1] >= 18) ? 0 : 1)'; then
  exec node "$file" "$@"
fi
echo "skylan needs Node 22.18 or newer; for this kind of machine install Node 24 from https://nodejs.org/." >&2
exit 69
