"""The whole walk with the mouse: what each step shows, what the server says of it, and that the commands shown are true."""
import json
import subprocess

from harness import Client, expect, sandbox

STEPS = {"ccg": 1, "code": 2, "exchange": 3, "repeat": 3, "look": 4, "replay": 5, "revoke": 6, "withdraw": 7, "err": 8}
# For each step, in the order of the walk: the statuses of its answers, and a word of what it says about the last one.
WALK = [
    ("ccg", [201], ""),
    ("code", [201], "The customer’s browser is sent to https://www.google.com?code="),
    ("exchange", [201], "The code is spent now."),
    ("repeat", [201], "The same token"),
    ("look", [200], "Alive"),
    ("replay", [403, 200], "The first token is void as well."),
    ("revoke", [201, 201, 200, 200], "Void"),
    ("withdraw", [201, 201, 201, 200, 200, 403], "The code is void as well."),
]
TOKENS = "/v1/obie/tokens"
# What the browser itself says of the walk.
REFUSED = [(TOKENS, 403)]


def exchanges(browser, step):
    """What a step shows: for each request its command, its status, its content, and what is remarked."""
    return browser.run("""
        return [...document.querySelectorAll(`#step-${arguments[0]} .exchange`)].map((shown) => ({
          title: shown.querySelector("h3").textContent,
          command: shown.querySelector(".command").textContent,
          answer: shown.querySelector(".answer")?.textContent ?? "",
          fields: [...shown.querySelectorAll(".fieldlines code")].map((line) => line.textContent),
          content: shown.querySelectorAll("pre")[1]?.textContent ?? "",
          links: [...shown.querySelectorAll("a")].map((link) => link.getAttribute("href")),
          remarks: [...shown.querySelectorAll(".remark")].map((remark) => remark.textContent)}))""", step)


def finished(browser, button):
    return not browser.run("return document.querySelector(`#step-${arguments[0]}`).hasAttribute('aria-busy')", STEPS[button])


def press(browser, button, click=None):
    """Presses a button and returns what the step shows when it is done."""
    # Marked, so that old answers are not taken for new ones.
    browser.run("document.querySelectorAll(`#step-${arguments[0]} .exchange`).forEach((shown) => shown.dataset.old = 1)",
                STEPS[button])
    (click or browser.at(button).click)()
    browser.wait_for(lambda: finished(browser, button) and not browser.all(f"#step-{STEPS[button]} [data-old]")
                     and exchanges(browser, STEPS[button]), f"the step of {button} does not end")
    return exchanges(browser, STEPS[button])


def status(shown):
    """Of an answer; 0 where there was none."""
    words = shown["answer"].split()
    return int(words[1]) if words[1:] and words[1].isdigit() else 0


def check_step(browser, button, statuses, remark, click=None):
    shown = press(browser, button, click)
    found = [status(exchange) for exchange in shown]
    expect(found == statuses, lambda: f"{button}: the answers are {found}, not {statuses}: {shown}")
    said = " ".join(shown[-1]["remarks"])
    expect(remark in said, lambda: f"{button}: it remarks {said!r}, not {remark!r}")
    expect(browser.at("status").aria_role == "status", "what was done is not read aloud")
    told = browser.text("status")
    expect(str(statuses[-1]) in told and remark in told, lambda: f"{button}: a screen reader is told {told!r}")
    for exchange in shown:
        names = [line.partition(":")[0] for line in exchange["fields"]]
        expect({"content-type", "cache-control", "x-request-id"} <= set(names), lambda: f"{button} shows the headers {names}")
    return shown


def shell(command):
    """Status and body of a command that was shown, as bash and curl take it."""
    done = subprocess.run(["bash", "-c", f"{command} -w '\\n%{{http_code}}'"], capture_output=True, text=True, timeout=20)
    expect(done.returncode == 0, lambda: f"the command fails: {done.stderr}\n{command}")
    body, _, number = done.stdout.rpartition("\n")
    return int(number), json.loads(body) if body else None


def without_chance(value):
    """An answer without what is drawn anew each time."""
    if isinstance(value, dict):
        return {name: "…" if name in ("id", "code", "access_token") and len(str(part)) in (32, 36) else without_chance(part)
                for name, part in value.items() if name not in ("iat", "exp", "expires_in")}
    return [without_chance(part) for part in value] if isinstance(value, list) else value


def check_commands(button, shown):
    """Each command that was shown gets the answer that was shown, once more; but a code is spent by then."""
    for exchange in shown:
        number, body = shell(exchange["command"])
        expect(number == status(exchange), lambda: f"{button}: curl gets {number} for {exchange['command']}")
        page = json.loads(exchange["content"]) if exchange["content"].startswith("{") else None
        expect(without_chance(body) == without_chance(page), lambda: f"{button}: curl gets {body}, the page shows {page}")


def panel(browser):
    return {name: browser.text(f"count-{name}") for name in ("live", "redeemed", "expired", "replayed")}


def counted(server):
    page = server.metrics()
    names = {"live": "live", "redeemed": "redeemed_total", "expired": "expired_total", "replayed": "replayed_total"}
    return {name: str(int(page[f"obie_tokens_codes_{series}"])) for name, series in names.items()}


def check_walk(browser, server, click=None):
    """Every step, in order. `click`, given a button, says how it is pressed."""
    url = f"http://127.0.0.1:{server.port}/"
    browser.open(url)
    before = counted(server)
    for button, statuses, remark in WALK:
        locked = {name for name in STEPS if browser.at(name).get_attribute("aria-disabled")}
        expect(button not in locked, lambda: f"{button} is locked, among {sorted(locked)}")
        shown = check_step(browser, button, statuses, remark, click and (lambda name=button: click(name)))
        if button == "code":
            expect(browser.text("seconds") in ("60", "59", "58"), lambda: f"the clock begins at {browser.text('seconds')}")
        if button in ("ccg", "code", "exchange", "repeat", "look") and not click:
            check_commands(button, shown)
        if button == "replay":
            token = browser.text("held-token").partition(" ")[0]
            with Client(server.port) as client:
                answer = client.ask(sandbox.introspect(token))
            expect(answer.body == b'{"active":false}', lambda: f"the server says of the replayed token {answer.body}")
            expect(browser.text("held-token").endswith("(void)"), "the page does not say that the token is void")
    after = counted(server)
    expect(panel(browser) == after, lambda: f"the panel shows {panel(browser)}, the metrics {after}")
    grown = {name: int(after[name]) - int(before[name]) for name in after}
    expect(grown["redeemed"] == 3 and grown["replayed"] == 1 and grown["live"] >= 1, lambda: f"it counted {grown}")
    return url


def check_quoting(browser):
    """What was typed is shown and sent as it is, whatever it means to a shell or to HTML."""
    evil = "it's \"x\" $(echo bad) `id` \\ !! @f ;é😀 <img src=x onerror=alert(1)><script>alert(2)</script>&amp;"
    browser.run("document.getElementById('state').value = arguments[0]", evil)
    shown = press(browser, "code")
    expect(status(shown[0]) == 201, lambda: f"such a state gets {shown[0]['answer']}")
    for where, state in (("page", json.loads(shown[0]["content"])), ("command", shell(shown[0]["command"])[1])):
        found = state["data"]["redirect_uri"]["parameters"]["state"]
        expect(found == evil, lambda: f"the {where} has made {found!r} of {evil!r}")
    expect(not browser.all("main img, main script"), "what was typed has become a part of the page")
    browser.run("document.getElementById('state').value = 'example-state'")
