"""Pictures of the page for docs/console.md, in three sizes and both schemes.

In light the clock runs, in dark the code has come twice.
"""
import base64
from pathlib import Path

from browser import SCHEMES, SIZES
from harness import expect
from walk import press

BYTES_MAX = 200_000
# Where the clock stands in a picture, or a little later.
SECONDS_LEFT = 48


def take(browser, server, folder):
    Path(folder).mkdir(parents=True, exist_ok=True)
    browser.command("Emulation.setScrollbarsHidden", hidden=True)
    for size in SIZES:
        for scheme in SCHEMES:
            browser.look_like(size, scheme)
            browser.open(f"http://127.0.0.1:{server.port}/")
            for button in ("ccg", "code") if scheme == "light" else ("ccg", "code", "exchange", "replay"):
                press(browser, button)
            if scheme == "light":
                browser.wait_for(lambda: int(browser.text("seconds")) <= SECONDS_LEFT, "the clock stands still")
            # On a phone the step is longer than the window.
            place = "#step-2" if scheme == "light" else "#step-5 .answer" if size == "phone" else "#step-5"
            browser.run("document.querySelector(arguments[0]).scrollIntoView(); window.scrollBy(0, -12)", place)
            data = base64.b64decode(browser.command("Page.captureScreenshot", format="png")["data"])
            expect(len(data) <= BYTES_MAX, f"{size}, {scheme}: {len(data)} bytes are more than {BYTES_MAX}")
            Path(folder, f"console-{size}-{scheme}.png").write_bytes(data)
            print(f"console check: {folder}/console-{size}-{scheme}.png, {len(data)} bytes", flush=True)
