"""What a power cut leaves of files: from the records that the library lost_sync.c keeps of a process.

A file as programs see it is in the kernel's memory. On the disk is what was synced. Where a sync has failed, what was to
be written is lost, though programs go on seeing it, and nobody writes it any more.
"""
import os
import struct
import subprocess

PAGE = 4096
RECORD = struct.Struct("=qqqqq")
WRITE, TRUNCATE, SYNC, FAILED_SYNC = 1, 2, 3, 4


def build(folder, source):
    """Compiles the library. Returns its path."""
    library = os.path.join(folder, "lost_sync.so")
    subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-shared", "-fPIC", "-o", library, source, "-ldl", "-lpthread"], check=True)
    return library


def fail_next_sync(folder, name):
    """The next sync of the file fails, once."""
    wish = os.path.join(folder, "fail")
    with open(f"{wish}.new", "w", encoding="utf-8") as file:
        file.write(os.path.realpath(os.path.join(folder, name)))
    os.rename(f"{wish}.new", wish)


def environment(folder):
    """What the library needs."""
    return {"UNSYNCED_MATCH": "store.db", "UNSYNCED_FAIL": os.path.join(folder, "fail")}


def read(path):
    with open(path, "rb") as file:
        return file.read()


def records(undo):
    at = 0
    while at < len(undo):
        kind, offset, old_length, written, old_size = RECORD.unpack_from(undo, at)
        at += RECORD.size
        old = undo[at:at + old_length]
        at += old_length
        new = undo[at:at + written] if kind == WRITE else b""
        at += len(new)
        yield kind, offset, old, new, written, old_size


def before(content, steps):
    """The file before all of these steps."""
    content = bytearray(content)
    for kind, offset, old, _, _, old_size in reversed(steps):
        if kind in (WRITE, TRUNCATE):
            content.extend(bytes(max(0, offset + len(old) - len(content))))
            content[offset:offset + len(old)] = old
            resize(content, old_size)
    return content


def resize(content, size):
    del content[size:]
    content.extend(bytes(size - len(content)))


def on_disk(memory, disk, steps):
    """What is on the disk after these steps, and how many bytes memory had besides.

    memory, disk    as they were before
    """
    memory, disk, dirty, lost = bytearray(memory), bytearray(disk), set(), 0
    for kind, offset, _, new, written, _ in steps:
        if kind == WRITE:
            resize(memory, max(len(memory), offset + written))
            memory[offset:offset + written] = new
            dirty.update(range(offset // PAGE, (offset + written - 1) // PAGE + 1))
            lost += written
        elif kind == TRUNCATE:
            resize(memory, offset)
        elif kind == SYNC:
            resize(disk, len(memory))
            for page in dirty:
                disk[page * PAGE:(page + 1) * PAGE] = memory[page * PAGE:(page + 1) * PAGE]
            dirty, lost = set(), 0
        else:
            dirty = set()
    return disk, lost


def settle(folder):
    """The process has ended. Yields path, memory, disk and unsynced bytes for each watched file."""
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".undo"):
            continue
        undo_path = os.path.join(folder, name)
        path = undo_path[:-len(".undo")]
        steps = list(records(read(undo_path)))
        os.unlink(undo_path)
        if os.path.exists(path):
            memory = read(path)
            first = before(memory, steps)
            # Where PATH.disk is still there, nobody has dropped what the disk never got.
            old = read(f"{path}.disk") if os.path.exists(f"{path}.disk") else first
            yield path, memory, *on_disk(first, old, steps)


def end_process(folder):
    """The machine lives on: memory stays, and PATH.disk is what the disk has, where that is something else."""
    for path, memory, disk, _ in settle(folder):
        forget(path)
        if disk != memory:
            with open(f"{path}.disk", "wb") as file:
                file.write(disk)


def cut_power(folder):
    """Leaves what is on the disk. Returns how many bytes were not synced."""
    unsynced = 0
    for path, memory, disk, lost in settle(folder):
        if disk != memory:
            with open(path, "wb") as file:
                file.write(disk)
        forget(path)
        unsynced += lost
    return unsynced


def forget(path):
    if os.path.exists(f"{path}.disk"):
        os.unlink(f"{path}.disk")
