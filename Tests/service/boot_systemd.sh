#!/usr/bin/env bash
# Boots this machine's systemd over a copy of its root that forgets everything, and runs a program in it.
#
#     Tests/service/boot_systemd.sh INSTALLED PROGRAM [ARGUMENT...]
#
# INSTALLED is a folder as `make install DESTDIR=` fills it; it is laid over the root. The program runs as root, as a
# unit, in namespaces of its own (mounts, processes, network, control groups): nothing outside sees any of it. Ends
# with the program's status. BOOT_ROOT is another root to copy, such as one that mmdebstrap made. Exits 77 where namespaces
# cannot be made: that takes root, and more than most containers get.
set -euo pipefail

# The folder above a file that has Package.swift: a test needs more of the checkout than its own folder.
checkout() {
    local folder=$1
    while folder=$(dirname "$folder") && [ ! -e "$folder/Package.swift" ]; do
        [ "$folder" != / ] || { echo "boot systemd: $1 is in no checkout" >&2; return 1; }
    done
    echo "$folder"
}

case ${1-} in
    --cgroup) # In a mount namespace: a control group of our own, which is to be the root of systemd's.
        folder=$2
        mount --make-rprivate /
        mount -t cgroup2 none "$folder/cgroup"
        group=$folder/cgroup/obie-tokens-$$
        mkdir "$group"
        echo $$ >"$group/cgroup.procs"
        status=0
        timeout --signal=KILL 240 unshare --cgroup --pid --fork --kill-child --net --ipc --uts --mount \
            "$0" --inside "${@:2}" || status=$?
        echo $$ >"$folder/cgroup/cgroup.procs"
        find "$group" -depth -type d -exec rmdir {} +
        exit "$status"
        ;;
    --inside)
        folder=$2 installed=$3 here=$(checkout "$4")
        shift 3
        mount --make-rprivate /
        mount -t tmpfs none "$folder/layer"
        mkdir "$folder"/layer/{upper,work,root}
        root=$folder/layer/root
        mount -t overlay none -o "lowerdir=${BOOT_ROOT:-/},upperdir=$folder/layer/upper,workdir=$folder/layer/work" "$root"
        mount -t proc proc "$root/proc"
        mount --bind "$root/proc/sys" "$root/proc/sys"
        mount -o remount,ro,bind "$root/proc/sys"
        mount -t sysfs -o ro sysfs "$root/sys"
        mount -t cgroup2 none "$root/sys/fs/cgroup"
        for path in run tmp dev; do mount -t tmpfs none "$root/$path"; done
        for device in null zero full random urandom tty; do
            touch "$root/dev/$device"
            mount --bind "/dev/$device" "$root/dev/$device"
        done
        mkdir "$root"/dev/{shm,pts}
        mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
        ln -s pts/ptmx "$root/dev/ptmx"
        mkdir -p "$root$here"
        mount --bind "$here" "$root$here"
        # Of what the machine starts otherwise only the journal, a new one.
        rm -rf "$root"/{usr/lib,lib,etc}/systemd/system/*.wants "$root/var/log/journal"
        cp -r "$installed/." "$root"
        printf '[Unit]\nDefaultDependencies=no\nWants=systemd-journald.socket trial.service\n' >"$root/etc/systemd/system/trial.target"
        cat >"$root/etc/systemd/system/trial.service" <<UNIT
[Unit]
DefaultDependencies=no
After=systemd-journald.socket
[Service]
Type=oneshot
Environment=PATH=$PATH
ExecStart=$*
ExecStopPost=/bin/sh -c 'systemctl exit \$EXIT_STATUS'
StandardOutput=file:/trial/output
StandardError=file:/trial/output
UNIT
        mkdir "$root/trial" "$root/outside"
        mount --bind "$folder/trial" "$root/trial"
        cd "$root"
        pivot_root . outside
        umount -l /outside
        # As at a real boot: what systemd mounts for a service must get into the service's namespace.
        mount --make-rshared /
        exec env -i container=trial PATH=/usr/sbin:/usr/bin:/sbin:/bin \
            /lib/systemd/systemd --system --unit=trial.target --log-target=null >/dev/null 2>&1
        ;;
esac

installed=$(realpath "$1") program=$(realpath "$2")
shift 2
folder=$(mktemp -d)
mkdir "$folder"/{cgroup,layer,trial}
trap 'rm -rf --one-file-system "$folder"' EXIT
if ! unshare --mount --cgroup --pid --fork --net --ipc --uts \
    sh -c "mount --make-rprivate / && mount -t cgroup2 none $folder/cgroup && mount -t tmpfs none $folder/layer" \
    2>/dev/null; then
    echo "boot systemd: namespaces, control groups and mounts cannot be had here; run this as root outside of a container" >&2
    exit 77
fi
status=0
unshare --mount "$0" --cgroup "$folder" "$installed" "$program" "$@" || status=$?
cat "$folder/trial/output" 2>/dev/null || true
exit "$status"
