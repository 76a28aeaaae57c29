"""Cuts the power: what was not synced to disk, in files and in the names of files, is as if it had never been."""
import os
import struct
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
MATCH = "store.db"


def make_shim(folder):
    """The library that remembers what was not synced yet."""
    subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-shared", "-fPIC", "-o", os.path.join(folder, "unsynced.so"),
                    HERE / "unsynced.c", HERE / "names.c", "-ldl", "-lpthread"], check=True)


def shim(folder):
    """The keywords of a Process that runs with it."""
    return {"env": {"UNSYNCED_MATCH": MATCH}, "preload": os.path.join(folder, "unsynced.so")}


def cut(folder):
    """Undoes what was written since the last sync, last write first. Returns how many bytes and names that were."""
    names = undo_names(os.path.join(folder, "names.undo"))
    lost = 0
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".undo"):
            continue
        path = os.path.join(folder, name)
        with open(path, "rb") as file:
            lost += undo_writes(path[:-5], file.read())
        os.unlink(path)
    return lost, names


def undo_writes(path, undo):
    """The bytes of one file. Returns how many had been written."""
    records, at, lost = [], 0, 0
    while at < len(undo):
        offset, old_length, written, old_size = struct.unpack_from("=qqqq", undo, at)
        records.append((offset, undo[at + 32:at + 32 + old_length], written, old_size))
        at += 32 + old_length
    if os.path.exists(path):
        with open(path, "r+b") as file:
            for offset, old, written, old_size in reversed(records):
                file.seek(offset)
                file.write(old)
                file.truncate(old_size)
                lost += written
    return lost


def undo_names(path):
    """The names of one folder. Returns how many."""
    if not os.path.exists(path):
        return 0
    with open(path, encoding="utf-8") as file:
        lines = [line.split() for line in file if line.endswith("\n")]
    for kind, name, *rest in reversed(lines):
        if kind == "C":
            remove(name)
            remove(name + ".undo")
        elif kind == "U":
            bring_back(rest[0], name)
        else:
            source, inode, kept = rest
            if os.path.exists(name) and os.stat(name).st_ino == int(inode):
                os.rename(name, source)
            bring_back(kept, name)
    os.unlink(path)
    return len(lines)


def bring_back(kept, name):
    """A file under the name that it had. It may never have lost it."""
    if kept != "-" and os.path.exists(kept):
        remove(name)
        os.rename(kept, name)


def remove(path):
    if os.path.exists(path):
        os.unlink(path)
