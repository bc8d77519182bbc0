#!/bin/sh
# Unpacks the C headers of ONNX Runtime into DESTDIR, and nothing else.
#
#   fetch_onnxruntime_headers.sh DESTDIR
#
# The headers come from the distribution's package libonnxruntime-dev. Where the machine's own
# release has none (Debian 12), the package of the next release (trixie) is downloaded from the
# machine's own Debian mirror with apt state directories of its own below DESTDIR, and unpacked
# with `dpkg -x`: nothing is installed, no apt source of the machine changes, root is not needed.
# Skips all of it when DESTDIR already holds the headers, the system has them, or ONNXRUNTIME_ROOT is set.
set -eu

SUITE=trixie
PACKAGE=libonnxruntime-dev
HEADER=onnxruntime_c_api.h

[ $# -eq 1 ] || { echo "usage: $0 DESTDIR" >&2; exit 2; }
mkdir -p "$1"
dest=$(cd "$1" && pwd)

find_header() { find "$dest" -name "$HEADER" 2>/dev/null | head -n 1; }

if [ -n "$(find_header)" ]; then
    echo "ONNX Runtime's C headers are already in $dest: nothing to do"
    exit 0
fi
if [ -n "${ONNXRUNTIME_ROOT:-}" ] || [ -f "/usr/include/onnxruntime/$HEADER" ]; then
    echo "ONNX Runtime's C headers are in ${ONNXRUNTIME_ROOT:-/usr/include/onnxruntime}: nothing to do"
    exit 0
fi
for tool in apt-get dpkg awk; do
    command -v "$tool" >/dev/null || {
        echo "$0: '$tool' is missing; on a system without apt set ONNXRUNTIME_ROOT to an unpacked" \
             "ONNX Runtime release instead" >&2
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

work="$dest/.apt"
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/dpkg" "$work/etc"
: >"$work/dpkg/status"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
echo "deb [signed-by=$keyring] $mirror $SUITE main" >"$work/etc/sources.list"

apt_private() {
    apt-get -q \
        -o Dir::State="$work" -o Dir::State::lists="$work/lists" -o Dir::State::status="$work/dpkg/status" \
        -o Dir::Cache="$work/cache" -o Dir::Etc::sourcelist="$work/etc/sources.list" \
        -o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
        -o APT::Sandbox::User="$(id -un)" "$@"
}

echo "Downloading $PACKAGE of Debian $SUITE into $dest (headers only, nothing is installed)"
apt_private update >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
(cd "$work" && apt_private download "$PACKAGE") >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
dpkg -x "$work"/"$PACKAGE"_*.deb "$work/root"
rm -rf "$dest/include"
mv "$work/root/usr/include" "$dest/include"

header=$(find_header)
[ -n "$header" ] || { echo "$0: $PACKAGE of $SUITE holds no $HEADER" >&2; exit 1; }
echo "ONNX Runtime's C headers: $(dirname "$header")"
