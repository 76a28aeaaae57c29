#!/usr/bin/env bash
# Makes the package, and tries it in a Debian root without a toolchain, under a systemd that is booted for it. Needs root.
#
#     Tests/packages/deb_check.sh PROGRAM FOLDER
#
# FOLDER keeps the packages and the root; a second run takes neither from Debian again. Exits 77 where namespaces cannot be made.
set -euo pipefail
program=$1
mkdir -p "$2"
folder=$(realpath "$2")
here=$(cd "$(dirname "$0")/../.." && pwd)
[ "$(id -u)" -eq 0 ] || { echo "deb check: this needs root, for mmdebstrap and namespaces; run it with sudo" >&2; exit 77; }

rm -rf "$folder/installed"
mkdir -p "$folder/installed/packages"
"$here/Scripts/deb.sh" "$program" "$folder"
# The version before is the same program under an older number: what is tried is the package's way from one to the next.
DEB_BUILD_OPTIONS=noautodbgsym "$here/Scripts/deb.sh" "$program" "$folder/before" '0.7.0~before-1' >/dev/null
cp "$folder"/before/obie-tokens_*.deb "$folder/installed/packages/before.deb"
cp "$folder"/obie-tokens_*.deb "$folder/installed/packages/after.deb"

# Only what the package itself says that it needs; and what the test needs.
needed=$(dpkg-deb --field "$folder/installed/packages/after.deb" Depends | sed 's/ *([^)]*)//g; s/ *|[^,]*//g; s/ //g')
packages=logrotate,python3,systemd,usr-is-merged,$needed
root=$folder/root-$(cksum <<<"$packages" | cut -d' ' -f1)
if [ ! -e "$root/made" ]; then
    rm -rf --one-file-system "$root"
    mmdebstrap --quiet --variant=minbase --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr --include="$packages" \
        --aptopt='Acquire::Languages "none"' --dpkgopt=force-unsafe-io bookworm "$root" >"$folder/log" 2>&1 ||
        { tail -20 "$folder/log" >&2; exit 70; }
    touch "$root/made"
fi
echo "deb check: a root with $(chroot "$root" dpkg-query --show | wc -l) packages, among them $packages"
BOOT_ROOT=$root "$here/Tests/service/boot_systemd.sh" "$folder/installed" "$here/Tests/packages/deb_test.py"
