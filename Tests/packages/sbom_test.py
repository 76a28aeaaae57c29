#!/usr/bin/env python3
"""Are the bills of materials valid, and do they name what is there?

    Tests/packages/sbom_test.py PROGRAM BILL [--image BILL]

PROGRAM is what was built, BILL what Scripts/sbom.py printed for it. Runs with cyclonedx-python-lib, which has the schema.
Each check is also given a bill with a fault that it must find. Ends with 1 if one fails.
"""
import argparse
import copy
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())


def faults_of_schema(bill, _):
    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill))
    return [str(fault)[:300]] if fault else []


def by_name(bill):
    return {each["name"]: each for each in bill["components"]}


def faults_of_libraries(bill, program):
    """What the loader maps, asked of the loader itself, and not of the program's own list."""
    loaded = re.findall(r"=> (/\S+)|^\s*(/\S+)", subprocess.check_output(["ldd", program], text=True), re.M)
    listed = subprocess.check_output(["dpkg-query", "--show", "--showformat", "${Package} ${Version}\\n"], text=True)
    versions, faults, components = dict(line.split() for line in listed.splitlines()), [], by_name(bill)
    needed = set(re.findall(r"\[(.*)\]", subprocess.check_output(["readelf", "-d", program], text=True)))
    for path in {one or other for one, other in loaded}:
        if Path(path).name not in needed:
            continue  # a library's library, which Debian's packages look after
        names = [path, path.removeprefix("/usr"), f"/usr{path}"]
        found = subprocess.run(["dpkg-query", "--search", *names], text=True, capture_output=True, check=False)
        package = found.stdout.split(":")[0]
        if components.get(package, {}).get("version") != versions.get(package, "none"):
            faults.append(f"{path} is of {package} {versions.get(package)}, which the bill does not name")
    return faults


def faults_of_sources(bill, _):
    """Each folder in Vendor, in the version that it names; and Swift's runtime library."""
    components, faults = by_name(bill), []
    for folder in (ROOT / "Vendor").iterdir():
        version = components.get(folder.name, {}).get("version")
        if version is None or f" {version} " not in (folder / "README.md").read_text(encoding="utf-8"):
            faults.append(f"{folder.name} {version}")
    if not re.fullmatch(r"\d+\.\d+[.\d]*", components.get("swift-runtime", {}).get("version", "")):
        faults.append("no version of Swift's runtime library")
    return faults


def faults_of_names(bill, _):
    """Everything has a version and an address, but what may be loaded and is not here; and no name stands twice."""
    faults = [each["name"] for each in bill["components"]
              if each.get("scope") != "optional" and not (each.get("version") and each.get("purl"))]
    references = [each["bom-ref"] for each in bill["components"]]
    known = {*references, bill["metadata"]["component"]["bom-ref"]}
    used = {each["ref"] for each in bill["dependencies"]}
    return faults + [f"twice or unknown: {name}" for name in known ^ used] + (
        [] if len(set(references)) == len(references) else ["a reference stands twice"])


def faults_of_hash(bill, program):
    hashes = bill["metadata"]["component"].get("hashes", [])
    found = {each["content"] for each in hashes if each["alg"] == "SHA-256"}
    return [] if found == {hashlib.sha256(Path(program).read_bytes()).hexdigest()} else [f"hashes {found}"]


def without(name):
    def plant(bill):
        bill["components"] = [each for each in bill["components"] if each["name"] != name]
    return plant


def older(name):
    def plant(bill):
        by_name(bill)[name]["version"] = "0.0.1"
    return plant


CHECKS = {
    "schema": (faults_of_schema, lambda bill: bill["components"][0].update(type="nonsense")),
    "libraries": (faults_of_libraries, older("libuv1")),
    "sources": (faults_of_sources, without("swift-argument-parser")),
    "names": (faults_of_names, lambda bill: bill["components"][0].pop("purl")),
    "hash": (faults_of_hash, lambda bill: bill["metadata"]["component"]["hashes"][0].update(content="0" * 64)),
}
# Of an image: its packages are those of another root, which dpkg there has named.
OF_IMAGE = ["schema", "sources", "names"]


def check(path, program, names):
    bill = json.loads(Path(path).read_text(encoding="utf-8"))
    for name in names:
        faults_in, plant = CHECKS[name]
        faults, planted = faults_in(bill, program), copy.deepcopy(bill)
        plant(planted)
        if faults or not faults_in(planted, program):
            print(f"sbom {name}: FAILED {faults or 'it finds no fault where one is planted'}")
            return False
    parts = ", ".join(f"{each['name']} {each.get('version', '(not here)')}" for each in bill["components"][:10])
    more = len(bill["components"]) - 10
    print(f"sbom: {path}: CycloneDX {bill['specVersion']}, valid; {parts}{f' and {more} more' if more > 0 else ''}")
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("bill")
    parser.add_argument("--image")
    given = parser.parse_args()
    good = check(given.bill, given.program, CHECKS)
    if given.image:
        good = check(given.image, given.program, OF_IMAGE) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
