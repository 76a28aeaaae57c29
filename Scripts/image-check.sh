#!/usr/bin/env bash
# Does the Dockerfile give an image that runs as it should? Needs no registry and no container engine, but root.
#
#     Scripts/image-check.sh
#
# Builds on two bases that mmdebstrap makes of Debian's packages, with this machine's toolchain mounted into the one.
# Then runs the result as the image says, in namespaces of its own: read-only root file system, one volume, a network
# that nobody else is in, process 1. Bases and images stay in .build/image; a second run takes the time of the compiler.
set -Eeuo pipefail
cd "$(dirname "$0")/.."

release=bookworm
image=localhost/obie-tokens:check
bytes_max=$((120 * 1000 * 1000))
work=$PWD/.build/image
run=$work/run
mkdir -p "$run"

# Standard error as it is here, whatever a command's goes to.
exec 3>&2
fail() {
    printf 'image check: %s\n' "$@" >&3
    exit 1
}
began=$SECONDS
say() { printf 'image check: %s (%d s)\n' "$1" $((SECONDS - began)); }

[ "$(id -u)" -eq 0 ] || fail "this needs root, for mmdebstrap, mounts and namespaces; run it with sudo"
unshare --mount --net --pid --fork true 2>/dev/null || fail "no namespaces can be made here (CAP_SYS_ADMIN is missing)"

# What is not wanted on the terminal, unless it fails.
log=$run/log
: >"$log"
trap 'tail -40 "$log" >&3; fail "line $LINENO failed: $BASH_COMMAND"' ERR
store() { buildah --storage-driver vfs --root "$work/storage" --runroot "$work/runroot" "$@"; }

# What the toolchain needs of Debian; the rest of the image `swift` is the toolchain.
swift=$(dirname "$(dirname "$(readlink -f "$(command -v swift)")")")
[ "$swift" != /usr ] || fail "the toolchain lies in /usr and cannot be mounted alone; unpack one elsewhere, put it on PATH"
packages=binutils,ca-certificates,git,libc6-dev,libcurl4,libgcc-12-dev,libncurses6,libsqlite3-0,libstdc++-12-dev,libxml2

# base NAME PACKAGES: a minimal Debian, without what Debian's slim images leave out either.
base() {
    local container
    if store inspect --type image "localhost/$1" >/dev/null; then return; fi
    container=$(store from scratch)
    mmdebstrap --quiet --variant=minbase --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr --include="$2" \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' --aptopt='Acquire::Languages "none"' --dpkgopt=force-unsafe-io \
        "$release" "$(store mount "$container")"
    store config --env "PATH=$swift/bin:/usr/sbin:/usr/bin:/sbin:/bin" "$container"
    store commit --quiet --rm "$container" "localhost/$1" >/dev/null
}
build_image=obie-build:$release-$(cksum <<<"$packages" | cut -d' ' -f1)
runtime_image=obie-runtime:$release
base "$runtime_image" usr-is-merged >>"$log" 2>&1 &
other=$!
base "$build_image" "$packages" >>"$log" 2>&1
wait $other
say "the bases are there"

# Where git is told to find a repository elsewhere, so is the git of the build; with nothing else of its configuration.
volumes=(--volume "$swift:$swift:ro")
git config --get-regexp '^url\..*\.insteadof$' >"$run/rewrites" || true
: >"$run/gitconfig"
while read -r key from; do
    git config --file "$run/gitconfig" --add "$key" "$from"
    place=${key#url.} && place=${place%.insteadof}
    [ -d "$place" ] && [[ " ${volumes[*]} " != *" $place:"* ]] && volumes+=(--volume "$place:$place:ro")
done <"$run/rewrites"
git config --file "$run/gitconfig" safe.directory '*'
volumes+=(--volume "$run/gitconfig:/etc/gitconfig:ro")

store build --isolation chroot --network host --format docker --pull=never "${volumes[@]}" \
    --build-arg "BUILD_IMAGE=localhost/$build_image" --build-arg "RUNTIME_IMAGE=localhost/$runtime_image" \
    --build-arg VERSION=check --tag "$image" . >>"$log" 2>&1
say "the Dockerfile builds"

container=$(store from --pull-never "$image")
root=$(store mount "$container")
state=$run/state
rm -rf "$state"
install -d -o 65532 -g 65532 -m 700 "$state"
outer='' inner=''
clean_up() {
    [ -z "$inner" ] || kill -KILL "$inner" 2>/dev/null || true
    [ -z "$outer" ] || wait "$outer" 2>/dev/null || true
    store umount "$container" >/dev/null
    store rm "$container" >/dev/null
    # The images of runs before.
    store rmi --prune >/dev/null
    rm -rf "$state"
}
trap clean_up EXIT

# What the image says of itself. Each list is one word a line.
of_image() { store inspect --type image --format "$1" "$image"; }
user=$(of_image '{{.Docker.Config.User}}')
[[ "$user" =~ ^[1-9][0-9]*:[1-9][0-9]*$ ]] || fail "the user is '$user', not two numbers other than 0"
[ "$(of_image '{{.Docker.Config.StopSignal}}')" = SIGTERM ] || fail "SIGTERM does not stop it"
[ "$(of_image '{{range $k, $v := .Docker.Config.Volumes}}{{$k}} {{end}}')" = "/var/lib/obie-tokens " ] || fail "the volumes"
[ "$(of_image '{{index .Docker.Config.Labels "org.opencontainers.image.version"}}')" = check ] || fail "the version label"
mapfile -t variables < <(of_image '{{range .Docker.Config.Env}}{{println .}}{{end}}' | grep .)
mapfile -t program < <(of_image '{{range .Docker.Config.Entrypoint}}{{println .}}{{end}}' | grep .)
mapfile -t command < <(of_image '{{range .Docker.Config.Cmd}}{{println .}}{{end}}' | grep .)
mapfile -t health < <(of_image '{{range .Docker.Config.Healthcheck.Test}}{{println .}}{{end}}' | grep .)
[ "${health[0]}" = CMD ] && health=("${health[@]:1}") || fail "the health check is not run as it is"

bytes=$(du --summarize --bytes --one-file-system "$root" | cut -f1)
[ "$bytes" -lt $bytes_max ] || fail "the image has $bytes bytes, $bytes_max are allowed"
Scripts/sbom.py image "$root/usr/bin/obie-tokens" "$root" --swift "$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9.]*\).*/\1/p')" \
    >"$work/image.cdx.json" 2>>"$log"
say "the image has $((bytes / 1000000)) MB, $(stat -c %s "$root/usr/bin/obie-tokens" | awk '{printf "%.1f", $1 / 1e6}') of it the program"

# The life of a container. Everything mounted in here goes with its last process.
cat >"$run/container.sh" <<'END'
set -eu
root=$1 state=$2 user=$3; shift 3
ip link set lo up
ip address add 192.0.2.1/32 dev lo
mount --bind "$root" "$root"
mount --bind "$state" "$root/var/lib/obie-tokens"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero random urandom; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mount -o remount,bind,ro "$root"
exec chroot --userspec="$user" "$root" env -i "$@"
END
# start [NAME=VALUE…] -- ARGUMENT…: a container; its first process is $inner here.
start() {
    local extra=()
    while [ "$1" != -- ]; do extra+=("$1"); shift; done
    shift
    unshare --mount --net --pid --ipc --uts --fork --kill-child bash "$run/container.sh" "$root" "$state" "$user" \
        "${variables[@]}" "${extra[@]}" "${program[@]}" "$@" >"$run/out" 2>&1 &
    outer=$!
    for _ in $(seq 100); do
        inner=$(cat "/proc/$outer/task/$outer/children" 2>/dev/null | tr -d ' ') && [ -n "$inner" ] && break
        sleep 0.02
    done
}
# Its exit status.
ended() { local status=0; wait "$outer" || status=$?; outer='' inner=''; return $status; }
inside() {
    nsenter --target "$inner" --mount --net --pid --ipc --uts --root --wdns=/ --setuid "${user%:*}" \
        --setgid "${user#*:}" env -i "${variables[@]}" "$@"
}
healthy() {
    for _ in $(seq 100); do
        inside "${health[@]}" >"$run/health" 2>&1 && return
        sleep 0.1
    done
    cat "$run/out" "$run/health" >&2
    fail "the health check does not say that it is ready"
}
# A client on another machine, as far as the server can tell.
outside() { nsenter --target "$inner" --net "$@"; }
introspect() { outside curl -sS http://192.0.2.1:8080/oauth2/introspect -u api-consumer-id:password -d "token=$1" "${@:2}"; }

start -- "${health[@]:1}"
ended && fail "the health check is content with a server that does not run"
grep -q 'not ready' "$run/out" || { cat "$run/out"; fail "the health check does not say why"; }

start -- "${command[@]}"
healthy
for id in Uid Gid; do
    awk -v id="$id:" -v want="${user%:*}" '$1 == id { for (i = 2; i <= 5; i++) if ($i != want) exit 1 }' \
        "/proc/$inner/status" || fail "it does not run as $user"
done
for place in / /tmp /usr/bin /etc; do
    inside sh -c "touch $place/x" 2>/dev/null && fail "$place can be written to"
done
pasted=$(Scripts/pasted.sh curls README.md)
outside bash -euo pipefail -c "${pasted//127.0.0.1/192.0.2.1}" >"$run/answers" || fail "the README's curls fail"
token=$(sed -n 's/.*"access_token":"\([0-9a-f-]\{36\}\)".*/\1/p' "$run/answers")
[ -n "$token" ] || { cat "$run/answers" >&2; fail "there is no token in the answers to the README's curls"; }
# Its code came twice, so that one is void; the next one lives.
introspect "$token" | grep -q '^{"active":false}$' || fail "a token whose code came twice is alive"
outside bash -euo pipefail -c "$(sed 's/first second/first/' <<<"${pasted//127.0.0.1/192.0.2.1}")" >"$run/answers"
token=$(sed -n 's/.*"access_token":"\([0-9a-f-]\{36\}\)".*/\1/p' "$run/answers")
introspect "$token" | grep -q '"active":true' || fail "a new token is not alive"
inside "${program[@]}" backup /var/lib/obie-tokens/backup.db 2>/dev/null || fail "no backup can be made inside"
[ -s "$state/backup.db" ] && [ -s "$state/backup.db.keys" ] || fail "the backup is not in the volume"
kill -TERM "$inner"
ended || fail "SIGTERM ended it with status $?"
grep -q '"level":"warning","message":"SANDBOX' "$run/out" && ! grep -qv '^{.*}$' "$run/out" || fail "its log is not JSON"
say "it serves as $user on a read-only root, answers its health check, and stops with 0"

start -- "${command[@]}"
healthy
introspect "$token" | grep -q '"active":true' || fail "a token did not survive in the volume"
kill -TERM "$inner"
ended || fail "SIGTERM ended it with status $?"

find "$state" -mindepth 1 -delete
start OBIE_TOKENS_MODE=production -- "${command[@]}"
healthy
grep -q SANDBOX "$run/out" && fail "production is a sandbox"
introspect "$token" -o "$run/answer" -w '%{http_code}' | grep -q '^401$' || fail "production takes well-known credentials"
inside "${program[@]}" fi list --json >/dev/null || fail "commands do not find the store inside"
kill -TERM "$inner"
ended || fail "SIGTERM ended it with status $?"
say "its tokens survive a restart; in production it knows nobody"
