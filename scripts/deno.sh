#!/bin/sh
# Prints the path of the Deno executable whose version .deno-version names; where there is none, it
# is installed into a folder of the user's cache first. Looked for in this order: $DENO_BIN, PATH,
# that folder. Installed by npm, else by Deno's own installer, else by Debian's npm.
set -eu

here=$(dirname -- "$0")
version=$(cat "$here/../.deno-version")

# matches PROGRAM: sets found to the executable behind it (npm puts a script in front of its own),
# and got to its version.
matches() {
  got=
  found=
  answer=$(DENO_NO_UPDATE_CHECK=1 "$1" eval --no-config --no-lock \
    'console.log(`${Deno.version.deno} ${Deno.execPath()}`)' 2>/dev/null) || return 1
  got=${answer%% *}
  found=${answer#* }
  [ "$got" = "$version" ]
}

if [ -n "${DENO_BIN-}" ]; then
  if matches "$DENO_BIN"; then
    echo "$found"
    exit 0
  fi
  echo "cannot use DENO_BIN=$DENO_BIN: want Deno $version, got ${got:-something that does not run}" >&2
  exit 1
fi
if command -v deno >/dev/null && matches deno; then
  echo "$found"
  exit 0
fi
if [ -z "${XDG_CACHE_HOME-}${HOME-}" ]; then
  echo "cannot install Deno $version: set HOME, or DENO_BIN to a Deno of that version" >&2
  exit 1
fi
folder=${XDG_CACHE_HOME:-${HOME-}/.cache}/blockyard-tools/deno-$version
if [ -x "$folder/deno" ] && matches "$folder/deno"; then
  echo "$found"
  exit 0
fi

mkdir -p "$folder"
new=$(mktemp -d "$folder/.new-XXXXXX")
trap 'rm -rf "$new"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
log=$new/log

by_npm() {
  command -v npm >/dev/null || return 1
  npm install --prefix "$new" --no-save --no-package-lock --ignore-scripts --no-audit --no-fund \
    "deno@$version" >>"$log" 2>&1 </dev/null || return 1
  mv "$new/node_modules/@deno/linux-$(machine)-glibc/deno" "$new/deno" 2>>"$log"
}

by_installer() {
  command -v curl >/dev/null && command -v unzip >/dev/null || return 1
  curl --fail --silent --show-error --location --connect-timeout 10 --max-time 300 \
    --output "$new/install.sh" https://deno.land/install.sh >>"$log" 2>&1 || return 1
  HOME=$new DENO_INSTALL=$new sh "$new/install.sh" --no-modify-path "v$version" \
    >>"$log" 2>&1 </dev/null || return 1
  mv "$new/bin/deno" "$new/deno" 2>>"$log"
}

machine() {
  case $(uname -m) in
    x86_64) echo x64 ;;
    aarch64) echo arm64 ;;
    *) uname -m ;;
  esac
}

echo "installing Deno $version into $folder" >&2
if ! { by_npm || by_installer || { "$here/apt.sh" ca-certificates npm && by_npm; }; } || ! matches "$new/deno"; then
  [ ! -f "$log" ] || cat "$log" >&2
  echo "cannot install Deno $version by npm or by its own installer; set DENO_BIN to a Deno of that version" >&2
  exit 1
fi
# One rename, so that two installs at once leave one whole executable, whoever comes last.
mv -f "$new/deno" "$folder/deno"
echo "$folder/deno"
