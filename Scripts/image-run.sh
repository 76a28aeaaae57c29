#!/usr/bin/env bash
# Runs an image's root as a container runtime would, and asks it for a token. Called by image-check.sh, in mount, network
# and pid namespaces of its own.
#
#     Scripts/image-run.sh ROOT VOLUME IMAGE.json
set -euo pipefail
root=$1 volume=$2 image=$3
ip link set lo up
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --bind "$volume" "$root/var/lib/obie-tokens"
mount -o remount,bind,ro "$root"

mapfile -t variables < <(python3 Scripts/image_check.py "$image" --env)
inside() { exec chroot --userspec=65532:65532 "$root" /usr/bin/env -i "${variables[@]}" "$@"; }

start() {
    (inside /usr/bin/obie-tokens serve "$@") 2>>"$volume/../log" &
    server=$!
    for _ in $(seq 100); do
        if (inside /usr/bin/obie-tokens healthcheck) >/dev/null 2>&1; then return; fi
        sleep 0.05
    done
    echo "image check: it does not get healthy" >&2
    cat "$volume/../log" >&2
    exit 1
}

stop() {
    kill -TERM "$server"
    wait "$server"
}

api() {
    curl --silent --show-error --fail-with-body "http://127.0.0.1:8080$1" --user api-consumer-id:password "${@:2}"
}

institution() {
    api "$1" --header 'fi_reference_id: PSDGB-FCA-111111' --header 'version: 1.0' \
        --header 'Content-Type: application/json' --header 'ccg_token: good-access-token' --data "$2"
}

rm -f "$volume/../log"
if (inside /bin/sh -c 'touch /usr/bin/x /tmp/x') 2>/dev/null; then
    echo "image check: the root is not read-only" >&2
    exit 1
fi
start
code=$(institution /v1/obie/authorization_codes '{"consent_id":"consent-1","psu_account_id":"account-1","scope":"accounts",
    "redirect_uri":"https://www.google.com"}' | sed 's/.*"code":"\([^"]*\)".*/\1/')
token=$(institution /v1/obie/tokens "{\"auth_code\":\"$code\",\"redirect_uri\":\"https://www.google.com\"}" |
    sed 's/.*"access_token":"\([^"]*\)".*/\1/')
[ "$(ps -o uid= -p "$server" | tr -d ' ')" = 65532 ]
stop
start
api /oauth2/introspect --data "token=$token" | grep --quiet '"active":true'
stop
echo "image check: as 65532 on a read-only root it got healthy, exchanged a code, ended with 0, and knew the token after a restart"
