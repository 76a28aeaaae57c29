#!/usr/bin/env bash
# Makes a Debian package of what has been built, and lets lintian look at it. Compiles nothing, and needs no root.
#
#     Scripts/deb.sh PROGRAM FOLDER [VERSION]
#
# PROGRAM is what `make release` has built. FOLDER gets the package, and one with the names that a debugger wants. VERSION is
# another version than the newest of Deploy/debian/changelog, for a test of an upgrade. The same program gives the same bytes.
set -euo pipefail
program=$(realpath "$1")
mkdir -p "$2"
folder=$(realpath "$2")
cd "$(dirname "$0")/.."

[ -x "$program" ] || { echo "deb: there is no $1; run 'make release' first" >&2; exit 69; }
version=$(sed -n '1s/.*(\(.*\)).*/\1/p' Deploy/debian/changelog)
upstream=${version%-*}
[ "$("$program" --version)" = "$upstream" ] || {
    echo "deb: the program is version $("$program" --version), and Deploy/debian/changelog says $version; make them one" >&2
    exit 65
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
source=$work/obie-tokens
mkdir "$source"
cp -r Deploy/debian "$source/debian"
cp CHANGELOG.md "$source"
chmod -R u=rwX,go=rX "$source"
if [ -n "${3-}" ]; then sed -i "1s/(.*)/($3)/" "$source/debian/changelog"; fi
umask 022
STRIP=no UNITS=/lib/systemd/system PREFIX=/usr DESTDIR=$source/staged Scripts/install.sh install "$program"
# The pages and samples, as they stand beside each other here, so that their links work.
pages=$source/staged/usr/share/doc/obie-tokens
install --directory "$pages/Deploy"
cp -r README.md SECURITY.md docs "$pages"
find Deploy -maxdepth 1 -type f -exec cp {} "$pages/Deploy" \;
chmod -R u=rwX,go=rX "$pages"

export SOURCE_DATE_EPOCH LC_ALL=C.UTF-8 TZ=UTC BILL="$PWD/Scripts/sbom.py program $program"
SOURCE_DATE_EPOCH=$(dpkg-parsechangelog --file "$source/debian/changelog" --show-field Timestamp)
(cd "$source" && dpkg-buildpackage --build=binary --no-sign) >"$work/log" 2>&1 || { tail -40 "$work/log" >&2; exit 70; }
rm -f "$folder"/obie-tokens*_"${3:-$version}"_*
cp "$work"/obie-tokens*.deb "$folder"
for package in "$folder"/obie-tokens*_"${3:-$version}"_*.deb; do
    printf 'deb: %s, %s bytes\n' "${package#"$folder"/}" "$(stat --format %s "$package")"
done
look() { lintian --fail-on error --tag-display-limit 0 --allow-root "$@"; }
look "$folder/obie-tokens_${3:-$version}"_*.deb
# A package of names for a debugger may hold nothing else, so no override either (Deploy/debian has the reason).
for package in "$folder/obie-tokens-dbgsym_${3:-$version}"_*.deb; do
    if [ -e "$package" ]; then look --suppress-tags bogus-mail-host "$package"; fi
done
