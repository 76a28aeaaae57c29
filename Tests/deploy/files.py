"""What the checks of the deployment files share: the files, and what the program makes of their settings."""
import json
import re
import subprocess
import sys
from pathlib import Path

import kubernetes_validate

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
sys.path.insert(0, str(ROOT / "Tests/harness"))

from harness import expect  # noqa: E402


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


def settings(server, variables):
    """What the program makes of an environment of these variables alone; None where it refuses."""
    result = subprocess.run([server, "config", "show", "--json"], env=variables, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        return None
    shown = json.loads(result.stdout)
    return {entry["setting"]: entry["value"] for entry in shown}


def image_variables():
    """The ENV of the Dockerfile."""
    return dict(re.findall(r"\b(OBIE_TOKENS_\w+)=(\S+)", read("Dockerfile")))


def seconds(values):
    """How long the server may take to end."""
    return int(values["drain-delay"]) + int(values["drain-timeout"])


def validate(objects):
    """Against the schemas of an old and of the newest Kubernetes."""
    for entry in objects:
        kubernetes_validate.validate(entry, "1.29", strict=True)
        kubernetes_validate.validate(entry, kubernetes_validate.latest_version(), strict=True)


def expect_probes(container, values):
    """Ports and probes are those of the settings."""
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    for name, setting in [("http", "listen"), ("admin", "admin-listen")]:
        expect(values[setting] == f"0.0.0.0:{ports[name]}", f"{setting} is not the port {name}")
    probes = {probe: container[probe]["httpGet"] for probe in ["startupProbe", "livenessProbe", "readinessProbe"]}
    expect({probe: get["path"] for probe, get in probes.items()} == {
        "startupProbe": "/livez", "livenessProbe": "/livez", "readinessProbe": "/readyz"}, "probes ask for other pages")
    expect(all(get["port"] == "admin" for get in probes.values()), "probes ask the API")


def expect_restricted(pod, container):
    """The Pod Security Standard `restricted`, and a root that cannot be written to."""
    expect(pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault",
           "the pod is less than restricted")
    expect(container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}},
        "the container is less than restricted")
    expect(not pod["enableServiceLinks"] and not pod["automountServiceAccountToken"], "the pod is given what it does not need")
