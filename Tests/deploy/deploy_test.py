#!/usr/bin/env python3
"""Holds Dockerfile and the files in Deploy to their schemas, to the program, and to what they promise.

    Tests/deploy/deploy_test.py --server .build/release/obie-tokens

Kubernetes' and Envoy's schemas and hadolint come from PyPI (requirements.txt), promtool is Prometheus'. Ends with 1 where something is wrong.
"""
import argparse
import os
import re
import subprocess
import sys

import yaml

from cluster_files import check_compose_cluster, check_kubernetes_cluster
from files import ROOT, expect, expect_probes, expect_restricted, image_variables, read, seconds, settings, validate
from metric_names import check_alerts, check_dashboard
from proxy_files import check_envoy, check_idle_times, check_load_balancer, check_public_url
from tls_files import check_tls

from harness import Failure


def check_dockerfile():
    subprocess.run([os.path.join(os.path.dirname(sys.executable), "hadolint"), "Dockerfile"], cwd=ROOT, check=True)


def check_kubernetes(server, version):
    objects = {entry["kind"]: entry for entry in yaml.safe_load_all(read("Deploy/kubernetes.yaml"))}
    validate(objects.values())
    deployment = objects["Deployment"]["spec"]
    pod = deployment["template"]["spec"]
    [container] = pod["containers"]
    expect(container["image"].endswith(f":{version}"), f"kubernetes.yaml has another version than {version}")
    expect((deployment["replicas"], deployment["strategy"]["type"]) == (1, "Recreate"), "two servers on one store")

    variables = image_variables() | objects["ConfigMap"]["data"]
    values = settings(server, variables)
    expect(values is not None, f"the program refuses the settings of kubernetes.yaml: {variables}")
    expect(values["mode"] == "production", "kubernetes.yaml runs a sandbox")
    expect(pod["terminationGracePeriodSeconds"] > seconds(values), "Kubernetes kills it while it drains")
    # A misspelt setting would not start; what Kubernetes sets of itself for a Service of this name must.
    expect(settings(server, variables | {"OBIE_TOKENS_MOED": "production"}) is None, "misspelt settings are not found")
    links = {"OBIE_TOKENS_SERVICE_HOST": "10.0.0.1", "OBIE_TOKENS_SERVICE_PORT": "8080",
             "OBIE_TOKENS_SERVICE_PORT_HTTP": "8080", "OBIE_TOKENS_PORT": "tcp://10.0.0.1:8080",
             "OBIE_TOKENS_PORT_8080_TCP": "tcp://10.0.0.1:8080", "OBIE_TOKENS_PORT_8080_TCP_PROTO": "tcp",
             "OBIE_TOKENS_PORT_8080_TCP_PORT": "8080", "OBIE_TOKENS_PORT_8080_TCP_ADDR": "10.0.0.1"}
    expect(settings(server, variables | links) == values, "it does not start beside a Service of its name")

    expect_probes(container, values)
    expect_restricted(pod, container)
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    expect(values["store"].startswith(f"sqlite:{mounts['store']}/"), "the store is not in the volume")
    check_volumes(values["audit-log"], mounts["audit"], mounts["store"])
    claims = {volume["name"]: volume.get("persistentVolumeClaim", {}).get("claimName") for volume in pod["volumes"]}
    expect(claims["audit"] != claims["store"], "audit log and store share a claim")
    expect(os.path.dirname(values["keys-file"]) == mounts["keys"], "the keys are not those of the secret")


def check_volumes(log, audit, store):
    """A full audit log must not fill the volume of the store."""
    expect(log.startswith(f"{audit}/"), "the audit log is not in its volume")
    expect(audit != store and not audit.startswith(f"{store}/"), "the audit log is in the store's volume")


def check_compose(server, version):
    service = yaml.safe_load(read("Deploy/compose.yaml"))["services"]["obie-tokens"]
    expect(service["image"] == f"obie-tokens:{version}", f"compose.yaml has another version than {version}")
    values = settings(server, image_variables() | service["environment"])
    expect(values is not None, "the program refuses the settings of compose.yaml")
    expect(service["read_only"] and service["cap_drop"] == ["ALL"], "compose.yaml confines less than it says")
    expect(int(service["stop_grace_period"].removesuffix("s")) > seconds(values), "Compose kills it while it drains")
    mounts = dict(volume.split(":") for volume in service["volumes"])
    expect(values["store"].startswith(f"sqlite:{mounts['store']}/"), "the store is not in the volume")
    check_volumes(values["audit-log"], mounts["audit"], mounts["store"])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", required=True)
    server = os.path.abspath(parser.parse_args().server)
    version = re.search(r'current = "(.*)"', read("Sources/obie-tokens/Version.swift")).group(1)
    try:
        check_dockerfile()
        check_kubernetes(server, version)
        check_compose(server, version)
        check_kubernetes_cluster(server, version)
        check_compose_cluster(server, version)
        check_tls(server)
        check_envoy()
        check_public_url()
        check_load_balancer()
        check_idle_times(server)
        check_dashboard()
        check_alerts()
    except Failure as failure:
        sys.exit(f"deploy test: {failure}")
    print("deploy test: Dockerfile, Kubernetes, Compose and proxies' files keep to schemas, program and promises;"
          " dashboard and alerts name metrics that are there")


if __name__ == "__main__":
    main()
