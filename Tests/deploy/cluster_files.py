"""The files for several servers on one PostgreSQL: Deploy/compose-cluster.yaml and Deploy/kubernetes-cluster.yaml."""
import os
import re
import subprocess
from collections import Counter

import yaml

from files import ROOT, expect, expect_probes, expect_restricted, image_variables, read, seconds, settings, validate

SERVERS = 3
SECRETS = "/run/secrets"


def check_kubernetes_cluster(server, version):
    entries = list(yaml.safe_load_all(read("Deploy/kubernetes-cluster.yaml")))
    validate(entries)
    objects = {(entry["kind"], entry["metadata"]["name"]): entry for entry in entries}
    servers = objects["StatefulSet", "obie-tokens"]["spec"]
    pod, job = servers["template"]["spec"], objects["Job", "obie-tokens-migrate"]["spec"]["template"]
    [container], [migration] = pod["containers"], job["spec"]["containers"]
    for one in container, migration:
        expect(one["image"].endswith(f":{version}"), f"kubernetes-cluster.yaml has another version than {version}")
    expect(servers["replicas"] == SERVERS, "the number of servers")

    variables = image_variables() | objects["ConfigMap", "obie-tokens"]["data"]
    values = settings(server, variables)
    expect(values is not None, f"the program refuses the settings of kubernetes-cluster.yaml: {variables}")
    expect(pod["terminationGracePeriodSeconds"] > seconds(values), "Kubernetes kills it while it drains")
    expect_probes(container, values)
    expect_restricted(pod, container)
    expect_restricted(job["spec"], migration)
    expect_shared_store(values)
    expect_migration(server, migration["args"], {entry["name"]: entry["value"] for entry in migration["env"]}, values)
    expect_volumes(pod, container, servers["volumeClaimTemplates"], values)
    expect_selectors(objects, servers, job)


def expect_volumes(pod, container, claims, values):
    """What the settings name is mounted, and each server has a claim of its own for its audit log."""
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    expect([claim["metadata"]["name"] for claim in claims] == ["audit"], "the audit log has no claim of its own")
    expect(os.path.dirname(values["audit-log"]) == mounts["audit"], "the audit log is not in its volume")
    expect(os.path.dirname(values["keys-file"]) == mounts["keys"], "the keys are not those of the secret")
    for path in [values["store-password-file"], certificate(values["store"])]:
        expect(os.path.dirname(path) == mounts["database"], f"{path} is not in the database's secret")
    for volume in pod["volumes"]:
        expect(volume["secret"]["defaultMode"] == 0o400, f"others may read the secret {volume['name']}")


def expect_selectors(objects, servers, job):
    """Services, the budget, the spreading and the first policy mean the servers, and never the Job."""
    labels, migration = servers["template"]["metadata"]["labels"], job["metadata"]["labels"]
    selectors = [servers["selector"]["matchLabels"], objects["Service", "obie-tokens"]["spec"]["selector"],
                 objects["Service", servers["serviceName"]]["spec"]["selector"],
                 objects["PodDisruptionBudget", "obie-tokens"]["spec"]["selector"]["matchLabels"],
                 objects["NetworkPolicy", "obie-tokens"]["spec"]["podSelector"]["matchLabels"],
                 *(one["labelSelector"]["matchLabels"] for one in servers["template"]["spec"]["topologySpreadConstraints"])]
    for selector in selectors:
        expect(selector.items() <= labels.items() and not selector.items() <= migration.items(),
               f"{selector} does not mean the servers alone")
    both = objects["NetworkPolicy", "obie-tokens-database"]["spec"]["podSelector"]["matchLabels"]
    expect(both.items() <= labels.items() and both.items() <= migration.items(), "the Job may not reach the database")


def check_compose_cluster(server, version):
    compose = yaml.safe_load(read("Deploy/compose-cluster.yaml"))
    services = compose["services"]
    servers = {name: service for name, service in services.items() if name.startswith("obie-")}
    expect(len(servers) == SERVERS, "the number of servers")
    for name, service in servers.items():
        expect(service["hostname"] == name, "two servers have the same name")
        expect("migrate" in service["depends_on"], f"{name} starts before the tables are there")
        values = settings(server, image_variables() | service["environment"])
        expect(values is not None, "the program refuses the settings of compose-cluster.yaml")
        expect_shared_store(values)
        expect(int(service["stop_grace_period"].removesuffix("s")) > seconds(values), "Compose kills it while it drains")
        expect([volume.split(":")[1] for volume in service["volumes"]] == [os.path.dirname(values["audit-log"])],
               "the audit log is not in its volume")
        for path in [values["keys-file"], values["store-password-file"], certificate(values["store"])]:
            expect_secret(service, path)
    migrate = services["migrate"]
    expect_migration(server, migrate["command"], migrate["environment"], values)
    expect(set(migrate["depends_on"]) == {"db1", "db2"}, "tables are made before the standby is there")
    for name, service in services.items():
        expect(service["read_only"] and service["cap_drop"] == ["ALL"] and service["security_opt"],
               f"{name} is confined less than the others")
        expect(not name.startswith("db") or "ports" not in service, f"{name} is open to others")
        if name in servers or name == "migrate":
            expect(service["image"] == f"obie-tokens:{version}", f"compose-cluster.yaml has another version than {version}")
    check_sharing(compose, services)
    check_scripts(services)


def check_sharing(compose, services):
    """No volume and no port is used twice, and every secret is one that is there."""
    used = [volume.split(":")[0] for service in services.values() for volume in service.get("volumes", [])]
    named = [name for name in used if not name.startswith(".")]
    expect(Counter(named) == Counter(list(compose["volumes"])), f"volumes are shared, or not used: {named}")
    ports = [port for service in services.values() for port in service.get("ports", [])]
    expect(len(set(ports)) == len(ports) and all(port.startswith("127.0.0.1:") for port in ports), f"ports: {ports}")
    secrets = {name for service in services.values() for name in service["secrets"]}
    expect(secrets == set(compose["secrets"]), f"secrets without a file, or not used: {secrets ^ set(compose['secrets'])}")
    for name, secret in compose["secrets"].items():
        expect(secret["file"] == f"./secrets/{name}", f"the file of {name}")


def check_scripts(services):
    """The databases' scripts are mounted, are shell, and read secrets that their service has."""
    for name, script in [("db1", "primary.sh"), ("db2", "standby.sh")]:
        path = f"Deploy/postgres/{script}"
        subprocess.run(["bash", "-n", ROOT / path], check=True)
        mounted = [volume.split(":")[0] for volume in services[name]["volumes"]]
        expect(f"./postgres/{script}" in mounted, f"{name} does not run {script}")
        for secret in re.findall(rf"{SECRETS}/\w+", read(path) + " ".join(services[name]["command"])):
            expect_secret(services[name], secret)
    made = read("Deploy/postgres/secrets.sh")
    for name in {name for service in services.values() for name in service["secrets"]} - {"keys"}:
        expect(re.search(rf"\b{name}\b", made), f"secrets.sh does not make {name}")


def expect_secret(service, path):
    folder, name = os.path.split(path)
    expect(folder == SECRETS and name in service["secrets"], f"{path} is no secret of the service")


def expect_shared_store(values):
    expect(values["mode"] == "production", "a sandbox")
    expect(values["store"].startswith("postgres://obie@"), "the servers' store")
    expect("sslmode" not in values["store"], "the database need not prove who it is")
    expect(values["require-standby"] == "yes", "tokens may be on one machine only")


def expect_migration(server, arguments, variables, values):
    """The owner's role, on the database of the servers."""
    expect(arguments == ["store", "migrate", "--serving-role", "obie"], f"{arguments} makes no tables")
    owner = settings(server, image_variables() | variables)
    expect(owner is not None, "the program refuses the settings of the migration")
    expect(owner["store"] == values["store"].replace("//obie@", "//obie_owner@"), "tables are made in another database")
    expect(owner["store-password-file"] is not None, "the migration has no password")


def certificate(store):
    return re.search(r"[?&]sslrootcert=([^&]+)", store)[1]
