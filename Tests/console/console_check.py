#!/usr/bin/python3
"""The sandbox's page in a real browser: the whole walk, by mouse and by keyboard, and whatever can go wrong.

    Tests/console/console_check.py --server .build/release/obie-tokens --axe FILE [--only walk ...] [--pictures FOLDER]

All the time it is watched what the browser's console says, what the policy forbids, and which hosts are asked. Traffic stays
on 127.0.0.1. With --pictures it takes those of docs/console.md instead. Debian's own Python, since that has selenium.
"""
import argparse
import glob
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
sys.path.insert(0, str(ROOT / "Tests/harness"))

import edges  # noqa: E402
import keyboard  # noqa: E402
import mistakes  # noqa: E402
import pictures  # noqa: E402
import walk  # noqa: E402
from browser import Browser  # noqa: E402
from harness import Failure, Server, expect, get  # noqa: E402
from selenium.common.exceptions import WebDriverException  # noqa: E402

EXPIRY_SECONDS = 5
SIZE_MAX = 60_000


def host(server):
    return f"127.0.0.1:{server.port}"


def check_size(server):
    sizes = {path: len(get(server.port, path)[1]) for path in ("/", "/style.css", "/console.js", "/mistakes.js", "/requests.js")}
    expect(sum(sizes.values()) < SIZE_MAX, lambda: f"the page has {sizes}")
    return f"{sum(sizes.values())} bytes in {len(sizes)} files"


def check_walk(browser, program, axe):
    with Server(program) as server:
        size = check_size(server)
        walk.check_walk(browser, server)
        browser.expect_quiet(host(server), walk.REFUSED)
        walk.check_quoting(browser)
        rules = edges.check_looks(browser, axe, "the page behind the walk")
        edges.check_unsendable(browser, server)
        browser.expect_quiet(host(server), [(walk.TOKENS, 400)])
    return f"8 steps as the server counts them, every command pasted; {size}; {rules} rules of axe-core, 3 sizes, 2 schemes"


def check_keyboard(browser, program, _):
    with Server(program) as server:
        keyboard.check_keyboard(browser, server)
        browser.expect_quiet(host(server), [(walk.TOKENS, 403)])
    return "8 steps with Tab, Enter, Space and arrows"


def check_mistakes(browser, program, _):
    with Server(program) as server:
        count = mistakes.check_mistakes(browser, server)
        browser.expect_quiet(host(server), mistakes.REFUSED)
    with Server(program, throttle=True) as server:
        browser.hosts.clear()
        mistakes.check_too_many(browser, server)
        browser.expect_quiet(host(server), [(walk.TOKENS, 403), (walk.TOKENS, 429)])
    return f"{count} refusals are explained, and a client that guesses is told to wait"


def check_expiry(browser, program, _):
    with Server(program, "--code-lifetime", str(EXPIRY_SECONDS)) as server:
        begin = edges.check_expiry(browser, server)
        browser.expect_quiet(host(server), [(walk.TOKENS, 403)])
    return f"the clock went from {begin} to 0, the server counted it, and refused the code"


def check_sentences(browser, program, _):
    with Server(program) as server:
        edges.check_sentences(browser, server)
        browser.expect_quiet(host(server), [(walk.TOKENS, 400), (walk.TOKENS, 403)])
    return "another consent, a short key, another bank: what the page says is so"


def check_others(browser, program, axe):
    edges.check_production(browser, program, axe)
    with Server(program) as server:
        edges.check_without_script(server)
        seen = edges.check_watch(browser, server)
        browser.listen()
        browser.noise.clear()
        edges.check_server_gone(browser, server)
    return f"production, no JavaScript, no server; the watch sees {seen} violations that were planted"


CHECKS = {"walk": check_walk, "keyboard": check_keyboard, "mistakes": check_mistakes, "expiry": check_expiry,
          "sentences": check_sentences, "others": check_others}


def attempt(name, program, axe):
    """What a check says when it passes."""
    began = time.monotonic()
    try:
        with Browser() as browser:
            said = CHECKS[name](browser, program, axe)
    except (Failure, OSError, WebDriverException) as error:
        raise Failure(f"{name}: {error}") from None
    return f"{name}: {said} ({time.monotonic() - began:.0f} s)"


def arguments():
    parser = argparse.ArgumentParser(description="The sandbox's page in a real browser.")
    parser.add_argument("--server", required=True)
    parser.add_argument("--axe", required=True, help="axe.min.js, or a pattern that names it")
    parser.add_argument("--only", nargs="+", choices=list(CHECKS), default=list(CHECKS))
    parser.add_argument("--pictures", help="takes the pictures, into this folder, and checks nothing")
    return parser.parse_args()


def main():
    chosen = arguments()
    found = glob.glob(chosen.axe)
    if len(found) != 1:
        print(f"console check: there is no {chosen.axe}; `make console-check` gets it", file=sys.stderr)
        return 69
    axe = Path(found[0]).read_text(encoding="utf-8")
    try:
        if chosen.pictures:
            with Server(chosen.server) as server, Browser() as browser:
                pictures.take(browser, server, chosen.pictures)
            return 0
        # Two at once, each with a browser and servers of its own: much of a check is waiting.
        with ThreadPoolExecutor(2) as pool:
            for outcome in [pool.submit(attempt, name, chosen.server, axe) for name in chosen.only]:
                print(f"console check: {outcome.result()}", flush=True)
    except (Failure, OSError) as error:
        print(f"console check: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
