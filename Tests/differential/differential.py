#!/usr/bin/env python3
"""Feeds the same bytes to this server's HTTP parser and to h11, and compares what they make of them.

    differential.py --parser PATH [--seed N] [--count N | --seconds S]

Both must agree on what is a request, on its parts, and on where it ends; or both must refuse. Where they may differ
stands in differences.py, with the section of the RFC. Ends with 1 at the first other difference, and prints the input,
made small. Our parser also has to say the same of the bytes one by one. The seed is printed.
"""
import argparse
import collections
import json
import os
import random
import struct
import subprocess
import sys
import time

sys.dont_write_bytecode = True

import h11  # noqa: E402

import differences  # noqa: E402
import generator  # noqa: E402

BATCH = 500
Request = collections.namedtuple("Request", "method target version fields body stays end")
Verdict = collections.namedtuple("Verdict", "problem kind notes", defaults=(None, "differ", frozenset()))
Outcome = collections.namedtuple("Outcome", "requests end partial")
RESPONSE = h11.Response(status_code=404, headers=[("content-length", "0")])


class Ours:
    """The process that runs our parser."""

    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def outcomes(self, inputs):
        batch = b"".join(struct.pack(">I", len(one)) + one for one in inputs)
        self.process.stdin.write(struct.pack(">I", len(batch)) + batch)
        self.process.stdin.flush()
        for one in inputs:
            line = self.process.stdout.readline()
            if not line:
                raise SystemExit(f"differential: our parser stopped at one of {len(inputs)} inputs near {one!r}")
            yield json.loads(line)


def read_h11(data):
    """What h11 makes of the bytes. Where a connection of HTTP/1.0 may stay, or an empty line stands before a request,
    h11 is started anew behind it: it knows neither (RFC 9112 §9.3, §2.2); both are counted."""
    requests, notes = [], set()
    start = 0
    connection = None
    while True:
        if connection is None:
            if data.startswith(b"\r\n", start):
                start += 2
                notes.add("h11 stricter: empty line before a request (RFC 9112 §2.2: SHOULD be ignored)")
            connection = h11.Connection(h11.SERVER)
            if start < len(data):
                connection.receive_data(data[start:])
        request, body = None, b""
        try:
            while True:
                event = connection.next_event()
                if type(event) is h11.Request:
                    request = event
                elif type(event) is h11.Data:
                    body += event.data
                elif type(event) is h11.EndOfMessage:
                    break
                elif event is h11.NEED_DATA:
                    waits = request is not None or bool(connection.trailing_data[0])
                    return Outcome(requests, "waits" if waits else "done", partial(request, body)), notes
                else:
                    return Outcome(requests, f"unexpected {event!r}", None), notes
        except h11.RemoteProtocolError:
            return Outcome(requests, "refused", partial(request, body)), notes
        end = len(data) - len(connection.trailing_data[0])
        connection.send(RESPONSE)
        connection.send(h11.EndOfMessage())
        stays = connection.their_state is h11.DONE
        tokens = h11_connection(request)
        if request.http_version == b"1.0" and b"keep-alive" in tokens and b"close" not in tokens:
            notes.add("h11 stricter: HTTP/1.0 that stays (RFC 9112 §9.3: where the client asks for it)")
            requests.append(partial(request, body)._replace(stays=True, end=end))
            start, connection = end, None
            continue
        requests.append(partial(request, body)._replace(stays=stays, end=end))
        if not stays:
            return Outcome(requests, "closed", None), notes
        start = end
        if data.startswith(b"\r\n", end):
            connection = None
            continue
        connection.start_next_cycle()


def h11_connection(request):
    values = [value for name, value in request.headers if name == b"connection"]
    return {one.strip(b" \t").lower() for value in values for one in value.split(b",")}


def partial(request, body):
    if request is None:
        return None
    fields = [(bytes(name), bytes(value)) for name, value in request.headers.raw_items()]
    return Request(bytes(request.method), bytes(request.target), bytes(request.http_version), fields, bytes(body),
                   None, None)


def comparable(request):
    fields = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in request.fields]
    path = differences.path_of(request.method, request.target)
    return {"method": request.method.decode("latin-1"), "path": None if path is None else path.decode("latin-1"),
            "fields": fields, "body": request.body.decode("latin-1"), "stays": request.stays, "end": request.end}


def ours_comparable(request):
    """h11 gives codings in lower case."""
    fields = [[name, value.lower() if name.lower() == "transfer-encoding" else value]
              for name, value in request["fields"]]
    return {**request, "fields": fields}


def compare(data, ours):
    """What is wrong, if anything; whether both agree at last; which allowed differences were met."""
    if not ours["split"]:
        return Verdict("our parser says something else when the bytes come one by one")
    theirs, notes = read_h11(data)
    start = 0
    for index, mine in enumerate(ours["requests"]):
        if index == len(theirs.requests):
            return check_body(data, start, mine, theirs) or judge(data, start, "request", theirs, notes)
        other = comparable(theirs.requests[index])
        if ours_comparable(mine) != other:
            return Verdict(f"both take request {index + 1}, and read it differently:\n  ours {mine}\n  h11  {other}")
        took = differences.Case(data[:mine["end"]], start, "request", "request", theirs.requests[index])
        if reason := differences.why_refused(took):
            return Verdict(f"both take request {index + 1}, and we should refuse it: {reason}")
        start = mine["end"]
    if len(theirs.requests) > len(ours["requests"]):
        more = theirs.requests[len(ours["requests"])]
        return judge(data, start, ours["end"], Outcome([], "request", more), notes)
    if ours["end"] == theirs.end:
        return Verdict(None, "wait for more" if theirs.end == "waits" else "took all", notes)
    if is_refusal(ours) and theirs.end == "refused":
        return Verdict(None, "refused", notes)
    if is_refusal(ours) and theirs.end == "waits":
        return judge_early(data, start, ours["end"], theirs, notes)
    return judge(data, start, ours["end"], theirs, notes)


def is_refusal(ours):
    return ours["end"] not in ("done", "waits", "closed")


def check_body(data, start, mine, theirs):
    """Where h11 refuses a chunked body that we take, a third decoder judges what we make of it."""
    case = differences.Case(data, start, "request", theirs.end, theirs.partial)
    if not case.is_chunked:
        return None
    end = len(data) - len(case.chunks.trailer or b"") + len(case.chunks.trailer_section()) - 2
    if mine["body"].encode("latin-1") == case.chunks.body and mine["end"] == end:
        return None
    return Verdict(f"we read a chunked body as {mine}, and it is {case.chunks.body!r} up to byte {end}")


def judge_early(data, start, rule, theirs, notes):
    """We refuse at a byte; h11 reads heads and lines whole. With an end behind them it must refuse too, or differ for a
    reason that is in the table."""
    for suffix in (b"\r\n\r\n", b"\n\n"):
        later, _ = read_h11(data + suffix)
        if later.end == "refused" and len(later.requests) == len(theirs.requests):
            return Verdict(None, "refused", notes | {"both refuse: h11 only at the end of the head or line"})
    request = later.requests[len(theirs.requests)] if len(later.requests) > len(theirs.requests) else later.partial
    return judge(data, start, rule, Outcome([], "goes on", request), notes)


def judge(data, start, ours, theirs, notes):
    case = differences.Case(data, start, ours, theirs.end, theirs.partial)
    for difference in differences.TABLE:
        if difference.explains(case):
            return Verdict(None, "differ", notes | {difference.note})
    return Verdict(f"at byte {start} we say {ours}, and h11 says {theirs.end}")


def shrink(data, parser):
    """A smaller input that still fails."""
    def fails(candidate):
        return compare(candidate, next(parser.outcomes([candidate]))).problem is not None
    step = max(len(data) // 2, 1)
    while True:
        at = 0
        while at < len(data):
            candidate = data[:at] + data[at + step:]
            if candidate and fails(candidate):
                data = candidate
            else:
                at += step
        if step == 1:
            return data
        step //= 2


def main():
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--parser", required=True, help="the http1-events program")
    arguments.add_argument("--seed", type=int, default=None)
    arguments.add_argument("--count", type=int, default=None, help="inputs; without it the time decides")
    arguments.add_argument("--seconds", type=float, default=30)
    options = arguments.parse_args()
    seed = options.seed if options.seed is not None else int.from_bytes(os.urandom(4), "big")
    print(f"differential: h11 {h11.__version__}, --seed {seed}", flush=True)
    maker = generator.Generator(random.Random(seed))
    parser = Ours(options.parser)
    counts, allowed = collections.Counter(), collections.Counter()
    began = time.monotonic()
    while counts["inputs"] < options.count if options.count else time.monotonic() - began < options.seconds:
        inputs = [maker.input() for _ in range(BATCH)] if counts["inputs"] else maker.small + maker.large
        for data, ours in zip(inputs, list(parser.outcomes(inputs))):
            verdict = compare(data, ours)
            if verdict.problem:
                small = shrink(data, parser)
                print(f"differential: {compare(small, next(parser.outcomes([small]))).problem[:2000]}\n"
                      f"  > {generator.written(small)}\n  made small from\n  > {generator.written(data)}\n"
                      f"  again with --seed {seed}")
                return 1
            counts["inputs"] += 1
            counts["requests"] += len(ours["requests"])
            counts[verdict.kind] += 1
            allowed.update(verdict.notes)
    print(f"differential: {counts['inputs']} inputs with {counts['requests']} requests in "
          f"{time.monotonic() - began:.0f} s: both took {counts['took all']}, both refused {counts['refused']}, "
          f"both wait for more of {counts['wait for more']}, they differ on {counts['differ']}. Differences allowed:")
    for name, count in sorted(allowed.items(), key=lambda item: -item[1]):
        print(f"{count:9} {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
