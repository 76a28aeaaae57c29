#!/usr/bin/env bash
# Builds the container image with docker, podman or buildah: the first that is there and works.
#
#     Scripts/image.sh [TAG]
#
# BUILD_IMAGE and RUNTIME_IMAGE may name other images to build with and to run on (see Dockerfile).
set -euo pipefail
cd "$(dirname "$0")/.."
version=$(sed -n 's/.*current = "\(.*\)".*/\1/p' Sources/obie-tokens/Version.swift)
tag=${1:-obie-tokens:$version}

arguments=(--tag "$tag" --build-arg "VERSION=$version")
arguments+=(--build-arg "REVISION=$(git rev-parse HEAD 2>/dev/null || echo unknown)")
for name in BUILD_IMAGE RUNTIME_IMAGE; do
    [ -z "${!name:-}" ] || arguments+=(--build-arg "$name=${!name}")
done

# Podman's and Buildah's own format has no HEALTHCHECK.
if docker info >/dev/null 2>&1; then
    set -x
    exec docker build "${arguments[@]}" .
elif podman info >/dev/null 2>&1; then
    set -x
    exec podman build --format docker "${arguments[@]}" .
elif buildah info >/dev/null 2>&1; then
    command -v crun runc >/dev/null || arguments+=(--isolation chroot)
    set -x
    exec buildah build --format docker "${arguments[@]}" .
fi
cat >&2 <<'END'
obie-tokens: an image takes docker, podman or buildah, and none of them works here ('docker info', 'podman info' and
'buildah info' say why). Where no registry can be reached, 'make image-check' builds and tries one all the same, as root.
END
exit 69
