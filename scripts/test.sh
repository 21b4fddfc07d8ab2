#!/bin/sh
# Installs what the tests need and runs them, inside a network namespace of its own that has nothing
# but loopback: no test can reach the services or the cloud metadata of the host. The last line is
# `N passed, N failed`.
#
#     scripts/test.sh [static|build|unit|contract|integration|e2e|vm]...
#
# Without root the tests that need it say so and are skipped; BLOCKYARD_TESTS_MUST_RUN=1 turns every
# skip into a failure.
set -eu
cd -- "$(dirname -- "$0")/.."

packages='
  apparmor bubblewrap r-base-core r-cran-shiny r-cran-plumber r-cran-ggplot2 r-cran-svglite
  chromium jq nftables redis-server redis-tools postgresql shellcheck systemd
  ca-certificates gcc git iproute2 libc6-dev procps strace util-linux
  busybox-static linux-image-amd64 qemu-system-x86 xz-utils
'
# shellcheck disable=SC2086 # names of packages, apart
scripts/apt.sh $packages
deno=$(scripts/deno.sh)
# Where it is not to be had, the test that wants it says so.
scripts/support/apparmor4.sh >/dev/null || true

# Everything that comes from outside is fetched here: packages of the frozen lock file, and the
# bundler, which Deno fetches when it first bundles.
find main.ts src ffi scripts tests -name '*.ts' -print0 | xargs -0 "$deno" cache --quiet
"$deno" bundle --quiet src/core/build_info.ts >/dev/null

# An ordinary user makes the network namespace inside a user namespace, and gives up the capabilities
# that it has there: bwrap refuses to start with capabilities that it did not expect.
set -- "$deno" run --allow-all scripts/run_tests.ts "$@"
export DENO_NO_UPDATE_CHECK=1
if [ "$(id -u)" -eq 0 ]; then
  exec unshare --net sh -c 'ip link set lo up && exec "$@"' sh "$@"
fi
exec unshare --net --user --map-current-user --keep-caps \
  sh -c 'ip link set lo up && exec setpriv --ambient-caps=-all --inh-caps=-all "$@"' sh "$@"
