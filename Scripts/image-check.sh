#!/usr/bin/env bash
# Does the Dockerfile give an image that works? Needs no registry and no engine: the two bases are made of Debian's
# packages and of the Swift toolchain that is here, buildah builds in a chroot, and the result runs confined – own user,
# read-only root, one volume – in namespaces of its own.
#
#     Scripts/image-check.sh
#
# As root. What is made stays below .build/image, so that a second run is quicker.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$PWD/.build/image
mkdir -p "$work"
if [ "$(id -u)" != 0 ]; then
    echo "image check: must run as root: it builds in a chroot and runs the image in namespaces" >&2
    exit 77
fi
tool=(buildah --root "$work/storage" --runroot "$work/run" --storage-driver vfs)

# Debian's slim images leave the same things out.
base() {
    local name=$1 archive=$work/$1.tar
    shift
    [ -e "$archive" ] || mmdebstrap --quiet --variant=apt --aptopt='Acquire::Languages "none"' \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
        "$@" bookworm "$archive.new.tar" >&2
    [ -e "$archive" ] || mv "$archive.new.tar" "$archive"
    if "${tool[@]}" inspect --type image "localhost/$name" >/dev/null 2>&1; then return; fi
    local container
    container=$("${tool[@]}" from scratch)
    "${tool[@]}" add "$container" "$archive" / >/dev/null
    "${tool[@]}" config --env "PATH=$toolchain:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" "$container"
    "${tool[@]}" commit --quiet --rm "$container" "localhost/$name" >/dev/null
}

# The toolchain is mounted, not copied; and git gets its packages where it gets them here.
toolchain=$(dirname "$(readlink -f "$(command -v swift)")")
mounts=(--volume "$(dirname "$(dirname "$toolchain")"):$(dirname "$(dirname "$toolchain")"):ro")
while read -r folder; do
    if [ -d "$folder" ]; then mounts+=(--volume "$folder:$folder:ro" --volume /etc/gitconfig:/etc/gitconfig:ro); fi
done < <(git config --system --get-regexp '^url\..*\.insteadof$' | sed 's/^url\.\(.*\)\.insteadof .*/\1/' | sort -u)

echo "image check: making the bases"
base build-base --include=binutils,ca-certificates,git,g++,libc6-dev,libncurses6,libedit2,libxml2,libcurl4,libpython3.11,make,pkg-config,tzdata,zlib1g-dev
# usrmerge, which Debian's images do not have either, would bring all of Perl.
base runtime-base --customize-hook='chroot "$1" apt-get --quiet --yes install usr-is-merged usrmerge-' \
    --customize-hook='chroot "$1" apt-get --quiet --yes autoremove --purge'

echo "image check: building"
"${tool[@]}" build --isolation chroot --network host --format docker --pull=never --layers=false --quiet \
    --build-arg BUILD_IMAGE=localhost/build-base --build-arg RUNTIME_IMAGE=localhost/runtime-base \
    --build-arg VERSION=check "${mounts[@]}" --tag localhost/obie-tokens . >/dev/null

"${tool[@]}" inspect --type image localhost/obie-tokens >"$work/image.json"
container=$("${tool[@]}" from --pull=never localhost/obie-tokens)
trap '"${tool[@]}" rm "$container" >/dev/null' EXIT
root=$("${tool[@]}" mount "$container")
megabytes=$(du --summarize --block-size=1000000 "$root" | cut -f1)
echo "image check: the image has $megabytes MB (at most 120)"
[ "$megabytes" -le 120 ]
python3 Scripts/image_check.py "$work/image.json"

rm -rf "$work/volume"
install --directory --mode 700 --owner 65532 --group 65532 "$work/volume"
unshare --mount --net --pid --fork --kill-child Scripts/image-run.sh "$root" "$work/volume" "$work/image.json"
