"""A headless Chromium that is watched: what its console says, what the policy forbids, which hosts are asked.

It reaches 127.0.0.1 and nothing else. Needs Debian's chromium, chromium-driver and python3-selenium.
"""
import json
import os
import re
import shutil
from urllib.parse import urlsplit

from harness import Failure, expect, wait_until
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

SIZES = {"phone": (360, 740), "tablet": (768, 1024), "desktop": (1280, 900)}
SCHEMES = ("light", "dark")
# What the browser itself says of an answer that is an error. The page cannot keep it from that.
REFUSED = re.compile(r"(\S+) - Failed to load resource: the server responded with a status of (\d{3}) \(.*\)$")
WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.violatedDirective}: ${event.blockedURI}`));
"""


def options(script):
    chosen = webdriver.ChromeOptions()
    chosen.binary_location = shutil.which("chromium")
    for flag in ("--headless=new", "--disable-background-networking", "--disable-component-update", "--disable-sync",
                 "--no-first-run", "--no-default-browser-check", "--disable-dev-shm-usage", "--disable-gpu",
                 "--force-device-scale-factor=1", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"):
        chosen.add_argument(flag)
    if os.geteuid() == 0:
        chosen.add_argument("--no-sandbox")
    chosen.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    if not script:
        chosen.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
    return chosen


class Browser:
    """`with Browser() as browser:`; without JavaScript where `script` is False."""

    def __init__(self, script=True):
        self.script, self.hosts, self.noise, self.refused = script, set(), [], []

    def __enter__(self):
        self.driver = webdriver.Chrome(service=Service(shutil.which("chromedriver")), options=options(self.script))
        self.driver.set_page_load_timeout(20)
        if self.script:
            self.command("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
        return self

    def __exit__(self, *_):
        self.driver.quit()

    def command(self, name, **parameters):
        """One of the DevTools protocol."""
        return self.driver.execute_cdp_cmd(name, parameters)

    def look_like(self, size, scheme):
        width, height = SIZES[size]
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def open(self, url):
        self.driver.get(url)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def at(self, identifier):
        return self.driver.find_element(By.ID, identifier)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, identifier):
        """As the page has it, seen or not."""
        return self.at(identifier).get_property("textContent").strip()

    def wait_for(self, condition, what, seconds=20):
        return wait_until(condition, what, seconds)

    # What was watched

    def listen(self):
        """Takes over what the logs have got meanwhile."""
        for entry in self.driver.get_log("browser"):
            found = REFUSED.match(entry["message"])
            if entry["source"] == "network" and found:
                self.refused.append((urlsplit(found[1]).path, int(found[2])))
            else:
                self.noise.append(f"{entry['source']}: {entry['message']}")
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] in ("Network.requestWillBeSent", "Network.webSocketCreated"):
                url = urlsplit(message["params"].get("request", message["params"])["url"])
                if url.scheme not in ("data", "chrome", "about"):
                    self.hosts.add(url.netloc)

    def violations(self):
        return self.run("return window.violations")

    def expect_quiet(self, host, refused):
        """Nothing was said but what the browser says of these refusals; nothing was forbidden; nobody else was asked."""
        self.listen()
        expect(not self.noise, lambda: f"the browser's console says {self.noise}")
        expect(not self.violations(), lambda: f"the policy was violated: {self.violations()}")
        expect(self.hosts == {host}, lambda: f"these hosts were asked: {sorted(self.hosts)}")
        wrong = sorted(set(self.refused) - set(refused))
        expect(not wrong, lambda: f"these refusals were not asked for: {wrong}")
        self.refused = []

    def accessibility(self, axe):
        """What axe-core finds, one line for each kind."""
        self.run(axe)
        found = self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1]; axe.run(document, {resultTypes: ['violations']}).then(done, "
            "(error) => done({violations: [], failure: String(error)}))")
        if "failure" in found:
            raise Failure(f"axe-core could not look: {found['failure']}")
        return [f"{kind['id']} ({kind['impact']}): " + ", ".join(node["target"][0] for node in kind["nodes"][:4])
                for kind in found["violations"]], len(found["passes"])
