"""What requests besides the exchange are about, made beforehand: tokens that are revoked, consents that something was
issued for. client.py has the requests, and how they travel."""
import secrets

import client

CONSENT_LENGTH = client.CODE_LENGTH  # so that consents and codes can stand for each other in requests to the ceilings


def ccg(asker=client.SANDBOX):
    """Asks for a CCG token. The sandbox always gives the same; production makes one for the provider."""
    return client.constant_request() if asker == client.SANDBOX else client.grant_request(asker)


def make_consents(port, count, path, asker=client.SANDBOX):
    """Asks for a code for each of so many new consents; writes the consents to the file at path, one a line."""
    digits = secrets.token_hex(count * CONSENT_LENGTH // 2)
    consents = [digits[i:i + CONSENT_LENGTH] for i in range(0, len(digits), CONSENT_LENGTH)]
    client.pipelined(port, count, lambda first, size: b"".join(
        client.code_request(consent, asker=asker) for consent in consents[first:first + size]), client.code_of, "codes")
    with open(path, "w") as file:
        file.writelines(f"{consent}\n" for consent in consents)


def revoke_tokens(port, path, asker=client.SANDBOX):
    """Revokes every token of a file."""
    _about_tokens(port, path, lambda token: client.revoke_request(token, asker), "tokens revoked")


def ask_about_tokens(port, path, asker=client.SANDBOX):
    """Asks about every token of a file once, so that the server knows what it may remember."""
    _about_tokens(port, path, lambda token: client.introspect_request(token, asker), "tokens asked about")


def _about_tokens(port, path, request, what):
    def done(answer):
        if answer[0] != 200:
            raise ValueError(f"{what}: got {answer[0]} {answer[2][:300]!r}")
        return b""

    with open(path) as file:
        tokens = file.read().split()
    client.pipelined(port, len(tokens), lambda first, size: b"".join(
        request(token) for token in tokens[first:first + size]), done, what)
