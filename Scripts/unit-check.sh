#!/usr/bin/env bash
# Are the systemd units sound, and is the service confined as it should be?
#
#     Scripts/unit-check.sh
#
# Installs into an empty folder, as a package would, and lets systemd-analyze look. No systemd need be running.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
make --no-print-directory install DESTDIR="$folder" >/dev/null

units=$folder/usr/lib/systemd/system
[ "$(stat -c %a "$folder/usr/bin/obie-tokens")" = 755 ]
"$folder/usr/bin/obie-tokens" config show --config "$folder/etc/obie-tokens/obie-tokens.conf" >/dev/null
# systemd-analyze wants the program where the unit says that it is.
sed -i "s#^ExecStart=/usr#ExecStart=$folder/usr#" "$units/obie-tokens.service"
systemd-analyze verify --man=no --recursive-errors=no "$units"/obie-tokens*
# The same with TLS, as Deploy/obie-tokens-tls.conf has it.
install -D --mode 644 Deploy/obie-tokens-tls.conf "$units/obie-tokens.service.d/tls.conf"
systemd-analyze verify --man=no --recursive-errors=no "$units/obie-tokens.service"
systemd-analyze security --offline=true --threshold=15 --no-pager "$units/obie-tokens.service" | tail -1
# Verify accepts a unit that lost half of its lines; these make it what it is.
for line in Type=notify WatchdogSec= DynamicUser=yes StateDirectory= LoadCredential=keys: ExecReload= TimeoutStopSec= Restart=on-failure StartLimitIntervalSec=0; do
    grep -q "^$line" "$units/obie-tokens.service" || { echo "unit check: no $line in the unit" >&2; exit 1; }
done
# Another prefix, in every unit; and all of it taken away again, but for the settings.
other=$folder/other
make --no-print-directory install DESTDIR="$other" PREFIX=/opt/obie >/dev/null
grep -q '^ExecStart=/opt/obie/bin/obie-tokens ' "$other/opt/obie/lib/systemd/system/obie-tokens.service"
[ ! -e "$other/usr" ] || { echo "unit check: with PREFIX=/opt/obie something is installed in /usr" >&2; exit 1; }
make --no-print-directory uninstall DESTDIR="$other" PREFIX=/opt/obie >/dev/null
left=$(cd "$other" && find . -type f)
[ "$left" = ./etc/obie-tokens/obie-tokens.conf ] || { echo "unit check: uninstall leaves $left" >&2; exit 1; }
# Nothing is built by an installation, whoever asks for it.
if MAKEFLAGS= make --no-print-directory install DESTDIR="$other" SERVER="$other/nothing" >/dev/null 2>"$other/said"; then
    echo "unit check: it installed what was never built" >&2
    exit 1
fi
grep -q "run 'make release' first" "$other/said"
echo "unit check: the units are sound, the service is confined"
