"""Every way to be refused: the page shows what the server says, and leads to its explanation."""
import json

from harness import Client, Failure, expect, get, sandbox
from walk import check_commands, press, status

TOKENS, CODES, INTROSPECT = "/v1/obie/tokens", "/v1/obie/authorization_codes", "/oauth2/introspect"
# In the order of the page: path, status, error codes, and a header that matters.
MISTAKES = [
    (TOKENS, 401, ["authentication_error"], "www-authenticate"), (TOKENS, 401, ["authentication_error"], "www-authenticate"),
    (TOKENS, 403, ["fi_forbidden"], ""), (CODES, 401, ["ccg_token_invalid"], "www-authenticate"),
    (CODES, 403, ["redirect_uri_unregistered"], ""), (TOKENS, 403, ["auth_code_invalid"], ""),
    (CODES, 400, ["parameter_missing"], ""), (CODES, 400, ["parameter_invalid"], ""),
    (TOKENS, 400, ["version_unsupported"], ""), (TOKENS, 400, ["content_type_invalid"], ""), (TOKENS, 400, ["json_invalid"], ""),
    (TOKENS, 400, ["grant_type_unsupported"], ""), (TOKENS, 415, ["content_encoding_unsupported"], "accept-encoding"),
    (TOKENS, 405, ["method_not_allowed"], "allow"), (TOKENS, 501, ["not_implemented"], ""),
    ("/v1/obie/token", 404, ["not_found"], ""), (INTROSPECT, 401, ["invalid_client"], "www-authenticate"),
    (INTROSPECT, 400, ["invalid_request"], ""),
]
# More than a client may make at once.
GUESSES = 40
REFUSED = {(path, number) for path, number, _, _ in MISTAKES}


def choose(browser, number):
    browser.run("document.getElementById('mistake').selectedIndex = arguments[0]", number)


def check_mistakes(browser, server):
    """With curl beside each."""
    browser.open(f"http://127.0.0.1:{server.port}/")
    browser.wait_for(lambda: browser.at("steps").is_displayed(), "the page does not come up")
    titles = [option.text for option in browser.all("#mistake option")]
    expect(len(titles) == len(MISTAKES), lambda: f"the page knows {len(titles)} mistakes, this check {len(MISTAKES)}: {titles}")
    page = get(server.port, "/errors")[1]
    for index, (_, number, codes, field) in enumerate(MISTAKES):
        choose(browser, index)
        shown = press(browser, "err")
        expect(len(shown) == 1 and status(shown[0]) == number, lambda: f"{titles[index]}: {shown}")
        answer = json.loads(shown[0]["content"])
        found = sorted({error["code"] for error in answer["errors"]} if "errors" in answer else {answer["error"]})
        expect(found == codes, lambda: f"{titles[index]}: the codes are {found}")
        expect(shown[0]["links"] == [f"errors#{code}" for code in codes], lambda: f"{titles[index]}: {shown[0]['links']}")
        expect(all(f'id="{code}"' in page for code in codes), lambda: f"{titles[index]}: not explained in /errors")
        names = [line.partition(":")[0] for line in shown[0]["fields"]]
        expect(not field or field in names, lambda: f"{titles[index]}: it shows {names}, without {field}")
        told = browser.text("status")
        expect(str(number) in told and codes[0] in told, lambda: f"{titles[index]}: a screen reader is told {told!r}")
        check_commands(titles[index], shown)
    check_link(browser)
    return len(titles)


def check_link(browser):
    """The link of the last mistake opens another tab, at the explanation."""
    driver = browser.driver
    first = driver.current_window_handle
    browser.all("#step-8 .exchange a")[0].click()
    browser.wait_for(lambda: len(driver.window_handles) == 2, "the link opens no tab")
    driver.switch_to.window(next(handle for handle in driver.window_handles if handle != first))
    browser.wait_for(lambda: browser.run("return document.querySelector(':target')?.id") == "invalid_request",
                     "the explanation is not what the link leads to")
    expect(browser.run("return window.opener === null"), "the other tab may command the page")
    driver.close()
    driver.switch_to.window(first)


def check_too_many(browser, server):
    """Codes that are guessed, by a program beside the page: then the page's answer is to wait, too."""
    browser.open(f"http://127.0.0.1:{server.port}/")
    browser.wait_for(lambda: browser.at("steps").is_displayed(), "the page does not come up")
    choose(browser, 5)
    for _ in range(10):
        with Client(server.port) as client:
            for _ in range(GUESSES):
                client.ask(sandbox.exchange(sandbox.UNKNOWN_CODE))
        shown = press(browser, "err")
        if status(shown[0]) == 429:
            expect(any(line.startswith("retry-after: ") for line in shown[0]["fields"]), "it does not say how long to wait")
            expect(shown[0]["links"] == ["errors#rate_limited"], lambda: f"it leads to {shown[0]['links']}")
            return
        expect(status(shown[0]) == 403, lambda: f"a guess: {shown}")
    raise Failure("hundreds of guesses, and nobody said to wait")
