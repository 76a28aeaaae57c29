"""The walk without a mouse: Tab finds everything, in the order of the page, and shows where it is."""
from harness import expect
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from walk import check_walk, press

TABS_MAX = 60


class Keyboard:
    """Keys go where the browser has its focus."""

    def __init__(self, browser):
        self.browser = browser

    def type(self, *keys):
        ActionChains(self.browser.driver, duration=0).send_keys(*keys).perform()

    def focus(self):
        """Where the focus is: an id, or else words of it; and whether one can see that."""
        return self.browser.run("""
            const at = document.activeElement, style = getComputedStyle(at), box = at.getBoundingClientRect();
            return [at.id || at.textContent.trim().slice(0, 30),
              style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
              box.top < innerHeight && box.bottom > 0 && box.width > 0]""")

    def go_to(self, identifier):
        """Tab, until it is there. Forward only: whoever goes through the steps never has to turn back."""
        for _ in range(TABS_MAX):
            where, is_marked, is_in_sight = self.focus()
            if where == identifier:
                expect(is_marked, f"nobody sees that {identifier} has the focus")
                expect(is_in_sight, f"{identifier} has the focus and is out of sight")
                return
            self.type(Keys.TAB)
        expect(False, f"{TABS_MAX} times Tab, and no {identifier}; it is at {self.focus()[0]!r}")

    def press(self, identifier):
        self.go_to(identifier)
        self.type(Keys.SPACE if identifier in ("repeat", "look") else Keys.ENTER)


def check_keyboard(browser, server):
    keyboard = Keyboard(browser)

    def press_button(button):
        keyboard.press(button)
        expect(keyboard.focus()[0] == button, lambda: f"{button} lost the focus to {keyboard.focus()[0]!r}")

    browser.open(f"http://127.0.0.1:{server.port}/")
    browser.wait_for(lambda: browser.at("steps").is_displayed(), "the page does not come up")
    keyboard.type(Keys.TAB)
    where, _, is_in_sight = keyboard.focus()
    expect(where == "Skip to the steps" and is_in_sight, f"Tab comes first to {where!r}")
    keyboard.type(Keys.ENTER)
    expect(keyboard.focus()[0] == "steps", lambda: f"the link skips to {keyboard.focus()[0]!r}")
    keyboard.type(Keys.TAB)
    expect(keyboard.focus()[0] == "client-id", lambda: f"behind it comes {keyboard.focus()[0]!r}")
    # What is not ready says why, and keeps the focus.
    keyboard.press("replay")
    browser.wait_for(lambda: "Needs a code that step 3 has exchanged" in browser.text("status"),
                     "a locked button does not say why")
    expect(keyboard.focus()[0] == "replay", "a locked button does not keep the focus")
    check_walk(browser, server, click=press_button)
    # Enter in a field does what the button does, and arrows choose.
    keyboard.go_to("mistake")
    keyboard.type(Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    shown = press(browser, "err", lambda: keyboard.press("err"))
    expect("fi_forbidden" in shown[0]["content"], lambda: f"two arrows down is {shown}")
    browser.run("document.getElementById('consent').focus()")
    press(browser, "code", lambda: keyboard.type(Keys.ENTER))
    check_copy(browser, keyboard)


def check_copy(browser, keyboard):
    browser.command("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    button = browser.all("#step-2 .exchange button")[0]
    browser.run("arguments[0].focus()", button)
    keyboard.type(Keys.ENTER)
    browser.wait_for(lambda: button.text == "Copied", lambda: f"the button to copy says {button.text!r}", 5)
    copied = browser.driver.execute_async_script("navigator.clipboard.readText().then(arguments[arguments.length - 1])")
    expect(copied == browser.run("return document.querySelector('#step-2 .command').textContent"), "something else was copied")
