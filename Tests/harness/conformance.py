"""The cases of Tests/corpora/conformance, as bytes and as what has to come of them. Its README.md says how they are written."""
import re

from checks import ROOT, expect

CORPUS = ROOT / "Tests/corpora/conformance"
ESCAPE = re.compile(rb"\\x([0-9A-Fa-f]{2})|\\(.)|\{((?:\\.|[^{}])*)\*(\d+)\}", re.S)
PLAIN = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"\\": b"\\", b"{": b"{"}
CASES_MIN = 300


def unescape(text):
    def one(match):
        if match[1]:
            return bytes([int(match[1], 16)])
        return PLAIN[match[2]] if match[2] else unescape(match[3]) * int(match[4])
    return ESCAPE.sub(one, text)


class Case:
    """One case: its bytes, how many requests are in it, and whether what follows them is refused, or waits for more."""

    def __init__(self, name):
        self.name, self.data, self.requests, self.refused, self.waits = name, b"", 0, False, False


def cases():
    found = []
    for file in sorted(CORPUS.glob("*.txt")):
        for line in file.read_bytes().splitlines():
            if line.startswith(b"== "):
                found.append(Case(line[3:].decode()))
            elif line.startswith(b"> "):
                found[-1].data += unescape(line[2:])
            elif line.startswith(b"request "):
                found[-1].requests += 1
            elif line.startswith(b"refused "):
                found[-1].refused = True
            elif line == b"waits":
                found[-1].waits = True
    expect(len(found) >= CASES_MIN, f"the conformance corpus has {len(found)} cases only")
    return found
