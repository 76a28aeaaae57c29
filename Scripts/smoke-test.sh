#!/usr/bin/env bash
# Does the program as it is deployed start, exchange a code, and stop cleanly?
#
#     Scripts/smoke-test.sh PATH/obie-tokens
#
# Pastes the curls of the README against a free port, and the walk-through of docs/production.md on free ports.
set -euo pipefail
server=$1
here=$(dirname "$0")
folder=$(mktemp -d)
log=$folder/log
: >"$log"
"$server" serve --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 --store "sqlite:$folder/store.db" 2>"$log" &
pid=$!
trap 'kill "$pid" 2>/dev/null || true; rm -rf "$folder"' EXIT

for _ in $(seq 100); do
    url=$(sed -n 's/.*listening on \(http:[^,]*\),.*/\1/p' "$log")
    [ -n "$url" ] && break
    sleep 0.05
done
[ -n "$url" ] || { echo "smoke test: the server did not start" >&2; cat "$log" >&2; exit 1; }

curls=$("$here/pasted.sh" curls README.md | sed "s#http://127.0.0.1:8080#$url#g")
output=$(bash -euo pipefail -c "$curls")

expect() {
    if ! grep -Eq "$1" <<<"$output"; then
        printf 'smoke test: no %s in\n%s\n' "$1" "$output" >&2
        exit 1
    fi
}
expect '"access_token":"good-access-token"'
expect '"parameters":\{"code":"[0-9a-z]{32}","state":"example-state"\}'
expect '"access_token":"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}","expires_in":31104000,"token_type":"bearer","state":"example-state"'
expect '"code":"auth_code_invalid"'

kill -TERM "$pid"
wait "$pid"
echo "smoke test: the README's curls give a token, once; the server stopped cleanly"

# The walk-through of production, in an empty folder, with ports that were free a moment ago.
ports=$(Tests/harness/free_ports.py 2)
production=$("$here/pasted.sh" production docs/production.md | sed "s/:8081/:${ports% *}/g; s/:9091/:${ports#* }/g")
[ -n "$production" ] || { echo "smoke test: docs/production.md has no walk-through" >&2; exit 1; }
mkdir "$folder/bank"
binaries=$(cd "$(dirname "$server")" && pwd)
# Its server must not outlive it where a command fails: that would hold the output open.
output=$(cd "$folder/bank" && PATH="$binaries:$PATH" timeout 60 bash -euo pipefail -c \
    "trap 'kill \"\${server-}\" 2>/dev/null || true' EXIT; $production" 2>&1) || {
    printf 'smoke test: the walk-through of production stops with %s after\n%s\n' $? "$output" >&2
    exit 1
}
expect '"client_secret":"[0-9a-f]{64}"'
expect '"active":true,"scope":"accounts","client_id":"PSDGB-FCA-444444"'
expect '"code":"auth_code_invalid"'
expect '^\{"active":false\}$'
expect 'code_used'
expect 'revoked everything issued for PSDGB-FCA-444444'
expect '^head  [0-9a-f]{64}$'
[ -z "${SHOW-}" ] || echo "$output"
echo "smoke test: the walk-through of docs/production.md works"
