#!/bin/sh
# Prints the path of a program that works as apparmor_parser(8) of AppArmor 4 does, for tests: the
# system's own if it is new enough. Debian 12 has 3.0; there, packages of Debian 13 are unpacked into
# a folder of the user's cache, and nothing of them is installed.
#
#     scripts/support/apparmor4.sh
set -eu

is_new() {
  case $("$@" --version 2>/dev/null) in
    'AppArmor parser version '[4-9].* | 'AppArmor parser version '[1-9][0-9].*) ;;
    *) return 1 ;;
  esac
}

for own in apparmor_parser /usr/sbin/apparmor_parser; do
  if path=$(command -v "$own") && is_new "$path"; then
    echo "$path"
    exit 0
  fi
done
if [ -z "${XDG_CACHE_HOME-}${HOME-}" ]; then
  echo 'cannot unpack the parser of AppArmor 4: set HOME' >&2
  exit 1
fi
folder=${XDG_CACHE_HOME:-${HOME-}/.cache}/blockyard-tools/apparmor-4
if [ -x "$folder/parser" ] && is_new "$folder/parser"; then
  echo "$folder/parser"
  exit 0
fi

for tool in apt-get dpkg dpkg-deb; do
  command -v "$tool" >/dev/null || {
    echo "cannot unpack the parser of AppArmor 4: want the program $tool" >&2
    exit 1
  }
done
mkdir -p "$folder"
new=$(mktemp -d "$folder/.new-XXXXXX")
trap 'rm -rf "$new"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
log=$new/log

# A configuration of its own, so that the system's lists and packages stay as they are.
apt=$new/apt
mkdir -p "$apt/etc/apt/apt.conf.d" "$apt/etc/apt/preferences.d" "$apt/etc/apt/sources.list.d" \
  "$apt/lists/partial" "$apt/cache/archives/partial" "$new/packages"
: >"$apt/status"
fetch() {
  # From where the system has its own packages.
  # shellcheck disable=SC2016 # it is apt-get that puts the address there
  uri=$(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Label: Debian' |
    head -n 1) && [ -n "$uri" ] || return 1
  key=/usr/share/keyrings/debian-archive-keyring.gpg
  echo "deb [signed-by=$key] $uri trixie main" >"$apt/etc/apt/sources.list"
  set -- -q -o "Dir::Etc=$apt/etc/apt" -o "Dir::State::Lists=$apt/lists" \
    -o "Dir::State::status=$apt/status" -o "Dir::Cache=$apt/cache" -o Acquire::Languages=none \
    -o APT::Sandbox::User= -o Debug::NoLocking=1
  apt-get "$@" update && cd "$new/packages" &&
    apt-get "$@" download apparmor libapparmor1 libc6 libgcc-s1 libstdc++6
}
echo "unpacking the parser of AppArmor 4 into $folder" >&2
if ! (fetch) >"$log" 2>&1 </dev/null; then
  cat "$log" >&2
  echo 'cannot unpack the parser of AppArmor 4: it is among the packages of Debian 13, which are not to be had' >&2
  exit 1
fi
for package in "$new"/packages/*.deb; do dpkg-deb -x "$package" "$new/tree"; done
loader=$(find "$new/tree" -name 'ld-linux*.so.*' ! -type l | head -n 1)
libraries=$(dirname "$loader")
# Its own C library, which is newer than the system's, and its own profiles to include.
cat >"$new/parser" <<SCRIPT
#!/bin/sh
here=\$(dirname -- "\$(readlink -f -- "\$0")")
exec "\$here/tree${loader#"$new/tree"}" --library-path "\$here/tree${libraries#"$new/tree"}" \\
  "\$here/tree/usr/sbin/apparmor_parser" --config-file /dev/null --base "\$here/tree/etc/apparmor.d" "\$@"
SCRIPT
chmod 755 "$new/parser"
if ! is_new "$new/parser"; then
  echo "cannot use the parser of AppArmor 4 that was unpacked into $new" >&2
  exit 1
fi
rm -rf "$folder/tree" "$folder/parser"
mv "$new/tree" "$folder/tree"
mv "$new/parser" "$folder/parser"
echo "$folder/parser"
