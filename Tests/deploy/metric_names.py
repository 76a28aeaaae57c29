"""Dashboard and alerts name metrics that the sources have, and the dashboard leaves none out."""
import json
import re
import subprocess
from pathlib import Path

import yaml

from files import ROOT, expect, read

# What no panel shows, and why.
NOT_SHOWN = {}
HISTOGRAM = ("_bucket", "_count", "_sum")


def families():
    """The names in the sources, each with its kind."""
    found = {}
    for file in sorted((ROOT / "Sources").rglob("*.swift")):
        for kind, name in re.findall(r'\.(counter|gauge|histogram)\(\s*"(\w+)"', file.read_text(encoding="utf-8")):
            found[name] = kind
    expect(len(found) > 30, f"the sources name {len(found)} metrics only")
    return found


def named(expression):
    return set(re.findall(r"\b(?:obie_tokens|http_server|process)_\w+", expression))


def family(name, found):
    """The family that a name in a query belongs to; None: no metric has it."""
    for suffix in HISTOGRAM:
        if found.get(name.removesuffix(suffix)) == "histogram" and name.endswith(suffix):
            return name.removesuffix(suffix)
    return name if found.get(name) in ("counter", "gauge") else None


def check_dashboard():
    found, dashboard = families(), json.loads(read("Deploy/grafana.json"))
    panels, shown = dashboard["panels"], set()
    for panel in panels:
        for target in panel.get("targets", []):
            for name in named(target["expr"]):
                expect(family(name, found), f"the panel {panel['title']} asks for {name}, which is not there")
                shown.add(family(name, found))
    hidden = set(found) - shown
    expect(hidden == set(NOT_SHOWN), f"without a panel are {sorted(hidden)}, and {sorted(NOT_SHOWN)} are to be")
    expect(len({panel["id"] for panel in panels}) == len(panels), "two panels have the same id")
    cells = [(x, y) for panel in panels for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
             for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])]
    expect(len(set(cells)) == len(cells) and max(x for x, _ in cells) < 24, "panels lie over one another")


def check_alerts():
    found, rules = families(), "Deploy/alerts.yaml"
    alerts = [rule for group in yaml.safe_load(read(rules))["groups"] for rule in group["rules"]]
    for alert in alerts:
        for name in named(alert["expr"]):
            expect(family(name, found), f"{alert['alert']} asks for {name}, which is not there")
        notes = alert["annotations"]
        expect(notes["summary"] and notes["action"], f"{alert['alert']} does not say what to do")
        path, _, anchor = notes["runbook"].partition("#")
        expect(anchor in anchors(path), f"{alert['alert']}: {path} has no section #{anchor}")
        expect(alert["labels"]["severity"] in ("page", "ticket"), f"{alert['alert']} is urgent in no known way")
    tests = Path(__file__).with_name("alerts_test.yaml")
    cases = [case for test in yaml.safe_load(tests.read_text(encoding="utf-8"))["tests"] for case in test["alert_rule_test"]]
    for what, fires in (("fire", True), ("keep silent", False)):
        tried = {case["alertname"] for case in cases if bool(case.get("exp_alerts")) == fires}
        expect(tried == {alert["alert"] for alert in alerts}, f"alerts_test.yaml does not let every alert {what}")
    for command in ["check", "rules", ROOT / rules], ["test", "rules", tests]:
        result = subprocess.run(["promtool", *command], capture_output=True, text=True, check=False)
        expect(result.returncode == 0, f"promtool: {result.stdout}{result.stderr}")


def anchors(path):
    """The names of the sections of a page, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", read(path), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
