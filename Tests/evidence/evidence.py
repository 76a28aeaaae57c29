#!/usr/bin/env python3
"""Runs the proofs one after the other and leaves a folder that an auditor can read, check and repeat.

    Tests/evidence/evidence.py [--folder .build/evidence] [--only NAME…]

The folder has index.html to read, figures.json, versions.json, the log of each proof, the bill of materials where there is
one, and SHA256SUMS over all of it (`sha256sum --check SHA256SUMS`). A proof that fails, or takes too long, is shown as such,
and the others still run. Ends with 1 where one failed. `make evidence` builds first what is needed.
"""
import argparse
import datetime
import hashlib
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from page import index
from proofs import PROOFS, SERVER

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
MARK = "obie-tokens evidence\n"  # a file of this content says that the folder is ours to empty
BILLS = (".build/obie-tokens.cdx.json", ".build/image.cdx.json")
TICK_SECONDS, LINES = 5, 12
PACKAGES = ("libuv1", "libsqlite3-0", "libssl3", "libc6", "postgresql-15", "patroni", "haproxy", "etcd-server", "spin",
            "valgrind", "gcc", "python3")


def output(*command):
    """What a command prints; empty where it is not there, or fails."""
    try:
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ended.stdout.strip() if ended.returncode == 0 else ""


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def versions():
    """Of everything that the proofs rest on."""
    release = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text(encoding="utf-8").splitlines() if "=" in line)
    models = re.findall(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    revision = output("git", "rev-parse", "HEAD")
    listed = output("dpkg-query", "--show", "--showformat=${Package} ${Version}\\n", *PACKAGES).splitlines()
    return {"program": output(str(ROOT / SERVER), "--version"), "program_sha256": digest(ROOT / SERVER),
            "revision": revision or "not known: these sources are no git repository",
            "uncommitted_files": len(output("git", "status", "--porcelain").splitlines()) if revision else "not known",
            "system": release.get("PRETTY_NAME", "").strip('"'), "kernel": platform.release(), "machine": platform.machine(),
            "processors": os.cpu_count(), "processor": models[0] if models else "", "load_at_start": os.getloadavg(),
            "swift": (output("swift", "--version").splitlines() or [""])[0],
            "packages": dict(line.split(" ", 1) for line in listed if " " in line)}


def prepare(folder):
    """An empty folder. Raises SystemExit where one of that name is somebody else's."""
    mark = folder / ".evidence"
    if folder.exists() and any(folder.iterdir()):
        if not mark.exists() or mark.read_text(encoding="ascii") != MARK:
            sys.exit(f"evidence: {folder} is not empty and was not made here: name another with EVIDENCE=")
        shutil.rmtree(folder)
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    mark.write_text(MARK, encoding="ascii")


def run(proof, folder, place):
    """Runs one proof. Returns what is to be known of it."""
    log, figures = folder / "logs" / f"{proof.name}.log", folder / f"{proof.name}.json"
    command = [word.replace("{figures}", str(figures)) for word in proof.command]
    began, told = time.monotonic(), ""
    with open(log, "wb") as file:
        try:
            process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
                                       start_new_session=True)
        except OSError as error:
            file.write(f"cannot be started: {error}\n".encode())
            return result(proof, log, None, 0.0, figures)
        try:
            while process.poll() is None and time.monotonic() - began < proof.seconds:
                try:
                    process.wait(TICK_SECONDS)
                except subprocess.TimeoutExpired:
                    print(f"evidence: {place} {proof.name}: {time.monotonic() - began:.0f} s", flush=True)
        finally:
            if process.poll() is None:
                told = f"not ended after {proof.seconds} s\n"
                end(process)
        file.write(told.encode())
    return result(proof, log, None if told else process.returncode, time.monotonic() - began, figures)


def end(process):
    """A proof and whatever it has started; first so that it can clean up."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(10)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            pass


def result(proof, log, status, seconds, figures):
    text = log.read_text(encoding="utf-8", errors="replace")
    lines = [line for line in text.splitlines() if line.strip()]
    return {"name": proof.name, "shows": proof.shows, "command": " ".join(proof.command), "passed": status == 0,
            "status": status, "seconds": round(seconds, 1), "seeds": re.findall(r"seed (\d+)", text), "page": proof.page,
            "log": f"logs/{log.name}", "said": lines[-LINES:],
            **({"figures": json.loads(figures.read_text(encoding="utf-8"))} if figures.exists() else {})}


def seal(folder):
    """The hashes of all that is there, in the order of the names."""
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    (folder / "SHA256SUMS").write_text("".join(f"{digest(folder / name)}  {name}\n" for name in names), encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", default=str(ROOT / ".build/evidence"))
    parser.add_argument("--only", nargs="+", choices=[proof.name for proof in PROOFS], metavar="NAME")
    options = parser.parse_args()
    folder, chosen = Path(options.folder).absolute(), [one for one in PROOFS if not options.only or one.name in options.only]
    prepare(folder)
    began, about = datetime.datetime.now(datetime.timezone.utc), versions()
    results = []
    for number, proof in enumerate(chosen, 1):
        place = f"{number} of {len(chosen)}"
        print(f"evidence: {place} {proof.name}: {proof.shows}", flush=True)
        results.append(run(proof, folder, place))
        word = "passed" if results[-1]["passed"] else "FAILED"
        print(f"evidence: {place} {proof.name}: {word} after {results[-1]['seconds']:.0f} s", flush=True)
    bills = [ROOT / bill for bill in BILLS if (ROOT / bill).exists()]
    for bill in bills:
        shutil.copy(bill, folder / bill.name)
    ended = datetime.datetime.now(datetime.timezone.utc)
    whole = {"began": began.isoformat(timespec="seconds"), "seconds": round((ended - began).total_seconds(), 1),
             "versions": about, "bills_of_materials": [bill.name for bill in bills], "left_out": len(PROOFS) - len(chosen),
             "proofs": results}
    (folder / "versions.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    (folder / "figures.json").write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    (folder / "index.html").write_text(index(whole), encoding="utf-8")
    seal(folder)
    failed = [one["name"] for one in results if not one["passed"]]
    print(f"evidence: {len(results) - len(failed)} of {len(results)} proofs passed in {whole['seconds']:.0f} s"
          f"{'; failed: ' + ', '.join(failed) if failed else ''}; read {folder}/index.html", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
