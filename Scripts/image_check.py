#!/usr/bin/env python3
"""Has the image the settings that a container runtime looks for?

    Scripts/image_check.py IMAGE.json            checks them
    Scripts/image_check.py IMAGE.json --env      prints its environment, a variable a line
"""
import json
import re
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    config = json.load(file)["Docker"]["config"]
if "--env" in sys.argv:
    print("\n".join(config["Env"]))
    sys.exit(0)
faults = []
for truth, fault in (
        (re.fullmatch(r"[1-9]\d*:[1-9]\d*", config["User"]), "the user is not a number other than 0"),
        (config.get("StopSignal") == "SIGTERM", "STOPSIGNAL is not SIGTERM"),
        (config["Healthcheck"]["Test"] == ["CMD", "/usr/bin/obie-tokens", "healthcheck"], "no HEALTHCHECK"),
        (config["Entrypoint"] == ["/usr/bin/obie-tokens"] and config["Cmd"] == ["serve"], "another command"),
        (list(config["Volumes"]) == ["/var/lib/obie-tokens"], "not one volume"),
        (config["Labels"].get("org.opencontainers.image.version") == "check", "no version label"),
        ({"8080/tcp", "9090/tcp"} == set(config["ExposedPorts"]), "other ports")):
    if not truth:
        faults.append(fault)
print("image check: " + ("; ".join(faults) or f"user {config['User']}, STOPSIGNAL, HEALTHCHECK, one volume, labels"))
sys.exit(bool(faults))
