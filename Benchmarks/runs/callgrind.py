"""Runs the release server under callgrind, and reads what callgrind writes: instructions of each function.

Knows nothing about requests. All threads count; `Profile` is what they did between two moments.
"""
import collections
import dataclasses
import glob
import os
import re
import shutil
import subprocess

import servers

TOOLS = ("valgrind", "callgrind_control", "strip", "swift", "openssl")
CALLGRIND = ["valgrind", "--quiet", "--tool=callgrind", "--separate-threads=yes"]
NAME_WIDTH = 150  # of a line in a table: names of generic Swift functions have no end
CALLERS = 3  # of each function in a table, where it has several


def missing():
    """Tools that are not there."""
    return [tool for tool in TOOLS if not shutil.which(tool)]


def strip(program, stripped):
    """A copy for callgrind: valgrind 3.19 gives up on the debug information of Swift's C++ runtime. The table of symbols
    stays."""
    subprocess.run(["strip", "--strip-debug", "-o", stripped, program], check=True)


def compiler():
    """Swift's version."""
    return re.search(r"Swift version (\S+)", subprocess.run(["swift", "--version"], check=True, capture_output=True,
                                                            text=True).stdout)[1]


@dataclasses.dataclass
class Profile:
    """Instructions by function: its own; and by caller and callee: the callee's, with all that it calls; how many calls."""
    own: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    costs: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    calls: collections.Counter = dataclasses.field(default_factory=collections.Counter)

    @property
    def total(self):
        return sum(self.own.values())

    def within(self, text):
        """Instructions of functions with this in their mangled names, with all that they call."""
        return sum(cost for (caller, callee), cost in self.costs.items() if text in callee and text not in caller)

    def add(self, other):
        for counter, more in ((self.own, other.own), (self.costs, other.costs), (self.calls, other.calls)):
            counter.update(more)


def read(path):
    """The profile of one of callgrind's files, which is one thread's."""
    objects, names, found = {}, {}, Profile()
    library = called_library = function = call = None

    def name(text, known, library=None):
        """Callgrind spells a name out once, and gives its number afterwards."""
        match = re.match(r"\((\d+)\)(?: (.*))?", text)
        if match[2]:
            known[match[1]] = f"{match[2]} in {os.path.basename(library)}" if match[2].startswith("0x") else match[2]
        return known[match[1]]

    with open(path) as file:
        for line in file:
            if line.startswith("ob="):
                library = called_library = name(line[3:], objects)
            elif line.startswith("cob="):
                called_library = name(line[4:], objects)
            elif line.startswith("fn="):
                function = name(line[3:], names, library)
            elif line.startswith("cfn="):
                call, called_library = name(line[4:], names, called_library), library
            elif line.startswith("calls="):
                found.calls[function, call] += int(line[6:].split()[0])
            elif re.match(r"[-+*\d]", line):
                cost = int(line.split()[1])
                if call:
                    found.costs[function, call] += cost
                else:
                    found.own[function] += cost
                call = None
    return found


class Counted(servers.Server):
    """A server under callgrind: zero() begins to count, profiles() says what was done since, by thread."""

    def __init__(self, name, program, folder, store=None, **wanted):
        self.out = os.path.join(folder, "callgrind")
        super().__init__(name, program, folder, store, os.sched_getaffinity(0),
                         [*CALLGRIND, f"--callgrind-out-file={self.out}"], **wanted)

    def _control(self, what):
        subprocess.run(["callgrind_control", what, str(self.process.pid)], check=True, capture_output=True)

    def zero(self):
        self._control("--zero")

    def profiles(self):
        """Also begins to count anew."""
        self._control("--dump")
        paths = sorted(glob.glob(f"{self.out}.*-*"))
        if not paths:
            raise RuntimeError(f"callgrind wrote nothing: {self.log()}")
        found = [read(path) for path in paths]
        for path in paths:
            os.remove(path)
        return found


def demangled(text):
    return subprocess.run(["swift", "demangle", "--simplified"], check=True, capture_output=True, text=True,
                          input=text).stdout


def top(profiles, requests, most):
    """A table of the functions with the most instructions of their own, for each request; each with what it takes with
    all that it calls (too much where it calls itself), and with whoever calls it most often."""
    whole = Profile()
    for profile in profiles:
        whole.add(profile)
    with_calls, calls, callers = collections.Counter(), collections.Counter(), collections.defaultdict(collections.Counter)
    for (caller, callee), cost in whole.costs.items():
        with_calls[callee] += cost
        calls[callee] += whole.calls[caller, callee]
        callers[callee][caller] += whole.calls[caller, callee]
    rows = [f"{'own':>10} {'share':>6} {'with calls':>11} {'calls':>8}  function"]
    for function, own in whole.own.most_common(most):
        rows.append(f"{own / requests:10,.1f} {own / whole.total:6.1%} {with_calls[function] / requests:11,.1f} "
                    f"{calls[function] / requests:8,.2f}  {function}")
        rows += [f"{'':28}{times / requests:10,.2f}    from {caller}"
                 for caller, times in callers[function].most_common(CALLERS) if calls[function] > times]
    threads = sorted((round(profile.total / requests) for profile in profiles), reverse=True)
    return "\n".join([*(line[:NAME_WIDTH] for line in demangled("\n".join(rows)).splitlines()),
                      f"by thread: {', '.join(f'{own:,}' for own in threads if own)}"])
