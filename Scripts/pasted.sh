#!/usr/bin/env bash
# Prints the shell commands that stand between two markers of a page, so that tests can run what readers paste.
#
#     Scripts/pasted.sh NAME PAGE
#
# The markers are the lines <!-- NAME --> and <!-- end of NAME -->. PAGE is a path in this repository. Ends with 1 where the
# page has no such commands.
set -euo pipefail
cd "$(dirname "$0")/.."
sed -n "/^<!-- $1 -->\$/,/^<!-- end of $1 -->\$/p" "$2" | sed -n '/^```sh$/,/^```$/p' | grep -v '^```' ||
    { echo "pasted: $2 has no commands between the markers of '$1'" >&2; exit 1; }
