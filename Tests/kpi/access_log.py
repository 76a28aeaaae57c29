"""What the reports must say, reckoned from the access log by rules of its own. Shares nothing with the program."""
import collections
import datetime
import json
import math

ENDPOINTS = ("/v1/obie/tokens", "/v1/obie/authorization_codes", "/v1/obie/consents/revoke", "/oauth2/introspect",
             "/oauth2/revoke")


class Line:
    """One answer. Times are seconds since 1970."""

    def __init__(self, fields, institutions):
        self.route, self.status = fields["route"], fields["status"]
        self.microseconds = round(fields["duration_ms"] * 1000)
        time = datetime.datetime.strptime(fields["time"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=datetime.timezone.utc)
        self.end, self.day = time.timestamp(), time.strftime("%Y-%m-%d")
        self.start = self.end - self.microseconds / 1e6
        self.institution = institution(fields, institutions)


def institution(fields, institutions):
    """Whom a request counts for: the institution that it names, where its client may act for that. A gateway names none,
    so there it is the client's, where that acts for one only."""
    client, named = fields.get("client"), fields.get("fi")
    if client is None:
        return "-"
    if fields["route"].startswith("/oauth2"):
        return institutions[client][0] if len(institutions[client]) == 1 else "-"
    return named if named in institutions[client] else "-"


def lines(log, institutions):
    """The answers at the endpoints that count, in the order of the log. `institutions` are those of each client."""
    found = []
    for text in log:
        if '"message":"answered"' in text:
            fields = json.loads(text)
            if fields["route"] in ENDPOINTS:
                found.append(Line(fields, institutions))
    return found


def sums(answers):
    """For each day, institution and endpoint: the durations of its requests in microseconds, sorted, and how many failed."""
    durations, failed = collections.defaultdict(list), collections.Counter()
    for line in answers:
        key = (line.day, line.institution, line.route)
        durations[key].append(line.microseconds)
        failed[key] += line.status >= 500
    return {key: (sorted(values), failed[key]) for key, values in durations.items()}


def quantile(values, share):
    """Of sorted values: the smallest that as large a share does not exceed."""
    return values[max(1, math.ceil(len(values) * share)) - 1]


def longest_failure(answers, route):
    """Of the failures of a route that follow one another without a success between: how many, when the first came, and
    when the next succeeded (None: none did). What is refused with 4xx is neither."""
    best, current = (0, 0, None), []
    for line in sorted((line for line in answers if line.route == route), key=lambda line: line.end):
        if line.status >= 500:
            current.append(line)
        elif current and line.status < 400:
            best, current = max(best, (len(current), current[0].start, line.end), key=lambda one: one[0]), []
    return max(best, (len(current), current[0].start, None), key=lambda one: one[0]) if current else best
