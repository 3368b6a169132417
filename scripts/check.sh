#!/usr/bin/env bash
# `npm run check`: what must be green before a commit: types, lint, format, unit and simulator tests. No root, no namespaces.
set -euo pipefail
exec bash "$(dirname "$0")/with-node.sh" scripts/run-tests.ts static unit "$@"
