#!/usr/bin/env python3
"""Does check_history.py find what it is there for? Plants each kind of fault into good histories.

    Tests/cluster/check_history_test.py [--rounds 20] [--seed N]

Each round invents a history that keeps every promise, with an outage, overlapping attempts and unanswered ones; the checker
must find nothing in it. Then each fault is planted, alone, at a random place, and the checker must find that one.
"""
import argparse
import collections
import copy
import random
import sys
from pathlib import Path

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
sys.path.insert(0, str(ROOT / "Tests/harness"))

from checks import Failure, expect  # noqa: E402
from history import History  # noqa: E402
from invented import BANKS, CALM, FINAL, LIFE, OUTAGE, SERVERS, Inventor  # noqa: E402
from promises import FAULTS, Judge  # noqa: E402


class Plot:
    """A copy of a good history, to plant one fault in."""

    def __init__(self, lines, chance):
        self.lines, self.chance = copy.deepcopy(lines), chance
        self.of_code, self.of_token = collections.defaultdict(list), collections.defaultdict(list)
        for line in self.lines:
            if line.get("code"):
                self.of_code[line["code"]].append(line)
            if line.get("token"):
                self.of_token[line["token"]].append(line)

    def pick(self, condition):
        found = [line for line in self.lines if condition(line)]
        expect(found, "nothing in the history to plant this fault at")
        return self.chance.choice(found)

    def won(self, condition=lambda issue, win, lines: True):
        """(issue, win, all lines of the code) of a code that was exchanged, with nothing else about it."""
        found = []
        for lines in self.of_code.values():
            issue, win = lines[0], next((line for line in lines if line.get("outcome") == 201 and line is not lines[0]), None)
            if win and condition(issue, win, lines):
                found.append((issue, win, lines))
        expect(found, "no code in the history to plant this fault at")
        return self.chance.choice(found)

    def lively(self, before=float("inf")):
        """(issue, win, look-ups that found it) of a token that nobody has ended, alone with its code."""
        revoked = {(line["bank"], line["consent"]) for line in self.lines if line["kind"] == "consent"}
        issue, win, _ = self.won(lambda issue, win, lines: len(lines) == 2 and win["end"] < before
                                 and (issue["bank"], issue["consent"]) not in revoked
                                 and not any(line["kind"] == "revoke" for line in self.of_token[win["token"]]))
        return issue, win, [line for line in self.of_token[win["token"]] if line.get("active")]

    def add(self, start, like, **more):
        line = {**like, "start": start, "end": start + 0.01, **more}
        self.lines.append(line)
        return line

    def remove(self, lines):
        gone = {id(line) for line in lines}
        self.lines = [line for line in self.lines if id(line) not in gone]

    # The faults

    def wrong_status(self):
        line = self.pick(lambda line: line["kind"] == "lookup" and line["outcome"] == 503)
        line["outcome"] = self.chance.choice([401, 403, 500, 429])

    def refused_issue(self):
        self.pick(lambda line: line["kind"] == "issue" and line["outcome"] in (503, "lost"))["outcome"] = 403

    def token_of_unknown_code(self):
        issue, _, _ = self.lively()
        self.remove([issue])

    def same_code(self):
        issue, _, _ = self.lively()
        self.add(issue["end"], issue)

    def same_token(self):
        _, win, looks = self.lively()
        issue, other, mine = self.lively()
        while other is win:
            issue, other, mine = self.lively()
        self.remove(mine)
        other["token"] = win["token"]

    def exchanged_twice(self):
        _, win, _ = self.lively()
        # Overlapping, or long after.
        self.add(self.chance.choice([win["start"], win["end"] + 1]), win, token="another", server=self.chance.choice(SERVERS))

    def exchanged_by_another(self):
        _, win, _ = self.lively()
        win["bank"] = next(bank for bank in BANKS if bank != win["bank"])

    def seen_by_another(self):
        _, win, looks = self.lively()
        self.add(win["end"] + 1, looks[0], bank=next(bank for bank in BANKS if bank != win["bank"]), active=True)

    def exchanged_late(self):
        issue, win, looks = self.lively()
        win["start"] = issue["end"] + LIFE + 0.2
        win["end"] = win["start"] + 0.01
        self.remove([look for look in looks if look["start"] < win["end"]])

    def exchanged_when_void(self):
        issue, win, looks = self.won(lambda issue, win, lines: win["start"] > issue["end"] + 0.3 and len(lines) == 2)
        self.add(issue["end"] + 0.1, {"kind": "consent", "server": "b", "bank": issue["bank"], "consent": issue["consent"],
                                      "outcome": 200})

    def good_code_refused(self):
        issue, win, looks = self.won(lambda issue, win, lines: len(lines) == 2 and win["end"] < issue["start"] + LIFE - 1
                                     and not self.revoked(issue))
        self.remove(self.of_token[win["token"]])
        self.add(win["start"], win, outcome=403, token=None)

    def revoked(self, issue):
        return any(line["kind"] == "consent" and (line["bank"], line["consent"]) == (issue["bank"], issue["consent"])
                   for line in self.lines)

    def left_code_refused(self):
        """503, then calm, then 403: the undo never came."""
        issue, win, _ = self.won(lambda issue, win, lines: len(lines) == 2 and win["start"] > CALM
                                 and issue["end"] < OUTAGE[1] - 1 and win["end"] < issue["start"] + LIFE - 1
                                 and not self.revoked(issue))
        self.add(max(issue["end"], OUTAGE[0] + 3), win, outcome=503, token=None)
        self.remove(self.of_token[win["token"]])
        self.add(win["start"], win, outcome=403, token=None)

    def left_code_untried(self):
        issue, win, _ = self.won(lambda issue, win, lines: len(lines) == 2 and issue["start"] > 1 and
                                 issue["end"] < OUTAGE[1] - 1 and CALM < issue["start"] + LIFE - 1 and not self.revoked(issue))
        self.remove(self.of_token[win["token"]])
        self.add(max(issue["end"], OUTAGE[0] + 3), win, outcome=503, token=None)

    def token_lost(self):
        self.chance.choice(self.lively()[2])["active"] = False

    def token_lost_on_one_server(self):
        _, _, looks = self.lively()
        self.add(looks[-1]["end"] + 1, looks[-1], server="c", active=False)

    def token_lost_long_after_a_revocation(self):
        """It had no answer, and the token was seen alive when that had to be settled."""
        _, win, looks = self.lively(before=OUTAGE[1])
        self.add(max(OUTAGE[0] + 3, win["end"]), looks[0], kind="revoke", outcome=503, active=None)
        self.add(CALM + 1, looks[0], active=True)
        self.add(CALM + 2, looks[0], active=False)

    def revocation_undone(self):
        revoke = self.pick(lambda line: line["kind"] == "revoke" and line["outcome"] == 200)
        self.add(revoke["end"] + self.chance.uniform(0.001, 30), self.look_of(revoke["token"]), active=True,
                 outcome=200, bank=revoke["bank"])

    def look_of(self, token):
        return next(line for line in self.of_token[token] if "active" in line)

    def consent_undone(self):
        _, win, looks = self.lively()
        issue = self.of_code[win["code"]][0]
        revocation = self.add(win["end"] + 1, {"kind": "consent", "server": "b", "bank": issue["bank"],
                                               "consent": issue["consent"], "outcome": 200})
        self.remove(looks)
        others = [line for code in self.of_code.values() for line in code
                  if code[0]["bank"] == issue["bank"] and code[0]["consent"] == issue["consent"] and code[0] is not issue]
        self.remove([line for other in others for line in [other, *self.of_token.get(other.get("token"), [])]])
        self.add(revocation["end"] + 0.001, looks[0], active=True)

    def replay_forgotten(self):
        """Replayed by its own institution, and alive all the same."""
        _, win, looks = self.lively()
        replay = self.add(win["end"] + 0.1, win, outcome=403, token=None)
        self.remove(looks)
        self.add(replay["end"] + 0.1, looks[0], active=True)

    def race_forgotten(self):
        """The same, where both attempts overlap and nothing else explains the refusal."""
        _, win, looks = self.lively()
        replay = self.add(win["start"], win, outcome=403, token=None)
        self.remove(looks)
        self.add(max(replay["end"], win["end"]) + 0.1, looks[0], active=True)

    def not_looked_up(self):
        self.remove([self.chance.choice([look for look in self.lively()[2] if look["start"] > FINAL])])


PLANTS = {
    "answer": (Plot.wrong_status, Plot.refused_issue, Plot.token_of_unknown_code),
    "same": (Plot.same_code, Plot.same_token),
    "twice": (Plot.exchanged_twice,),
    "foreign": (Plot.exchanged_by_another, Plot.seen_by_another),
    "old": (Plot.exchanged_late,),
    "void": (Plot.exchanged_when_void,),
    "refused": (Plot.good_code_refused, Plot.left_code_refused),
    "untried": (Plot.left_code_untried,),
    "dead": (Plot.token_lost, Plot.token_lost_on_one_server, Plot.token_lost_long_after_a_revocation),
    "revived": (Plot.revocation_undone, Plot.consent_undone, Plot.replay_forgotten, Plot.race_forgotten),
    "unseen": (Plot.not_looked_up,),
}


def faults(lines, no_failures=False):
    return Judge(History(lines), no_failures).judge().faults


def one_round(seed):
    """How many attempts the history had, and how many faults were planted."""
    chance, lines = random.Random(seed), Inventor(seed).invent()
    found = faults(lines)
    expect(not found, lambda: f"seed {seed}: found in a good history: {found[0]}")
    expect({kind for kind, _ in faults(lines, no_failures=True)} == {"failed"}, "an outage is not a failure")
    for kind, plants in PLANTS.items():
        for plant in plants:
            plot = Plot(lines, chance)
            plant(plot)
            kinds = {one for one, _ in faults(plot.lines)}
            expect(kind in kinds, f"seed {seed}: {plant.__name__} was not found, but {kinds or 'nothing'}")
    return len(lines), sum(map(len, PLANTS.values()))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    print(f"check_history test: {options.rounds} rounds, seed {options.seed}", flush=True)
    try:
        expect(PLANTS.keys() | {"failed"} == FAULTS.keys(), "a fault is planted nowhere")
        done = [one_round(options.seed + number) for number in range(options.rounds)]
    except Failure as failure:
        print(f"check_history test: FAILED {failure}", file=sys.stderr)
        return 1
    print(f"check_history test: nothing found in {sum(count for count, _ in done):,} good attempts, and each of "
          f"{sum(planted for _, planted in done)} planted faults of {len(FAULTS)} kinds")
    return 0


if __name__ == "__main__":
    sys.exit(main())
