#!/usr/bin/env bash
# Puts the program where a package would put it, or takes it away again. Builds nothing. `make install` calls it.
#
#     Scripts/install.sh install|uninstall PROGRAM
#
# DESTDIR is a folder to fill instead of the root. PREFIX (/usr) is where the program and what is shared goes, UNITS
# (PREFIX/lib/systemd/system) where the units go. Settings are in /etc and state in /var/lib, whatever the prefix is:
# neither is overwritten, and neither is removed. STRIP=no leaves the names in the program.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)

prefix=${PREFIX-/usr}
root=${DESTDIR-}
units=${UNITS:-$prefix/lib/systemd/system}
program=$2
names=(obie-tokens.service obie-tokens.socket obie-tokens-admin.socket)
completions=(share/bash-completion/completions/obie-tokens share/zsh/vendor-completions/_obie-tokens
    share/fish/vendor_completions.d/obie-tokens.fish)
conf=$root/etc/obie-tokens/obie-tokens.conf

fail() {
    printf 'obie-tokens: %s\n' "$1" >&2
    exit "$2"
}

install_all() {
    [ -x "$program" ] || fail "there is no $program; run 'make release' first (root is not needed for that), then this again" 69
    command -v python3 >/dev/null || fail "the manual pages are made with python3, and it is not here; install it" 69
    [[ $prefix == /* && $units == /* ]] || fail "PREFIX and UNITS must begin with /, they are '$prefix' and '$units'" 64

    local strip=(--strip)
    [ "${STRIP-yes}" = yes ] || strip=()
    install -D --mode 755 "${strip[@]}" "$program" "$root$prefix/bin/obie-tokens"
    install --directory --mode 755 "$root$units" "$root/etc/obie-tokens" "$root/etc/logrotate.d" "$root$prefix/share/man/man8"
    for name in "${names[@]}"; do
        sed "s#/usr/bin/obie-tokens#$prefix/bin/obie-tokens#" "$here/Deploy/$name" >"$root$units/$name"
        chmod 644 "$root$units/$name"
    done
    "$here/Scripts/manual.py" "$program" "$root$prefix/share/man/man8"
    chmod 644 "$root$prefix"/share/man/man8/obie-tokens*.8
    for file in "${completions[@]}"; do
        local shell=${file#share/}
        install --directory --mode 755 "$root$prefix/${file%/*}"
        "$program" --generate-completion-script "${shell%%[-/]*}" | sed '1{/^#!/d}' >"$root$prefix/$file"
        chmod 644 "$root$prefix/$file"
    done
    if [ ! -e "$root/etc/logrotate.d/obie-tokens" ]; then
        install --mode 644 "$here/Deploy/logrotate" "$root/etc/logrotate.d/obie-tokens"
    fi
    if [ ! -e "$conf" ]; then
        { printf '%s\n' 'mode = production' 'store = sqlite:/var/lib/obie-tokens/obie-tokens.db' 'keys-file = credential:keys' ''
            "$program" config sample; } >"$conf"
        chmod 644 "$conf"
    fi
}

uninstall_all() {
    rm -f "$root$prefix/bin/obie-tokens" "$root$prefix"/share/man/man8/obie-tokens{,-*}.8 "$root/etc/logrotate.d/obie-tokens" \
        "${names[@]/#/$root$units/}" "${completions[@]/#/$root$prefix/}"
    echo "obie-tokens: left are its settings and keys in $root/etc/obie-tokens and its state in /var/lib/obie-tokens"
}

case ${1-} in
    install) install_all ;;
    uninstall) uninstall_all ;;
    *) fail "say install or uninstall" 64 ;;
esac
