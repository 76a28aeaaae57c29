"""Requests for the differential test: written from a grammar, or cases of the conformance corpus, then damaged.

Everything comes from the random.Random that is given, so a seed gives the same inputs again.
"""
import re
import sys
from pathlib import Path

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
sys.path.insert(0, str(ROOT / "Tests/harness"))

from conformance import cases  # noqa: E402

CORPUS_BYTES_MAX = 2_000


def written(data):
    """As a line of the corpus."""
    def one(byte):
        character = chr(byte)
        if character in "\r\n\t\\{":
            return {"\r": "\\r", "\n": "\\n", "\t": "\\t"}.get(character, "\\" + character)
        return character if 0x20 <= byte < 0x7f else f"\\x{byte:02X}"
    pieces = []
    for match in re.finditer(rb"(.)\1*", data, re.S):
        run, byte = match[0], one(match[1][0])
        pieces.append(byte * len(run) if len(run) < 20 or byte == "*" else f"{{{byte}*{len(run)}}}")
    return "".join(pieces)


def corpus():
    """The inputs of Tests/corpora/conformance: those that are taken, once for each request, and those that are not."""
    found = cases()
    return ([case.data for case in found for _ in range(case.requests)],
            [case.data for case in found if case.refused or case.waits])


METHODS = [b"GET"] * 6 + [b"POST"] * 6 + [b"HEAD", b"PUT", b"DELETE", b"PATCH", b"OPTIONS", b"TRACE", b"CONNECT",
                          b"BREW", b"get", b"PRI", b"G(T", b""]
TARGETS = [b"/"] * 6 + [b"/a", b"/a?b=/c", b"/%2e%zz", b"//e/a", b"*", b"http://e/a", b"HTTPS://e:80?q", b"http://e",
                        b"http://[::1]:80/a", b"http://:80/", b"http:///a", b"http://u@e/", b"ftp://e/", b"e:80",
                        b"a", b"/a#b", b"/\xc3\xa9", b"/a b", b"?a", b"", b"/\"<>\\^`{|}"]
VERSIONS = [b"HTTP/1.1"] * 14 + [b"HTTP/1.0"] * 4 + [b"HTTP/1.2", b"HTTP/1.9", b"HTTP/2.0", b"HTTP/0.9", b"HTTP/1.10",
                                 b"http/1.1", b"HTTP/1", b""]
HOSTS = [b"h"] * 8 + [b"", b"a-b.c:80", b"h:", b":80", b"[::1]", b"[::1]:80", b"[1:2:3:4:5:6:7:8]", b"[::1.2.3.4]",
                      b"[1:2]", b"[:::]", b"[v1.a]", b"a%20b", b"%zz", b"a b", b"h/a", b"u@h", b"h,i", b"\xc3\xa9",
                      b"a|b"]
NAMES = [b"a", b"fi_reference_id", b"X-Y", b"!#$%&'*+-.^_`|~09", b"Content_Length", b"X-Content-Length", b"TE",
         b"a b", b"\xc3\xa9", b"", b"a(b)"]
VALUES = [b"b"] * 4 + [b"", b"b c", b" \t b \t ", b"\x80\xff\x85\xa0", b"\"q;,\\\"\"", b"b:c", b"b\x01", b"\x7f",
                       b"b\x00", b"b\x0bc", b"b\x1b"]
LENGTHS = [b"%d"] * 12 + [b"0%d", b"+%d", b"-%d", b"%d,%d", b"%d, %d", b",%d", b"%d,", b"%d a", b"0x%d", b"%d_0", b"",
                          b"\"%d\"", b"0000000000000000000000%d", b"9999999%d", b"\t%d "]
CODINGS = [b"chunked"] * 10 + [b"CHUNKED", b"chunked ", b"\tchunked", b"gzip, chunked", b"chunked, gzip", b"identity",
                               b"chunked, chunked", b",chunked", b"chunked,", b"xchunked", b"chunked;a=b", b"",
                               b"\x0bchunked", b"\"chunked\"", b"x chunked"]
CONNECTIONS = [b"close", b"keep-alive", b"Keep-Alive, a", b"a, ,Close", b"closed", b"Upgrade", b"close, keep-alive",
               b""]
EXPECTS = [b"100-continue"] * 4 + [b"100-Continue", b", 100-continue", b"x", b"100-continue, x", b"100", b""]
BODIES = [b"", b"a", b"abc", b"0\r\n\r\n", b"GET /admin HTTP/1.1\r\nHost: h\r\n\r\n", b"\r\n", b"{\"a\":1}",
          b"\x00\xff\n"]
SIZES = [b"%x"] * 10 + [b"%X", b"0%x", b"000000000000000000000000%x", b"+%x", b"0x%x", b" %x", b"%x ", b"%x\t",
                        b"1000000000000000%x", b"g%x", b"-%x", b"%x_"]
EXTENSIONS = [b""] * 12 + [b";a", b";a=b", b";a=\"b;c\"", b" ;a", b"\t; a = b", b";", b" a", b";\x01", b";a\rb",
                           b";a\nb", b";\x00", b";\xe9"]
TRAILERS = [b""] * 10 + [b"a: b\r\n", b"a: b\r\nc:\r\n", b"Content-Length: 9\r\n", b"Transfer-Encoding: chunked\r\n",
                         b"Host: x\r\n", b"a : b\r\n", b"a: b\r\n c\r\n", b"ab\r\n", b"a: b\n", b"a: \x01\r\n",
                         b"a: \x00\r\n", b"Content-Length: x\r\n", b"Content-Length: 1\r\nContent-Length: 2\r\n",
                         b"Transfer-Encoding: x\r\n"]
ENDS = [b"\r\n"] * 60 + [b"\n", b"\r", b"\r\r\n", b"\n\r", b"", b"\r\n "]
SPLICES = [b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"\n\n", b" ", b"\t", b":", b",", b";", b"\x00", b"\x0b", b"\xff",
           b"0", b"1", b"Content-Length: 1\r\n", b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n",
           b"\r\n a", b"0\r\n\r\n", b"Host: h\r\n", b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", b"chunked", b"HTTP/1.1",
           b"HTTP/1.0", b"+", b"-", b"_", b"\x85"]


class Generator:
    def __init__(self, random):
        self.random = random
        taken, others = corpus()
        self.taken = [one for one in taken if len(one) <= CORPUS_BYTES_MAX]
        self.small = self.taken + [one for one in others if len(one) <= CORPUS_BYTES_MAX]
        self.large = [one for one in taken + others if len(one) > CORPUS_BYTES_MAX]

    def input(self):
        kind = self.random.random()
        pick = self.random.choice
        if kind < 0.5:
            data = b"".join(self.request() for _ in range(pick((1, 1, 1, 2, 3))))
            damage = pick((0, 0, 0, 0, 1, 1, 2))
        elif kind < 0.999:
            data = pick(self.taken if kind < 0.9 else self.small)
            if self.random.random() < 0.4:
                data += pick(self.taken)
            damage = pick((0, 1, 1, 1, 1, 2, 2, 3))
        else:
            data = pick(self.large)
            damage = pick((0, 1, 1, 2))
        for _ in range(damage):
            data = self.damage(data)
        return data

    def request(self):
        """A request of which most parts are usual, so that several unusual ones meet rarely but do meet."""
        pick = self.random.choice
        chance = self.random.random
        usual = chance() < 0.7
        end = (lambda: b"\r\n") if usual else (lambda: pick(ENDS))
        method = pick(METHODS[:17]) if usual else pick(METHODS)
        target = pick(TARGETS[:10]) if usual else pick(TARGETS)
        version = pick(VERSIONS[:18]) if usual else pick(VERSIONS)
        lines = [b"Host:" + pick((b" ", b"", b"\t")) + (pick(HOSTS[:8]) if usual else pick(HOSTS))]
        for _ in range(pick((0, 0, 1, 1, 2))):
            name, value = (pick(NAMES[:7]), pick(VALUES[:10])) if usual else (pick(NAMES), pick(VALUES))
            lines.append(name + b": " + value)
        if chance() < 0.15:
            lines.append(b"Connection: " + pick(CONNECTIONS))
        if chance() < 0.1:
            lines.append(b"Expect: " + pick(EXPECTS))
        body = pick(BODIES)
        framing = chance()
        content = b""
        if framing < 0.3 or framing > 0.97:
            form = pick(LENGTHS[:12]) if usual else pick(LENGTHS)
            lines.append(b"Content-Length: " + form.replace(b"%d", b"%d" % len(body)))
            content = body
        if 0.3 <= framing < 0.6 or framing > 0.97:
            lines.append(b"Transfer-Encoding: " + (pick(CODINGS[:13]) if usual else pick(CODINGS)))
            content = self.chunks(body, usual)
        if chance() < 0.05 and not usual:
            lines.append(pick(lines))
        self.random.shuffle(lines)
        if chance() < 0.04:
            lines = lines[1:]
        head = pick((b"",) * 60 + (b"\r\n", b"\r\n\r\n", b"\n", b" ")) + method + b" " + target + b" " + version + end()
        return head + b"".join(line + end() for line in lines) + end() + content

    def chunks(self, body, usual):
        pick = self.random.choice
        content = b""
        for part in (body[:1], body[1:]):
            if part:
                size = pick(SIZES[:12]) if usual else pick(SIZES)
                extension = pick(EXTENSIONS[:17]) if usual else pick(EXTENSIONS)
                content += size.replace(b"%x", b"%x" % len(part)) + extension + b"\r\n" + part
                content += b"\r\n" if usual else pick(ENDS)
        trailer = pick(TRAILERS[:13]) if usual else pick(TRAILERS)
        return content + pick((b"0", b"0", b"000", b"0;a")) + b"\r\n" + trailer + (b"\r\n" if usual else pick(ENDS))

    def damage(self, data):
        """One change: a bit, a byte, a piece, a line, a word."""
        if not data:
            return self.random.choice(SPLICES)
        randrange = self.random.randrange
        at = randrange(len(data))
        kind = randrange(10)
        if kind == 0:
            return data[:at] + bytes([data[at] ^ 1 << randrange(8)]) + data[at + 1:]
        if kind == 1:
            return data[:at] + bytes([randrange(256)]) + data[at + 1:]
        if kind == 2:
            return data[:at] + data[at + randrange(1, 4):]
        if kind in (3, 4):
            return data[:at] + self.random.choice(SPLICES) + data[at:]
        if kind == 5:
            return data[:at]
        if kind == 6:
            other = self.random.choice(self.small)
            return data[:at] + other[randrange(len(other)):]
        separator = b"\r\n" if kind < 9 else b" "
        parts = data.split(separator)
        one, two = randrange(len(parts)), randrange(len(parts))
        if kind == 7:
            parts.insert(two, parts[one])
        else:
            parts[one], parts[two] = parts[two], parts[one]
        return separator.join(parts)
