"""Where the walk does not go: a code that expires, a server that is gone, no JavaScript, production, and a watch that sees."""
from browser import SCHEMES, SIZES, Browser
from harness import Server, expect, get
from walk import panel, press, status


def check_expiry(browser, server):
    """The code runs out in front of one's eyes, and the server says so: in its counts, and to an exchange."""
    browser.open(f"http://127.0.0.1:{server.port}/")
    browser.wait_for(lambda: browser.text("count-live") == "0", "the page does not count")
    press(browser, "ccg")
    press(browser, "code")
    seen = []

    def look():
        left = int(browser.text("seconds"))
        if not seen or seen[-1] != left:
            seen.append(left)
        return left == 0

    browser.wait_for(look, lambda: f"the clock stands at {seen}", 15)
    expect(seen[0] >= 4 and seen == list(range(seen[0], -1, -1)), lambda: f"the clock went {seen}")
    browser.wait_for(lambda: "(expired)" in browser.text("held-code"), "the page does not say that the code has expired")
    expect("The code has expired." in browser.text("status"), lambda: f"a screen reader is told {browser.text('status')!r}")
    browser.wait_for(lambda: panel(browser) == {"live": "0", "redeemed": "0", "expired": "1", "replayed": "0"},
                     lambda: f"the panel shows {panel(browser)}", 10)
    shown = press(browser, "exchange")
    expect(status(shown[0]) == 403 and shown[0]["links"] == ["errors#auth_code_invalid"], lambda: f"{shown}")
    expect("its time is over" in " ".join(shown[0]["remarks"]), lambda: f"it is not said why: {shown}")
    return seen[0]


def check_sentences(browser, server):
    """What the page says of an answer is so, also where the answer is another one than on the walk."""
    def fill(field, text):
        browser.run("document.getElementById(arguments[0]).value = arguments[1]", field, text)

    def said(button, statuses, words):
        shown = press(browser, button)
        found = [status(one) for one in shown]
        remarks = " ".join(remark for one in shown for remark in one["remarks"])
        expect(found == statuses and words in remarks and "please report" not in remarks,
               lambda: f"{button}: {found} and {remarks!r}, not {statuses} and {words!r}")

    browser.open(f"http://127.0.0.1:{server.port}/")
    press(browser, "ccg")
    press(browser, "code")
    fill("consent", "consent-2")
    said("withdraw", [201, 201, 201, 200, 200, 403], "The token is void.")
    press(browser, "code")
    fill("key", "short")
    said("exchange", [400], "Nothing is said about the code")
    fill("key", "long-enough-for-a-key")
    said("exchange", [201], "The code is spent now.")
    fill("key", "short")
    said("repeat", [400], "Nothing is said about the code")
    fill("institution", "PSDGB-FCA-999999")
    said("replay", [403], "Nothing is said about the code")
    fill("institution", "PSDGB-FCA-111111")
    said("look", [200], "Alive")


def check_server_gone(browser, server):
    """The page says that there is no answer, and goes on when there is one again. Last: the browser talks about it."""
    browser.open(f"http://127.0.0.1:{server.port}/")
    press(browser, "ccg")
    browser.listen()
    server.stop()
    shown = press(browser, "ccg")
    expect(shown[0]["answer"].startswith("No answer: "), lambda: f"without a server it shows {shown}")
    expect("no answer" in browser.text("status"), lambda: f"a screen reader is told {browser.text('status')!r}")
    browser.wait_for(lambda: "does not answer" in browser.text("counts-note"), "the panel does not say that it is old")
    browser.listen()
    others = [line for line in browser.noise if "ERR_CONNECTION_REFUSED" not in line and "ERR_EMPTY_RESPONSE" not in line]
    expect(browser.noise and not others, lambda: f"the browser's console says {others or 'nothing'}")


def check_unsendable(browser, server):
    """What no browser can put into a header is said, and nothing breaks."""
    browser.open(f"http://127.0.0.1:{server.port}/")
    browser.run("document.getElementById('institution').value = 'PSDGB‑FCA‑111111'")
    shown = press(browser, "ccg")
    expect(shown[0]["answer"].startswith("No answer: "), lambda: f"a header that cannot be sent: {shown}")
    browser.run("document.getElementById('institution').value = ''")
    shown = press(browser, "ccg")
    expect(status(shown[0]) == 400 and "fi_reference_id;" in shown[0]["command"], lambda: f"an empty header: {shown}")


def check_without_script(server):
    url = f"http://127.0.0.1:{server.port}/"
    with Browser(script=False) as browser:
        browser.open(url)
        page = browser.all("body")[0].text
        expect("Without JavaScript" in page and "curl -sS $URL/v1/obie/tokens" in page, lambda: f"it says {page!r}")
        expect("Get a CCG token" not in page, "buttons that do nothing are shown")
        browser.listen()
        expect(not browser.noise and browser.hosts == {f"127.0.0.1:{server.port}"},
               lambda: f"{browser.noise}, {browser.hosts}")


def check_production(browser, program, axe):
    """A plain page, which loads one file and asks for nothing more."""
    with Server(program, "--mode", "production", "--audit-log", "none", store="sqlite:./obie-tokens.db") as server:
        host = f"127.0.0.1:{server.port}"
        browser.listen()
        browser.hosts.clear()
        browser.open(f"http://{host}/")
        lines = browser.all("body")[0].text.splitlines()
        expect(len(lines) == 3, lambda: f"production says {lines}")
        check_looks(browser, axe, "production's page")
        browser.expect_quiet(host, [])
        browser.all("a[href=errors]")[0].click()
        browser.wait_for(lambda: browser.driver.title == "Errors of obie-tokens", "the link does not lead to /errors")
        check_looks(browser, axe, "/errors")
        browser.expect_quiet(host, [])
        for path in ("/console.js", "/requests.js", "/mistakes.js", "/sandbox/counts"):
            expect(get(server.port, path)[0] == 404, f"production has {path}")


def check_looks(browser, axe, what):
    """In each size and scheme: nothing is wider than the window, and axe-core has nothing to say. Returns its rules."""
    rules = 0
    for size in SIZES:
        for scheme in SCHEMES:
            browser.look_like(size, scheme)
            wide = browser.run("return [document.scrollingElement.scrollWidth, innerWidth]")
            expect(wide[0] <= wide[1], lambda: f"{what} is {wide[0]} pixels wide in a window of {wide[1]}")
            found, rules = browser.accessibility(axe)
            expect(not found, lambda: f"{what}, {size}, {scheme}: axe-core finds {found}")
    return rules


def check_watch(browser, server):
    """Each thing that is watched for is seen when it happens. Last: what it finds is no fault of the page."""
    hosts = {f"127.0.0.1:{port}" for port in (server.port, server.admin_port)}
    for host in hosts:
        browser.open(f"http://{host}/")
    browser.open(f"http://127.0.0.1:{server.port}/")
    browser.listen()
    expect(hosts <= browser.hosts, lambda: f"of {hosts} only {browser.hosts} were seen to be asked")
    browser.noise.clear()
    browser.run("""
        const script = document.createElement("script");
        script.textContent = "window.ran = 1";
        document.body.append(script);
        document.body.append(Object.assign(document.createElement("img"), {src: "http://elsewhere.example/x.png"}));
        document.body.setAttribute("style", "width: 9999px");
        document.body.append(document.createElement("button"));
        fetch("http://elsewhere.example/").catch(() => 0);
        console.log("a word");""")
    browser.wait_for(lambda: len(browser.violations()) >= 4, lambda: f"the policy forbade only {browser.violations()}")
    browser.listen()
    expect(browser.run("return window.ran") is None, "a script in the page runs")
    directives = {violation.partition(":")[0] for violation in browser.violations()}
    expect(directives == {"script-src-elem", "img-src", "style-src-attr", "connect-src"}, lambda: f"forbidden: {directives}")
    expect(any("a word" in line for line in browser.noise), lambda: f"on the console is only {browser.noise}")
    return len(directives)
