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
echo "unit check: the units are sound, the service is confined"
