#!/bin/sh
# Installs the named Debian packages that are missing, without a question and without their
# recommendations (which are hundreds of R packages here). Prints to standard error only.
#
#     scripts/apt.sh PACKAGE...
set -eu

missing=
for package in "$@"; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || status=
  [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
  echo "cannot install by apt-get, which this system lacks. Install what these Debian packages hold:$missing" >&2
  exit 1
fi
as_root=
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "cannot install as an ordinary user without sudo. Run as root: apt-get install --no-install-recommends$missing" >&2
    exit 1
  fi
  as_root=sudo
fi

echo "installing:$missing" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# The lock is waited for: a fresh machine often updates itself in its first minutes.
apt() {
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 "$@" \
    >"$log" 2>&1 </dev/null
}
# shellcheck disable=SC2086 # names of packages, apart
if ! { apt install --no-install-recommends $missing ||
  { apt update && apt install --no-install-recommends $missing; }; }; then
  cat "$log" >&2
  echo "cannot install$missing: see the messages of apt-get above" >&2
  exit 1
fi
