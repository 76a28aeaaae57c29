#!/usr/bin/env bash
# Makes sure that a Swift toolchain and the given Debian or Ubuntu packages are there.
#
#     Scripts/install-tools.sh [--no-swift] PACKAGE...
#
# --no-swift: nothing is to be built, so a toolchain is not looked for.
# Installs missing packages with apt where root or sudo can, and says what to install otherwise. A
# toolchain is never installed: this says how to get one. Exits 69 where something stays missing.
set -euo pipefail

swift_needed=6.2

fail() {
    printf 'obie-tokens: %s\n' "$@" >&2
    exit 69
}

need_swift() {
    if ! command -v swift >/dev/null; then
        fail "there is no Swift toolchain; it needs Swift $swift_needed or newer." \
            "Get one for Debian 12 or Ubuntu from https://www.swift.org/install/linux/ (or, with" \
            "swiftly from the same page: 'swiftly install latest'), put its usr/bin on PATH, try again."
    fi
    local swift_found oldest
    swift_found=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9.]*\).*/\1/p')
    oldest=$(printf '%s\n' "$swift_needed" "$swift_found" | sort -V | sed -n 1p)
    if [ "$oldest" != "$swift_needed" ]; then
        fail "Swift $swift_found is too old; it needs $swift_needed or newer." \
            "Get a newer toolchain from https://www.swift.org/install/linux/ and put it on PATH first."
    fi
}

if [ "${1:-}" = --no-swift ]; then shift; else need_swift; fi

missing=()
for package in "$@"; do
    # pkg-config may come from pkgconf; nginx-light from any nginx.
    case "$package" in
        libuv1-dev) pkg-config --exists 'libuv >= 1.44' 2>/dev/null && continue ;;
        libsqlite3-dev) pkg-config --exists 'sqlite3 >= 3.37' 2>/dev/null && continue ;;
        libssl-dev) pkg-config --exists 'openssl >= 3.0' 2>/dev/null && continue ;;
        nginx-light) [ -x /usr/sbin/nginx ] && continue ;;
        postgresql-15) [ -x /usr/lib/postgresql/15/bin/postgres ] && continue ;;
        etcd-server) command -v etcd >/dev/null && continue ;;
        haproxy) [ -x /usr/sbin/haproxy ] && continue ;;
        iproute2) command -v ip >/dev/null && continue ;;
        python3-venv) python3 -c 'import ensurepip' 2>/dev/null && continue ;;
        default-jdk-headless) command -v javac >/dev/null && continue ;;
        nodejs) command -v node >/dev/null && continue ;;
        golang-go) command -v go >/dev/null && continue ;;
        libokhttp-java) [ -e /usr/share/java/okhttp.jar ] && continue ;;
        libhttpclient-java) [ -e /usr/share/java/httpclient.jar ] && continue ;;
        libhttpclient5-java) [ -e /usr/share/java/httpclient5.jar ] && continue ;;
        libslf4j-java) [ -e /usr/share/java/slf4j-api.jar ] && continue ;;
        apache2-bin) [ -x /usr/sbin/apache2 ] && continue ;;
        libapache2-mod-auth-openidc) [ -e /usr/lib/apache2/modules/mod_auth_openidc.so ] && continue ;;
        libnginx-mod-stream) [ -e /usr/lib/nginx/modules/ngx_stream_module.so ] && continue ;;
        bsdextrautils) command -v hexdump >/dev/null && continue ;;
        chromium-driver) command -v chromedriver >/dev/null && continue ;;
        python3-selenium) /usr/bin/python3 -c 'import selenium' 2>/dev/null && continue ;;
        fonts-dejavu-core) [ -e /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf ] && continue ;;
        util-linux) command -v taskset >/dev/null && continue ;;
        *) command -v "$package" >/dev/null && continue ;;
    esac
    missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

install="apt-get install --yes --no-install-recommends ${missing[*]}"
if ! command -v apt-get >/dev/null; then
    fail "missing: ${missing[*]} (Debian's names). Install them with this system's package manager."
fi
if [ "$(id -u)" -eq 0 ]; then
    as_root=()
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root=(sudo)
else
    fail "missing: ${missing[*]}. Install them as root, then try again:" \
        "    apt-get update && $install"
fi
printf 'obie-tokens: installing %s\n' "${missing[*]}" >&2
"${as_root[@]}" apt-get update -qq
# Nothing that is installed here is to start as a service of its own, and PostgreSQL is to make no cluster.
case " ${missing[*]} " in
    *" postgresql-15 "*)
        no_cluster=/etc/postgresql-common/createcluster.d/obie-tokens.conf
        "${as_root[@]}" mkdir -p "${no_cluster%/*}"
        printf 'create_main_cluster = false\n' | "${as_root[@]}" tee "$no_cluster" >/dev/null
        trap '"${as_root[@]}" rm -f "$no_cluster"' EXIT
        ;;
esac
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 $install >&2
