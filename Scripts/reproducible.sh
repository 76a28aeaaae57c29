#!/usr/bin/env bash
# Do the same sources give the same bytes wherever they are built?
#
#     Scripts/reproducible.sh PROGRAM
#
# PROGRAM is what `make release` has built here. The sources are copied into another folder, with a path of another length, and
# built there anew, as if by somebody else, with another home, time zone, language and umask. Then both programs are stripped as
# they are installed, both packages are made, and compared byte by byte. The same toolchain and Debian packages are needed for that.
set -euo pipefail
program=$(realpath "$1")
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
other=$work/somewhere/else/entirely
mkdir -p "$other" "$work"/{home,here,there,temporary}

tar --create --exclude=./.git --exclude='./.build*' --exclude=__pycache__ . | tar --extract --directory "$other"
as_another() {
    (umask 077 && cd "$1" && shift && env -i PATH="$PATH" HOME="$work/home" TMPDIR="$work/temporary" TZ=Asia/Tokyo LC_ALL=C "$@")
}
as_another "$other" make release >"$work/log" 2>&1 || { tail -40 "$work/log" >&2; exit 70; }
built=$other/.build/release/obie-tokens

# same WHAT A B
same() {
    if ! cmp "$2" "$3" >&2; then
        echo "reproducible: $1 differs" >&2
        status=1
        return
    fi
    printf 'reproducible: %s: %s\n' "$1" "$(sha256sum "$2" | cut -d' ' -f1)"
}
for folder in "${PWD}" "$other"; do
    if grep --quiet --fixed-strings "$folder" "$built" "$program"; then
        echo "reproducible: a program has the folder in it that it was built in, $folder" >&2
        exit 1
    fi
done
status=0
same 'the program with its debug information' "$program" "$built"
if [ "$status" -ne 0 ]; then
    # Sections by size: it says what to look for, and the other program stays for that.
    sections() { readelf --section-headers --wide "$1" | awk '/\] *\./ { sub(/^.*\] */, ""); print $1, $5 }'; }
    diff <(sections "$program") <(sections "$built") >&2 || true
    cp "$built" .build/obie-tokens.other
    echo 'reproducible: the other program is .build/obie-tokens.other' >&2
fi
strip -o "$work/here/program" "$program"
strip -o "$work/there/program" "$built"
same 'the program as installed' "$work/here/program" "$work/there/program"
Scripts/deb.sh "$program" "$work/here" >"$work/log"
as_another . Scripts/deb.sh "$built" "$work/there" >>"$work/log"
for package in "$work"/here/*.deb; do same "${package##*/}" "$package" "$work/there/${package##*/}"; done
exit "$status"
