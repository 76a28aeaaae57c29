#!/usr/bin/env python3
"""Prints a bill of materials in CycloneDX 1.6 (JSON): what is in the program, or in an image with it.

    Scripts/sbom.py program PROGRAM [--installed FILE] [--swift VERSION]
    Scripts/sbom.py image PROGRAM ROOT [--swift VERSION]

PROGRAM is what was built. FILE is the same program as it is installed, stripped: the hash in the bill is its. A stripped
PROGRAM does not say which version of Swift's runtime library is in it, so that has to be said.

What is in the program is read from the program, and from Vendor: the argument parser and Swift's runtime library, which are
linked into it, and the shared libraries that it names, each with the Debian package and version that it was linked against
here. libpq5 is optional, since the program loads it only for a store in PostgreSQL. Of an image all packages of ROOT are
named, with the versions in there. The same input gives the same bytes: the time is SOURCE_DATE_EPOCH, or the date of the
version in CHANGELOG.md.
"""
import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import uuid
from datetime import datetime, timezone
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OPTIONAL = "libpq.so.5"
# ECMA-424: the specification and the place of its schema.
FORMAT = {"$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json", "bomFormat": "CycloneDX", "specVersion": "1.6"}
APACHE = [{"expression": "Apache-2.0 WITH Swift-exception"}]


def fail(message):
    sys.exit(f"sbom: {message}")


def output(*command):
    try:
        return subprocess.check_output(command, text=True, stderr=subprocess.PIPE, env={**os.environ, "LC_ALL": "C"})
    except (OSError, subprocess.CalledProcessError) as failure:
        fail(f"{' '.join(command)}: {failure}; {getattr(failure, 'stderr', '')}")


def needed(program):
    """The names of the shared libraries that the loader looks for, in the program's own words."""
    return re.findall(r"\(NEEDED\).*\[(.*)\]", output("readelf", "--dynamic", "--wide", program))


def library_paths():
    """Where the loader finds a library by its name."""
    found = {}
    for name, path in re.findall(r"^\s*(\S+) \(.*\) => (\S+)$", output("/sbin/ldconfig", "-p"), re.M):
        found.setdefault(name, path)
    return found


def installed(root="/"):
    """The packages of a root: by name with their fields."""
    packages = {}
    for paragraph in (Path(root) / "var/lib/dpkg/status").read_text(encoding="utf-8").split("\n\n"):
        fields = dict(re.findall(r"^(\S+): (.*)$", paragraph, re.M))
        if fields.get("Status", "").endswith(" installed"):
            packages[fields["Package"]] = fields
    return packages


def owner(path):
    """The package whose file this is. Since /lib is a link to /usr/lib, dpkg may know it by another name."""
    for name in (path, re.sub(r"^/usr", "", path), os.path.realpath(path), re.sub(r"^/usr", "", os.path.realpath(path))):
        done = subprocess.run(["dpkg-query", "--search", name], text=True, capture_output=True, check=False)
        if done.returncode == 0:
            return done.stdout.split(":")[0]
    fail(f"{path} belongs to no package; only Debian's and Ubuntu's packages can be named")


def distribution(root="/"):
    fields = dict(re.findall(r'^(\w+)="?(.*?)"?$', (Path(root) / "etc/os-release").read_text(encoding="utf-8"), re.M))
    return fields["ID"], f"{fields['ID']}-{fields['VERSION_ID']}"


def debian(fields, root="/", scope="required", **more):
    vendor, release = distribution(root)
    version = fields["Version"].replace(":", "%3A").replace("+", "%2B").replace("~", "~")
    purl = f"pkg:deb/{vendor}/{fields['Package'].replace('+', '%2B')}@{version}?arch={fields['Architecture']}&distro={release}"
    return {"type": "library", "bom-ref": purl, "name": fields["Package"], "version": fields["Version"], "scope": scope,
            "purl": purl, **more}


def vendored():
    """The packages in Vendor: each says in its README which version of which commit it is."""
    found = []
    for folder in sorted((ROOT / "Vendor").iterdir()):
        words = re.search(r"\[(\S+)\]\(https://(\S+)\) (\d[\d.]*)\s\(commit (\w+)\)",
                          (folder / "README.md").read_text(encoding="utf-8"))
        if not words:
            fail(f"{folder}/README.md does not say which version of which commit it is, as '[name](https://…) 1.2.3 (commit …)'")
        purl = f"pkg:swift/{words[2]}@{words[3]}"
        found.append({"type": "library", "bom-ref": purl, "name": folder.name, "version": words[3], "scope": "required",
                      "licenses": APACHE, "purl": purl,
                      "pedigree": {"commits": [{"uid": words[4], "url": f"https://{words[2]}/commit/{words[4]}"}],
                                   "notes": f"changed, as {folder.relative_to(ROOT)}/README.md says"},
                      "properties": linked("static")})
    return found


def linked(how):
    return [{"name": "obie-tokens:linked", "value": how}]


def runtime(program, version):
    found = re.search(rb"Swift version (\d[\d.]*)", Path(program).read_bytes())
    if not found and not version:
        fail(f"{program} does not say which version of Swift's runtime library is in it; say it with --swift")
    version = found[1].decode() if found else version
    purl = f"pkg:swift/github.com/swiftlang/swift@{version}"
    return {"type": "library", "bom-ref": purl, "name": "swift-runtime", "version": version, "scope": "required",
            "licenses": APACHE, "purl": purl, "properties": linked("static"),
            "description": "Swift's standard library, concurrency and synchronization, linked statically"}


def shared(program):
    """The packages of the libraries that the program needs, and of the one that it may load."""
    paths, packages, found = library_paths(), installed(), {}
    for library in needed(program) + [OPTIONAL]:
        is_optional = library == OPTIONAL
        if library not in paths:
            if is_optional:
                found["libpq5"] = {"type": "library", "bom-ref": "libpq5", "name": "libpq5", "scope": "optional",
                                   "properties": linked("dlopen")}
                continue
            fail(f"{library} is not installed here; make the bill where the program was built")
        name = owner(paths[library])
        found.setdefault(name, debian(packages[name], scope="optional" if is_optional else "required",
                                      properties=linked("dlopen" if is_optional else "dynamic")))
    return [found[name] for name in sorted(found)]


def moment(version):
    if epoch := os.environ.get("SOURCE_DATE_EPOCH"):
        return datetime.fromtimestamp(int(epoch), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    found = re.search(rf"^## {re.escape(version)} – (\S+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    return f"{found[1]}T00:00:00Z" if found else fail(f"CHANGELOG.md has no date for {version}")


def bill(about, components, version):
    reference = about["bom-ref"]
    made = {**FORMAT, "version": 1,
            "metadata": {"timestamp": moment(version), "component": about,
                         "tools": {"components": [{"type": "application", "name": "Scripts/sbom.py of obie-tokens",
                                                   "version": version}]}},
            "components": components,
            "dependencies": [{"ref": reference, "dependsOn": [each["bom-ref"] for each in components]}]
            + [{"ref": each["bom-ref"]} for each in components]}
    number = uuid.uuid5(uuid.NAMESPACE_URL, hashlib.sha256(json.dumps(made, sort_keys=True).encode()).hexdigest())
    return {**made, "serialNumber": f"urn:uuid:{number}"}


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("kind", choices=["program", "image"])
    parser.add_argument("program")
    parser.add_argument("root", nargs="?")
    parser.add_argument("--installed")
    parser.add_argument("--swift")
    given = parser.parse_args()
    program = os.path.abspath(given.program)
    if (given.kind == "image") != (given.root is not None):
        parser.error("an image has a root, and a program none")
    version = output(program, "--version").strip()
    digest = hashlib.sha256(Path(given.installed or program).read_bytes()).hexdigest()
    itself = {"type": "application", "bom-ref": f"pkg:generic/obie-tokens@{version}", "name": "obie-tokens", "version": version,
              "description": "Token server of an OBIE open-banking flow",
              "hashes": [{"alg": "SHA-256", "content": digest}], "purl": f"pkg:generic/obie-tokens@{version}"}
    inside = vendored() + [runtime(program, given.swift)]
    if given.kind == "program":
        made = bill(itself, inside + shared(program), version)
    else:
        packages = installed(given.root)
        system = [debian(packages[name], given.root) for name in sorted(packages)]
        about = {"type": "container", "bom-ref": "image", "name": "obie-tokens", "version": version}
        made = bill(about, [itself] + inside + system, version)
    json.dump(made, sys.stdout, indent=2, ensure_ascii=False)
    print()


if __name__ == "__main__":
    main()
