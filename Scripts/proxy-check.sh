#!/usr/bin/env bash
# Does the API work through nginx as Deploy/nginx.conf sets it up, with TLS? And what happens without its first line?
#
#     Scripts/proxy-check.sh PATH/obie-tokens
#
# Takes that very file, with free ports of 127.0.0.1 and a certificate made here, and pastes the README's curls through it.
set -euo pipefail
cd "$(dirname "$0")/.."
server=$1
folder=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
fail() {
    printf 'proxy check: %s\n' "$@" >&2
    exit 1
}

"$server" serve --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 --store memory 2>"$folder/log" &
pids+=($!)
for _ in $(seq 100); do
    url=$(grep -o 'http://127.0.0.1:[0-9]*' "$folder/log" | head -1 || true)
    [ -n "$url" ] && break
    sleep 0.05
done
[ -n "$url" ] || fail "the server did not start" "$(cat "$folder/log")"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=tokens.example \
    -addext subjectAltName=IP:127.0.0.1 -keyout "$folder/tls.key" -out "$folder/tls.crt" 2>/dev/null

# proxy NAME SED-EXPRESSION: starts nginx with the file so changed; sets $proxy to its URL.
proxy() {
    local port config=$folder/$1.conf
    port=$(Tests/harness/free_ports.py 1)
    { echo "pid $folder/$1.pid; daemon off; error_log stderr;"
      sed -e "s#listen 443#listen 127.0.0.1:$port#; s#server 127.0.0.1:8080#server ${url#http://}#" \
          -e "s#/etc/nginx/tls#$folder#; s#^http {#http { access_log off;#; s#^worker_processes auto#worker_processes 1#; $2" Deploy/nginx.conf
    } >"$config"
    for kind in client_body proxy fastcgi uwsgi scgi; do
        sed -i "s#^http {#http { ${kind}_temp_path $folder/$1.$kind;#" "$config"
    done
    nginx -c "$config" -p "$folder" 2>"$folder/$1.log" &
    pids+=($!)
    proxy=https://127.0.0.1:$port
    for _ in $(seq 100); do
        curl -sS --cacert "$folder/tls.crt" "$proxy/healthz" >/dev/null 2>&1 && return
        sleep 0.05
    done
    fail "nginx did not start" "$(cat "$folder/$1.log")"
}
curls=$(Scripts/pasted.sh curls README.md)
through() {
    CURL_CA_BUNDLE=$folder/tls.crt bash -euo pipefail -c "${curls//'http://127.0.0.1:8080'/$1}"
}

proxy with ''
answers=$(through "$proxy")
token='"access_token":"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"'
[ "$(grep -Ec "$token" <<<"$answers")" = 1 ] || fail "there is not one token in" "$answers"
grep -q '"code":"auth_code_invalid"' <<<"$answers" || fail "the second attempt is not refused in" "$answers"
connections=$(curl -sS "$(grep -o 'http://127.0.0.1:[0-9]*' "$folder/log" | sed -n 2p)/metrics" |
    sed -n 's/^obie_tokens_connections_accepted_total //p')
[ "$connections" = 1 ] || fail "nginx opened $connections connections, one after the other: none is kept"
echo "proxy check: through nginx with TLS the README's curls give a token, once; nginx keeps its connection"

proxy without 's/underscores_in_headers on;//'
answers=$(through "$proxy")
grep -Eq "$token" <<<"$answers" && fail "nginx passes names with underscores on without the setting; then say so in its file"
echo "proxy check: without underscores_in_headers the answer is"
head -1 <<<"$answers"
