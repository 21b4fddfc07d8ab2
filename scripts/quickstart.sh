#!/bin/sh
# From a fresh Debian or Ubuntu to a Shiny app in a browser, without a question: installs what is
# missing, builds dist/blockyard and serves the built-in demo. Arguments go to `serve --demo`.
#
#     scripts/quickstart.sh [--bind ADDRESS:PORT]
set -eu
cd -- "$(dirname -- "$0")/.."

scripts/apt.sh bubblewrap r-base-core r-cran-shiny
deno=$(scripts/deno.sh)
"$deno" run --allow-all scripts/build.ts
dist/blockyard --version
exec dist/blockyard serve --demo "$@"
