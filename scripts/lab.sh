#!/usr/bin/env bash
# `npm run lab`: radvd and Kea are installed only when the provider is made of them.
set -euo pipefail
needs="lab"
case " $* " in *"--isp kea "* | *"--isp=kea "*) needs="lab lab-kea" ;; esac
exec bash "$(dirname "$0")/with-node.sh" --needs "$needs" src/cli/main.ts lab "$@"
