"""The conformance corpus through the real server: over TLS, however it is cut, it gets the answers that it gets plain."""
import re

from conformance import cases
from encrypted import EncryptedClient
from harness import Client, Server, expect

# What differs from answer to answer. Links do not, where the server has a name.
CHANCE = re.compile(rb'(?<="id":")[^"]*|(?<=\r\nDate: )[^\r]*|(?<=\r\nX-Request-Id: )[^\r]*')
# Due where the content is not there yet.
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
NAME = ("--public-url", "https://tokens.example")
FINAL = re.compile(rb"(?:\A|(?<=\n)|(?<=[}>]))HTTP/1\.1 ([2-5]\d\d) ")
# Of the bytes that become a record of their own; 0: all of them. One byte each only where there are few.
RECORDS, SMALL = (0, 1, 2, 7, 300), 1024


def answers(client, portions):
    """All that comes for these portions, and then the end."""
    try:
        for portion in portions:
            client.send(portion)
        client.finish_sending()
    except (BrokenPipeError, ConnectionResetError):
        pass  # it was refused before its end
    received = b""
    while data := client.receive():
        received += data
    return received


def without_chance(received):
    return CHANCE.sub(b"", received.replace(CONTINUE, b""))


def in_records(data, size):
    step = size or len(data) or 1
    return [data[start:start + step] for start in range(0, len(data), step)]


def check_corpus(bench):
    found, asked = cases(), 0
    with Server(bench.program, "--loops", "1", *NAME) as plain, bench.server(*NAME) as secure:
        for case in found:
            with Client(plain.port) as client:
                expected = without_chance(answers(client, [case.data]))
            count, least = len(FINAL.findall(expected)), case.requests + case.refused
            expect(count == least, f"{case.name}: {count} answers, not {least}: {expected}")
            for size in RECORDS:
                if size and len(case.data) > SMALL * size:
                    continue
                with EncryptedClient(bench.context(), secure.port) as client:
                    got = without_chance(answers(client, in_records(case.data, size)))
                asked += 1
                expect(got == expected, f"{case.name}, in records of {size or 'any size'}: {got}\nand plain: {expected}")
        truncated = secure.metrics()["obie_tokens_tls_truncated_total"]
        expect(truncated == 0, f"{truncated} clients ended without close_notify")
    return f"{len(found)} cases over TLS, {asked:,} times in records of several sizes: each answer is that without TLS"
