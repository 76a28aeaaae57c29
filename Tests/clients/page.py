"""What docs/integrating.md says to people who write clients, so that it can be held to what happens."""
import re

from harness import ROOT, Failure

PAGE = "docs/integrating.md"
RAISES, AGAIN, AGAIN_WITH_KEY = "raises an error", "sends it again", "sends it again if it has the key"


def _between(name):
    """The lines between the markers of that name."""
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    found = re.search(rf"<!-- {name} -->\n(.*?)<!-- end of {name} -->", text, re.DOTALL)
    if not found:
        raise Failure(f"{PAGE} has nothing between the markers of '{name}'")
    return found[1]


def code(name):
    """The code between the markers of that name."""
    return re.search(r"```\w+\n(.*?)```", _between(name), re.DOTALL)[1]


def lost_answers():
    """What each client does with a lost answer, on a new and on a kept connection: {client: (new, kept)}."""
    rows = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in _between("lost answers").splitlines()[2:]]
    return {row[0]: (row[1], row[2]) for row in rows if len(row) >= 3}
