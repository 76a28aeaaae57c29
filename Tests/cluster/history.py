"""The history of a test: every attempt with its interval and its outcome, one JSON object a line.

    {"kind": "plan", "servers": ["a", "b"], "life": 60, "seed": 1}
    {"kind": "issue", "start": 1.2, "end": 1.3, "server": "a", "bank": "x", "outcome": 201, "consent": "c1", "code": "9f…"}
    {"kind": "exchange", …, "code": "9f…", "outcome": 201, "token": "8c…"}
    {"kind": "lookup", …, "token": "8c…", "outcome": 200, "active": true}
    {"kind": "revoke", …, "token": "8c…"}          {"kind": "consent", …, "consent": "c1"}
    {"kind": "mark", "name": "calm", "start": 9.0}  {"kind": "killed", "server": "a", "start": 8.5}

Times are of one monotonic clock, in seconds. An outcome is an HTTP status, or "lost" where no answer came. The mark
"calm" says that all servers answer again and have put in order what the fault had left; "final", that from here on every
token is looked up on every server.
"""
import json
import time

LOST = "lost"
KINDS = ("issue", "exchange", "lookup", "revoke", "consent")


class Attempt:
    """One line about a request."""

    __slots__ = ("kind", "start", "end", "server", "bank", "outcome", "code", "token", "consent", "active")

    def __init__(self, line):
        for name in self.__slots__:
            setattr(self, name, line.get(name))

    @property
    def is_answered(self):
        """Whether its effect is known: not where no answer came, nor where the store was unavailable."""
        return self.outcome not in (LOST, 503)

    def __repr__(self):
        names = ("outcome", "active", "server", "bank", "code", "token", "consent")
        said = " ".join(f"{name}={getattr(self, name)}" for name in names if getattr(self, name) is not None)
        return f"[{self.start:.3f}–{self.end:.3f} {self.kind} {said}]"


class Recorder:
    """Writes a history. To be used by one thread."""

    def __init__(self, path, servers, life, seed):
        self.file = open(path, "w", encoding="ascii", buffering=1 << 16)
        self.count = 0
        self.write(kind="plan", servers=servers, life=life, seed=seed)

    def write(self, **line):
        self.file.write(json.dumps(line, separators=(",", ":")) + "\n")
        self.count += 1

    def mark(self, name):
        self.write(kind="mark", name=name, start=time.monotonic())
        self.file.flush()

    def killed(self, server):
        self.write(kind="killed", server=server, start=time.monotonic())

    def close(self):
        self.file.close()


class History:
    """A history in memory."""

    def __init__(self, lines):
        self.servers, self.life, self.attempts, self.marks, self.killed = [], 60.0, [], [], []
        for line in lines:
            kind = line["kind"]
            if kind == "plan":
                self.servers, self.life = line["servers"], line["life"]
            elif kind == "mark":
                self.marks.append((line["start"], line["name"]))
            elif kind == "killed":
                self.killed.append((line["start"], line["server"]))
            elif kind in KINDS:
                self.attempts.append(Attempt(line))
            else:
                raise ValueError(f"a line of kind {kind!r}")
        self.attempts.sort(key=lambda attempt: attempt.start)
        self.calms = sorted(start for start, name in self.marks if name == "calm")
        self.final = max((start for start, name in self.marks if name == "final"), default=float("inf"))

    @classmethod
    def read(cls, path):
        """Raises ValueError where a line is none."""
        with open(path, encoding="ascii") as lines:
            return cls(json.loads(line) for line in lines)

    def effect_end(self, attempt):
        """When its effect, if it has one, is there at the latest: without an answer, when it is calm."""
        return attempt.end if attempt.is_answered else self.calm_after(attempt.end)

    def calm_after(self, moment):
        """The first calm from a moment on."""
        return next((calm for calm in self.calms if calm >= moment), float("inf"))
