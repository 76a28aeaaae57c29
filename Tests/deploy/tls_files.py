"""The files for TLS in the process: what they are laid over must still hold, and a renewed certificate must arrive."""
import configparser
import copy
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

import yaml

from files import ROOT, expect, expect_restricted, image_variables, read, settings, validate

from harness import Failure, Server, wait_until

# By what the entries of a list are told apart in a strategic merge patch.
KEYS = {"containers": "name", "volumes": "name", "env": "name", "volumeMounts": "mountPath", "ports": "containerPort"}


def merged(base, patch, name=None):
    """As `kubectl patch` does it."""
    if isinstance(base, dict) and isinstance(patch, dict):
        return base | {key: merged(base[key], value, key) if key in base else value for key, value in patch.items()}
    if isinstance(base, list) and name in KEYS:
        key = KEYS[name]
        patched = {entry[key]: entry for entry in patch}
        kept = [merged(entry, patched.pop(entry[key])) if entry[key] in patched else entry for entry in base]
        return kept + list(patched.values())
    return copy.deepcopy(patch)


def check_kubernetes_tls(server):
    patch = yaml.safe_load(read("Deploy/kubernetes-tls.yaml"))
    certificate = yaml.safe_load(read("Deploy/kubernetes-certificate.yaml"))
    for path, kind in [("Deploy/kubernetes.yaml", "Deployment"), ("Deploy/kubernetes-cluster.yaml", "StatefulSet")]:
        entries = list(yaml.safe_load_all(read(path)))
        before = next(entry for entry in entries if entry["kind"] == kind and entry["metadata"]["name"] == "obie-tokens")
        whole = merged(before, patch)
        validate([whole])
        pod = whole["spec"]["template"]["spec"]
        containers = {container["name"]: container for container in pod["containers"]}
        expect(sorted(containers) == ["obie-tokens", "reload"], f"the containers are {sorted(containers)}")
        for container in containers.values():
            expect_restricted(pod, container)
        data = next(entry for entry in entries if entry["kind"] == "ConfigMap" and entry["metadata"]["name"] == "obie-tokens")
        added = {entry["name"]: entry["value"] for entry in containers["obie-tokens"]["env"] if "value" in entry}
        values = settings(server, image_variables() | data["data"] | added)
        expect(values is not None, f"the program refuses the settings of {path} with TLS")
        volume = next(one for one in pod["volumes"] if one["name"] == "tls")
        expect(volume["secret"]["secretName"] == certificate["spec"]["secretName"], "another Secret than cert-manager's")
        expect(volume["secret"]["defaultMode"] & 0o037 == 0, "others may read the key")
        expect({values["tls-certificate"], values["tls-key"]} == {f"{mount(one)}/{file}" for file in ("tls.crt", "tls.key")
               for one in containers.values()}, "the settings do not name the files of the Secret")
        expect(pod["shareProcessNamespace"], "the second container cannot signal the first")
    spec = certificate["spec"]
    expect(certificate["apiVersion"] == "cert-manager.io/v1" and certificate["kind"] == "Certificate", "no Certificate")
    expect(hours(spec["renewBefore"]) > 14 * 24 < hours(spec["duration"]), "it is renewed after the server has warned")
    check_reloading(server, containers["reload"])


def mount(container):
    one = next(one for one in container["volumeMounts"] if one["name"] == "tls")
    expect("subPath" not in one, "with subPath a renewed Secret never arrives")
    return one["mountPath"]


def hours(text):
    return int(text.removesuffix("h"))


def self_signed(server, folder):
    """Makes tls.crt and tls.key in a new folder of that name."""
    folder.mkdir()
    words = ["tls", "self-signed", "--certificate", folder / "tls.crt", "--key", folder / "tls.key"]
    subprocess.run([server, *map(str, words)], check=True, capture_output=True)


def check_reloading(server, container):
    """Its script, as it stands in the file: it signals this server, once, when both files have changed."""
    [shell, flag, script] = container["command"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for one in ("first", "second"):
            self_signed(server, folder / one)
        # As kubelet does it: the files are links through one that is renamed.
        (folder / "..data").symlink_to("first")
        (folder / "mounted").mkdir()
        for file in ("tls.crt", "tls.key"):
            (folder / "mounted" / file).symlink_to(f"../..data/{file}")
        pair = [str(folder / "mounted" / file) for file in ("tls.crt", "tls.key")]
        with Server(server, "--tls-certificate", pair[0], "--tls-key", pair[1]) as running:
            pidof = folder / "pidof"
            pidof.write_text(f"#!/bin/sh\necho {running.pid}\n", encoding="ascii")
            pidof.chmod(0o755)
            variables = {"PATH": f"{folder}:{os.environ['PATH']}", "FOLDER": str(folder / "mounted"), "EVERY_SECONDS": "0.2"}
            loop = subprocess.Popen([shell, flag, script], env=variables)
            try:
                time.sleep(1)
                expect("read again" not in running.log_text(), "SIGHUP came, and nothing had changed")
                (folder / "new").symlink_to("second")
                (folder / "new").rename(folder / "..data")
                wait_until(lambda: "read again" in running.log_text(), lambda: f"no SIGHUP: {running.log_text()}", 10)
                time.sleep(1)
                expect(running.log_text().count("read again") == 1, "SIGHUP came more than once")
            finally:
                loop.kill()
                loop.wait()


def check_compose_tls(server):
    base = yaml.safe_load(read("Deploy/compose.yaml"))["services"]["obie-tokens"]
    more = yaml.safe_load(read("Deploy/compose-tls.yaml"))["services"]["obie-tokens"]
    expect(set(more) == {"environment", "ports", "volumes"}, "compose-tls.yaml changes more than it says")
    values = settings(server, image_variables() | base["environment"] | more["environment"])
    expect(values is not None, "the program refuses the settings of compose-tls.yaml")
    [volume] = more["volumes"]
    source, target, mode = volume.split(":")
    expect((source, mode) == ("./tls", "ro"), "the folder with the certificate is another one")
    for name in ("tls-certificate", "tls-key"):
        expect(os.path.dirname(values[name]) == target, f"{name} is not in the folder that is mounted")
    [port] = more["ports"]
    expect(values["listen"].endswith(":" + port.split(":")[-1]), "the published port is not that of the API")


def check_unit_tls(server):
    """The drop-in of systemd, with a folder in the place of what systemd passes."""
    parser = configparser.RawConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read_string(read("Deploy/obie-tokens-tls.conf"))
    expect(parser.sections() == ["Service"], "the drop-in is about more than the service")
    lines = [line for line in read("Deploy/obie-tokens-tls.conf").splitlines() if re.match(r"\w+=", line)]
    credentials = dict(line.removeprefix("LoadCredential=").split(":") for line in lines if line.startswith("LoadCredential="))
    variables = dict(line.removeprefix("Environment=").split("=", 1) for line in lines if line.startswith("Environment="))
    expect(len(lines) == len(credentials) + len(variables), f"lines of another kind: {lines}")
    values = settings(server, variables)
    expect(values is not None, "the program refuses the settings of the drop-in")
    named = {values[name].removeprefix("credential:") for name in ("tls-certificate", "tls-key")}
    expect(named == set(credentials), "the credentials have other names than the settings")
    unit = (ROOT / "Deploy/obie-tokens.service").read_text(encoding="utf-8")
    expect(not any(f"LoadCredential={name}:" in unit for name in credentials), "the unit has the credentials already")


def check_tls(server):
    for check in (check_kubernetes_tls, check_compose_tls, check_unit_tls):
        try:
            check(server)
        except (OSError, subprocess.SubprocessError) as error:
            raise Failure(f"{check.__name__}: {error}") from error
