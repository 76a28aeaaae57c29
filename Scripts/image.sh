#!/usr/bin/env bash
# Builds the container image with whichever tool is there and works.
#
#     Scripts/image.sh [TAG]
#
# BUILD_IMAGE and RUNTIME_IMAGE choose other bases, such as those of a registry of your own.
set -euo pipefail
tag=${1:-obie-tokens}
version=$(sed -n 's/.*static let current = "\(.*\)"/\1/p' Sources/obie-tokens/Version.swift)
arguments=(--build-arg "VERSION=$version" --tag "$tag:$version" --tag "$tag:latest")
if revision=$(git rev-parse HEAD 2>/dev/null); then arguments+=(--build-arg "REVISION=$revision"); fi
for base in BUILD_IMAGE RUNTIME_IMAGE; do
    if [ -n "${!base:-}" ]; then arguments+=(--build-arg "$base=${!base}"); fi
done

# OCI's format has no HEALTHCHECK, so podman and buildah are told to write Docker's.
if docker info >/dev/null 2>&1; then
    docker build "${arguments[@]}" .
elif command -v podman >/dev/null; then
    podman build --format docker "${arguments[@]}" .
elif command -v buildah >/dev/null; then
    buildah build --format docker "${arguments[@]}" .
else
    echo "image: there is no docker (with its engine running), podman or buildah; install one of them" >&2
    exit 69
fi
echo "image: built $tag:$version"
