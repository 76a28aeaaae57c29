"""A real Prometheus that scrapes servers every second, with the alerts of Deploy and the expressions of its dashboard."""
import json
import os
import re
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path

from checks import ROOT, expect, wait_until
from free_ports import free_ports

RULES, DASHBOARD = ROOT / "Deploy/alerts.yaml", ROOT / "Deploy/grafana.json"
# An alert waits for as long here, whatever it says; and rates are over as long as it takes to see a few samples.
PATIENCE, RATE = "1s", "10s"
JOB = "obie"
START_SECONDS = 30


def rules():
    """The text of the rules, with less patience."""
    return re.sub(r"^( +for: ).*$", rf"\g<1>{PATIENCE}", RULES.read_text(encoding="utf-8"), flags=re.MULTILINE)


def alerts():
    """The names of all alerts."""
    return re.findall(r"- alert: (\w+)", RULES.read_text(encoding="utf-8"))


def expressions():
    """Of each target of the dashboard: its panel and its expression, with everything chosen."""
    chosen = {"$job": ".*", "$instance": ".*", "$__rate_interval": RATE}
    for panel in json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]:
        for target in panel.get("targets", []):
            text = target["expr"]
            for name, value in chosen.items():
                text = text.replace(name, value)
            expect("$" not in text, f"the panel {panel['title']} has a variable that is not known: {text}")
            yield panel["title"], text


class Prometheus:
    """`targets`: the admin port of each server, by its name, which becomes its label `instance`."""

    def __init__(self, folder, targets):
        self.folder, self.targets = Path(folder), targets
        [self.port] = free_ports(1)
        self.process = None

    def __enter__(self):
        jobs = "".join(f"      - targets: ['127.0.0.1:{port}']\n        labels: {{instance: '{name}'}}\n"
                       for name, port in self.targets.items())
        (self.folder / "rules.yaml").write_text(rules(), encoding="utf-8")
        (self.folder / "prometheus.yml").write_text(
            "global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\nrule_files: [rules.yaml]\n"
            f"scrape_configs:\n  - job_name: {JOB}\n    static_configs:\n{jobs}", encoding="utf-8")
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(
                ["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data",
                 f"--web.listen-address=127.0.0.1:{self.port}"], cwd=self.folder, stdout=log, stderr=log,
                env={"PATH": os.environ["PATH"], "GOMAXPROCS": "1"})
        wait_until(self.is_ready, lambda: (self.folder / "log").read_text(encoding="utf-8")[-2000:], START_SECONDS)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def is_ready(self):
        try:
            return all(target["health"] == "up" for target in self.ask("targets")["activeTargets"]) \
                and len(self.ask("targets")["activeTargets"]) == len(self.targets)
        except OSError:
            return False

    def ask(self, what, **query):
        address = f"http://127.0.0.1:{self.port}/api/v1/{what}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(address, timeout=20) as answer:
            return json.load(answer)["data"]

    def query(self, expression):
        """The samples of now."""
        return self.ask("query", query=expression)["result"]

    def firing(self):
        """(alert, instance); without an instance where the alert is about all."""
        return {(alert["labels"]["alertname"], alert["labels"].get("instance"))
                for alert in self.ask("alerts")["alerts"] if alert["state"] == "firing"}
