"""Where the two parsers may disagree, why, and how to tell. Anything else is a failure.

Where we are the stricter side, a difference names our rule *and* the cause in the bytes, so that another disagreement
cannot hide behind it. Such a cause in a request that we take is a failure too: h11 does not look there.
"""
import ipaddress
import re
from collections import namedtuple


class Difference(namedtuple("Difference", "name rule why cause")):
    """`rule` is ours, or None where h11 is the stricter side; `cause` is a predicate of a Case."""

    @property
    def note(self):
        return f"{'ours' if self.rule else 'h11'} stricter: {self.name} ({self.why})"

    def explains(self, case):
        if self.rule:
            return case.ours == self.rule and case.h11 != "refused" and bool(self.cause(case))
        return case.h11 == "refused" and case.ours in ("request", "waits", "done") and bool(self.cause(case))



KNOWN_METHODS = (b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"PATCH", b"OPTIONS", b"TRACE")
HEAD_END = re.compile(rb"\n\r?\n")
BARE_LF = re.compile(rb"(?<!\r)\n")
FOLD = re.compile(rb"\n[ \t]")
CONTROL = re.compile(rb":[^\r\n]*[\x01-\x08\x0e-\x1f\x7f]")
BAD_EXTENSION = re.compile(rb"[0-9A-Fa-f]+;[^\n]*[\x00-\x08\x0b-\x1f\x7f][^\n]*")
SIZE_LINE = re.compile(rb"([0-9A-Fa-f]+)(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?")
PORT = rb"(?::[0-9]*)?"
NAME = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*" + PORT)
LITERAL = re.compile(rb"\[([0-9A-Fa-f:.]+)\]" + PORT)
ABSOLUTE = re.compile(rb"(?i:https?)://([^/?]+)([^?]*)")


def is_host(value):
    literal = LITERAL.fullmatch(value)
    if not literal:
        return NAME.fullmatch(value) is not None
    try:
        return ipaddress.IPv6Address(literal[1].decode()) is not None
    except ValueError:
        return False


def path_of(method, target):
    """The path of a target (RFC 9112 §3.2), or None where it is none for an origin server."""
    if target.startswith(b"/"):
        return target.partition(b"?")[0]
    if target == b"*":
        return target if method == b"OPTIONS" else None
    absolute = ABSOLUTE.fullmatch(target.partition(b"?")[0]) or ABSOLUTE.match(target)
    if not absolute or absolute[1].startswith(b":") or not is_host(absolute[1]):
        return None
    return absolute[2]


class Chunks:
    """The chunked body at the start of `data`, as far as RFC 9112 §7.1 goes."""

    def __init__(self, data):
        self.sizes = []
        self.body = b""
        self.data = data
        self.bad_line = None
        self.lines = []
        self.trailer = None
        at = 0
        while True:
            end = data.find(b"\r\n", at)
            if end < 0:
                self.bad_line = data[at:]
                return
            line = data[at:end]
            self.lines.append(line)
            match = SIZE_LINE.fullmatch(line)
            if not match:
                self.bad_line = line
                return
            size = int(match[1], 16)
            self.sizes.append(size)
            at = end + 2
            if size == 0:
                self.trailer = data[at:]
                return
            self.body += data[at:at + size]
            at += size + 2
            if data[at - 2:at] != b"\r\n":
                return

    def declared(self):
        """With the size of a line that is not finished, or goes wrong behind its size."""
        digits = re.match(rb"[0-9A-Fa-f]*", self.bad_line or b"")[0]
        return sum(self.sizes) + int(digits or b"0", 16)

    def trailer_section(self):
        """With both line ends and the start of what follows, so that its first line has a line end before it."""
        section = b"\r\n" + (self.trailer or b"")
        end = HEAD_END.search(section)
        return section[:end.end()] if end else section


class Case:
    """One place where the two differ. `request` is what h11 took, as far as it came; None where it took nothing."""

    def __init__(self, data, start, ours, h11, request):
        self.data, self.start, self.ours, self.h11, self.request = data, start, ours, h11, request
        rest = data[start:]
        self.rest = rest[2:] if rest.startswith(b"\r\n") else rest
        end = HEAD_END.search(self.rest)
        self.head = self.rest[:end.end()] if end else self.rest
        # A head that is cut has at least one byte more, and one field where its last line has begun.
        self.is_cut = end is None
        self.fields = len(self.head.splitlines()) - (1 if end is None else 2)
        self.chunks = Chunks(self.rest[len(self.head):])

    def values(self, name):
        return [value for field, value in (self.request.fields if self.request else ()) if field.lower() == name]

    def raw_values(self, name):
        """As they stand in the head; h11 merges equal lengths."""
        lines = [line.partition(b":") for line in self.head.split(b"\n")]
        return [value.strip() for field, _, value in lines if field.lower() == name]

    def members(self, name):
        return [one.strip() for value in self.raw_values(name) for one in value.split(b",") if one.strip()]

    @property
    def is_chunked(self):
        return self.request is not None and bool(self.values(b"transfer-encoding"))


def framing_bytes(case):
    return len(case.chunks.data) - sum(case.chunks.sizes)


def trailer_names(case):
    return [line.partition(b":")[0].lower() for line in case.chunks.trailer_section().split(b"\n")]


TABLE = [
    Difference("bare LF as a line end", "malformed.bareLineFeed",
               "RFC 9112 §2.2: a recipient MAY take it; smuggling by mixed line ends",
               lambda case: BARE_LF.search(case.head)),
    Difference("obs-fold", "malformed.lineFolding",
               "RFC 9112 §5.2: a server MUST reject it or replace it; we reject",
               lambda case: FOLD.search(case.head)),
    Difference("control character in a field value", "malformed.fieldValue",
               "RFC 9110 §5.5: invalid; MAY be kept in a safe context",
               lambda case: CONTROL.search(case.head)),
    Difference("fragment in a target", "malformed.requestLine",
               "RFC 9112 §3.2: no form has one",
               lambda case: case.request and b"#" in case.request.target),
    Difference("form of the target", "malformed.target",
               "RFC 9112 §3.2, RFC 9110 §4.2: h11 leaves targets to its user",
               lambda case: case.request and path_of(case.request.method, case.request.target) is None),
    Difference("major version", "versionUnsupported",
               "RFC 9110 §15.6.6: 505 for a major version that is not served",
               lambda case: case.request and case.request.version[:1] != b"1"),
    Difference("unknown method or CONNECT", "methodUnknown",
               "RFC 9110 §9.1, §15.6.2: 501; h11 leaves methods to its user",
               lambda case: case.request and case.request.method not in KNOWN_METHODS),
    Difference("invalid Host", "malformed.host",
               "RFC 9112 §3.2: MUST be 400; h11 does not look at the value",
               lambda case: any(not is_host(value) for value in case.values(b"host"))),
    Difference("no Host in HTTP/1.2 to 1.9", "malformed.host",
               "RFC 9112 §3.2, RFC 9110 §2.5: read as HTTP/1.1",
               lambda case: case.request and b"1.1" < case.request.version < b"2" and not case.values(b"host")),
    Difference("list of equal Content-Lengths", "malformed.contentLength",
               "RFC 9110 §8.6: MAY be refused or taken as one",
               lambda case: len(b",".join(case.raw_values(b"content-length")).split(b",")) > 1
               and len(set(case.members(b"content-length"))) == 1),
    Difference("Transfer-Encoding beside Content-Length", "malformed.transferEncoding",
               "RFC 9112 §6.3: ought to be handled as an error",
               lambda case: case.values(b"transfer-encoding") and case.values(b"content-length")),
    Difference("Transfer-Encoding in HTTP/1.0", "malformed.transferEncoding",
               "RFC 9112 §6.1: MUST be treated as faulty framing",
               lambda case: case.values(b"transfer-encoding") and case.request.version == b"1.0"),
    Difference("expectation other than 100-continue", "expectationFailed",
               "RFC 9110 §10.1.1: MAY be 417",
               lambda case: case.request and case.request.version != b"1.0"
               and any(one.lower() != b"100-continue" for one in case.members(b"expect"))),
    Difference("target above its limit", "targetTooLong",
               "RFC 9112 §3: 414; API limit 8 KiB",
               lambda case: len(case.head.partition(b"\n")[0]) > 8 * 1024),
    Difference("head above its limit", "headTooLarge",
               "RFC 9110 §5.4: 4xx; API limits 16 KiB and 100 fields",
               lambda case: len(case.head) + case.is_cut > 16 * 1024 or case.fields > 100),
    Difference("declared body above its limit", "bodyTooLarge",
               "RFC 9110 §15.5.14: 413; API limit 64 KiB",
               lambda case: any(int(value) > 64 * 1024 for value in case.values(b"content-length"))),
    Difference("chunked body above its limit", "bodyTooLarge",
               "RFC 9110 §15.5.14, RFC 9112 §7.1.1: 413; 64 KiB and 16 KiB",
               lambda case: case.is_chunked and (case.chunks.declared() > 64 * 1024
               or framing_bytes(case) > 16 * 1024)),
    Difference("blanks behind a chunk size", "malformed.chunk",
               "RFC 9112 §7.1, §7.1.1: BWS only before a semicolon",
               lambda case: case.is_chunked and re.fullmatch(rb"[0-9A-Fa-f]+[ \t]+", case.chunks.bad_line or b"")),
    Difference("control character in a chunk extension", "malformed.chunk",
               "RFC 9112 §7.1.1, §2.2; CR is smuggling",
               lambda case: case.is_chunked and BAD_EXTENSION.fullmatch(case.chunks.bad_line or b"")),
    Difference("bare LF in a trailer section", "malformed.trailer",
               "RFC 9112 §2.2, §7.1.2: a recipient MAY take it",
               lambda case: case.is_chunked and BARE_LF.search(case.chunks.trailer_section())),
    Difference("obs-fold in a trailer section", "malformed.trailer",
               "RFC 9112 §5.2",
               lambda case: case.is_chunked and FOLD.search(case.chunks.trailer_section())),
    Difference("control character in a trailer", "malformed.trailer",
               "RFC 9110 §5.5: invalid; MAY be kept in a safe context",
               lambda case: case.is_chunked and CONTROL.search(case.chunks.trailer_section())),
    Difference("CR of an empty line before a request", None,
               "RFC 9112 §2.2: at least one SHOULD be ignored",
               lambda case: case.ours == "waits" and case.data[case.start:] == b"\r"),
    Difference("blanks before a chunk extension", None,
               "RFC 9112 §7.1.1: BWS MUST be parsed and removed",
               lambda case: case.is_chunked and any(re.match(rb"[0-9A-Fa-f]+[ \t]+;", line)
               for line in case.chunks.lines)),
    Difference("many leading zeros of a chunk size", None,
               "RFC 9112 §7.1: 1*HEXDIG; h11 takes 20 digits",
               lambda case: case.is_chunked and any(re.match(rb"0[0-9A-Fa-f]{20}", line)
               for line in case.chunks.lines)),
    Difference("many leading zeros of a Content-Length", None,
               "RFC 9110 §8.6: 1*DIGIT; h11 takes 20 digits",
               lambda case: any(re.fullmatch(rb"0[0-9]{20,}", value) for value in case.raw_values(b"content-length"))),
    Difference("framing fields in a trailer section", None,
               "RFC 9110 §6.5.1: to be ignored; h11 judges their values",
               lambda case: case.is_chunked and {b"content-length", b"transfer-encoding"} & set(trailer_names(case))),
    Difference("an event of more than 16 KiB that is not finished", None,
               "h11's own limit, on other bytes than ours",
               lambda case: case.ours == "waits" and len(case.rest) > 16 * 1024),
]

LIMITS = ("targetTooLong", "headTooLarge", "bodyTooLarge")


def why_refused(case):
    """Why we should have refused this request, which both took."""
    for difference in TABLE:
        if difference.rule and difference.rule not in LIMITS and difference.cause(case):
            return difference.name
    return None
