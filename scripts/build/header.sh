#!/bin/sh
# blockyard as a single file: this header, padded to @HEADER_BYTES@ bytes, and behind it a tar
# archive with Deno and the program. The first start unpacks it into a folder named by the digest
# of its contents; every later one checks that folder and runs it.
#
# What is executed must be out of the reach of other users. So at every start each folder from / to
# the unpacked one has to belong to root or to the user who runs it, and must not be writable by
# group or others. (An access control list that lets others write shows as group-writable.) Above
# the cache folder a sticky folder such as /tmp is good enough: nobody can replace what
# belongs to somebody else in it. Nothing can change between that check and the exec, since only
# root and the user could have changed it. Ownership alone, which the shell could test without
# starting another program, would not do: in a folder that others can write, they can move other
# folders of the user's into place between test and use. One stat(1), about a millisecond, is the
# price; commands that are started often go around this header altogether.
#
# Folders of other versions stay: a server that still runs from one loads files from it later on.
set -u

die() {
  printf 'blockyard: %s\n' "$*" >&2
  exit 126
}

# Sets cache. For the owner of / it is the system's folder, whatever HOME sudo has left behind;
# root of a user namespace does not own / and has a folder of its own.
choose_cache() {
  if [ -n "${BLOCKYARD_CACHE_DIR-}" ]; then
    cache=$BLOCKYARD_CACHE_DIR
  elif [ -O / ]; then
    cache=/var/cache/blockyard
  elif [ -n "${XDG_CACHE_HOME-}" ]; then
    cache=$XDG_CACHE_HOME/blockyard
  elif [ -n "${HOME-}" ]; then
    cache=$HOME/.cache/blockyard
  else
    die 'cannot choose a cache folder: HOME is not set; set BLOCKYARD_CACHE_DIR to an absolute path'
  fi
  case $cache in
    *'
'*) die 'cannot use a cache folder with a line break in its name' ;;
    /*) ;;
    *) die "cannot use $cache as cache folder: want an absolute path in BLOCKYARD_CACHE_DIR" ;;
  esac
}

# check FOLDER: ends the program unless others can neither change FOLDER nor put another in its
# place. FOLDER exists and its path has no symbolic links.
check() {
  rest=${1#/}
  prefix=
  set -- /
  while [ -n "$rest" ]; do
    prefix=$prefix/${rest%%/*}
    set -- "$@" "$prefix"
    case $rest in
      */*) rest=${rest#*/} ;;
      *) rest= ;;
    esac
  done
  listing=$(stat -c '%u %a %n' -- "$@" 2>&1) || die "cannot check the cache folder: $listing"
  system=
  while read -r uid mode path; do
    # Whoever owns / also supplies the shell and the libraries, and is 65534, not 0, inside a user
    # namespace that does not map root.
    : "${system:=$uid}"
    [ "$uid" = 0 ] || [ "$uid" = "$system" ] || [ -O "$path" ] ||
      die "refusing to run from $prefix: $path belongs to uid $uid; set BLOCKYARD_CACHE_DIR to a folder of your own"
    case $mode in
      *[2367]? | *[2367])
        case $path/:$mode in
          "$cache"/*) ;;
          *:[1357]???) continue ;;
        esac
        die "refusing to run from $prefix: others can write $path (mode $mode); run chmod go-w on it, or set BLOCKYARD_CACHE_DIR"
        ;;
    esac
  done <<LISTING
$listing
LISTING
}

# Sets cache to its path without symbolic links, as far as it exists.
resolve_cache() {
  rest=${cache#/}
  prefix=
  while [ -n "$rest" ]; do
    prefix=$prefix/${rest%%/*}
    if [ -h "$prefix" ]; then
      tail=${cache#"$prefix"}
      real=$(cd -P -- "$prefix" 2>/dev/null && pwd -P) ||
        die "cannot use $cache as cache folder: $prefix is a symbolic link to no folder"
      cache=${real%/}$tail
      resolve_cache
      return
    fi
    case $rest in
      */*) rest=${rest#*/} ;;
      *) rest= ;;
    esac
  done
}

# Unpacks into a sibling, proves that it is whole and starts, and renames it into place. A subshell,
# so that its umask, lock and traps end with it; whatever fails, it leaves nothing behind.
unpack() (
  umask 022
  self=$0
  case $self in
    */*) ;;
    *) self=$(command -v -- "$self") || die "cannot find this file again: it was started as $0" ;;
  esac
  machine=$(uname -m)
  [ "$machine" = '@MACHINE@' ] || die "cannot run on $machine: this file was built for @MACHINE@"
  for tool in mktemp sha256sum tail tar wc; do
    command -v "$tool" >/dev/null || die "cannot unpack: want the program $tool"
  done
  bytes=$(wc -c <"$self") || die "cannot read $self"
  [ "$bytes" -eq '@FILE_BYTES@' ] ||
    die "cannot use $self: it has $((bytes)) bytes where @FILE_BYTES@ are wanted; copy it again"

  above=$cache
  while [ ! -d "$above" ]; do
    above=${above%/*}
    : "${above:=/}"
  done
  check "$above"
  reason=$(mkdir -p -- "$cache" 2>&1) ||
    die "cannot make $cache: ${reason##*: }; set BLOCKYARD_CACHE_DIR to a folder that you can write"
  check "$cache"
  [ -w "$cache" ] ||
    die "cannot unpack into $cache: it cannot be written; set BLOCKYARD_CACHE_DIR to a folder that you can write"

  # With the lock, the others of many first starts wait for one instead of writing as many copies;
  # without it each unpacks, and the first rename wins.
  if command -v flock >/dev/null; then
    exec 9<"$cache"
    flock 9
    rm -rf -- "$cache"/.new-*
    complete && exit 0
  fi
  reason=$(mktemp -d "$cache/.new-XXXXXX" 2>&1) || die "cannot unpack into $cache: ${reason##*: }"
  new=$reason
  trap 'rm -rf -- "$new"' EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM

  reason=$({ tail -c "+$((@HEADER_BYTES@ + 1))" -- "$self" | tar -xmof - -C "$new"; } 2>&1) ||
    die "cannot unpack into $cache, which wants @UNPACKED_MIB@ MiB: $(first_line "$reason")"
  printf '%s\n' '@DIGESTS@' | (cd -- "$new" && sha256sum -c - >/dev/null 2>&1) ||
    die "cannot use $self: its contents do not match their sha256; copy it again"
  mkdir -m 700 -- "$new/cache" && chmod 755 -- "$new" || die "cannot prepare $new"
  reason=$(DENO_DIR=$new/cache "$new/deno" --version 2>&1) ||
    die "cannot run from $cache (a file system mounted noexec, or no glibc?): $(first_line "$reason")"

  # Only an incomplete folder can be in the way here, or one that was complete a moment ago.
  if [ -d "$dir" ] && ! complete; then
    mv -T -- "$dir" "$new/damaged"
  fi
  reason=$(mv -T -- "$new" "$dir" 2>&1) || complete || die "cannot unpack into $dir: ${reason##*: }"
  rm -rf -- "$dir/damaged"
)

first_line() {
  printf '%s\n' "$1" | head -n 1
}

# True when the folder holds what a start needs; a cleaner of old files may have taken some.
complete() {
  [ -x "$dir/deno" ] && [ -f "$dir/main.js" ]
}

main() {
  choose_cache
  resolve_cache
  dir=$cache/@DIGEST@
  complete || unpack || exit
  check "$dir"

  # The cache folder of Deno is where V8 keeps compiled code, which makes later starts faster. Only
  # this header knows the name of the file that was started.
  export DENO_DIR="$dir/cache" DENO_NO_UPDATE_CHECK=1 BLOCKYARD_EXECUTABLE="$0"
  case ${1-} in
@LEAN_CASES@
    *) exec "$dir/deno" run @RUN_FLAGS@ "$dir/main.js" "$@" ;;
  esac
}

# The last line, so that a file cut off within the header does nothing.
main "$@"
exit
