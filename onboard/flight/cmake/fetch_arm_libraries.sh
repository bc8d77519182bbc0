#!/bin/sh
# Unpacks zlib's and libsodium's headers and static archives for 64-bit ARM into DESTDIR, to cross-build with.
#
#   fetch_arm_libraries.sh DESTDIR
#
# They are the packages of this machine's own Debian release, from its own mirror, downloaded with apt state
# directories below DESTDIR and unpacked with `dpkg -x`: nothing is installed, the machine's architectures and
# sources stay as they are, root is not needed. Skips all of it when DESTDIR already holds them.
set -eu

[ $# -eq 1 ] || { echo "usage: $0 DESTDIR" >&2; exit 2; }
mkdir -p "$1"
dest=$(cd "$1" && pwd)

if [ -f "$dest/lib/libz.a" ] && [ -f "$dest/lib/libsodium.a" ]; then
    echo "zlib and libsodium for ARM are already in $dest: nothing to do"
    exit 0
fi
for tool in apt-get dpkg awk; do
    command -v "$tool" >/dev/null || {
        echo "$0: '$tool' is missing; on a system without apt name a folder with zlib and libsodium for ARM" \
             "(a board's root file system will do) by ONBOARD_ARM_ROOT" >&2
        exit 1
    }
done

# The mirror that serves this machine's own release: first a deb822 file, then a one-line list.
machine_mirror() {
    for file in /etc/apt/sources.list.d/*.sources; do
        [ -r "$file" ] || continue
        awk 'tolower($1) == "uris:" { uri = $2 }
             tolower($1) == "components:" && uri ~ /\/debian\/?$/ { print uri; exit }' "$file"
    done
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ -r "$file" ] || continue
        awk '$1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /\/debian\/?$/) { print $i; exit } }' "$file"
    done
}
mirror=$(machine_mirror | head -n 1)
[ -n "$mirror" ] || { echo "$0: no Debian mirror found in this machine's apt sources" >&2; exit 1; }
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")

work="$dest/.apt"
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/etc"
: >"$work/status"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
echo "deb [signed-by=$keyring] $mirror $suite main" >"$work/etc/sources.list"

apt_private() {
    apt-get -q \
        -o APT::Architecture=arm64 -o APT::Architectures=arm64 \
        -o Dir::State="$work" -o Dir::State::lists="$work/lists" -o Dir::State::status="$work/status" \
        -o Dir::Cache="$work/cache" -o Dir::Etc::sourcelist="$work/etc/sources.list" \
        -o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
        -o APT::Sandbox::User="$(id -un)" "$@"
}

echo "Downloading zlib and libsodium for ARM of Debian $suite into $dest (nothing is installed)"
apt_private update >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
(cd "$work" && apt_private download zlib1g-dev libsodium-dev) >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
for package in "$work"/*.deb; do
    dpkg -x "$package" "$work/root"
done
mkdir -p "$dest/include" "$dest/lib"
usr="$work/root/usr"
cp -R "$usr"/include/sodium.h "$usr"/include/sodium "$usr"/include/zlib.h "$dest/include"
# What depends on the machine, Debian keeps apart.
find "$usr/include" -name zconf.h -exec cp {} "$dest/include" \;
cp "$usr"/lib/aarch64-linux-gnu/libsodium.a "$usr"/lib/aarch64-linux-gnu/libz.a "$dest/lib"
echo "zlib and libsodium for ARM: $dest"
