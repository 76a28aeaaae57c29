"""Clients of Python: urllib, requests, httpx, aiohttp. Each keeps its connections, where it can."""
import asyncio
import urllib.error
import urllib.request

import aiohttp
import httpx
import requests
import urllib3

from asking import CHALLENGED, Answer

SECONDS = 10


class Client:
    """Gives each request to send(), and takes what that raises for the answer."""
    challenge = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def ask(self, request):
        try:
            return self.send(request)
        except Exception as error:  # whatever the library raises is what is looked for
            return Answer(error=f"{type(error).__module__}.{type(error).__qualname__}: {error}")

    def ask_all(self, wanted):
        """The requests one after the other, on one connection where the client keeps it."""
        return [self.ask(request) for request in wanted]


class Urllib(Client):
    """It closes each connection. HTTPBasicAuthHandler waits for the challenge; there is a handler that does not."""
    name, version, challenge = "urllib", "", True

    def send(self, request):
        passwords = urllib.request.HTTPPasswordMgrWithPriorAuth()
        passwords.add_password(None, request.url, request.client, request.secret, is_authenticated=request.how != CHALLENGED)
        opener = urllib.request.build_opener(urllib.request.HTTPBasicAuthHandler(passwords))
        asked = urllib.request.Request(request.url, request.body.encode(), request.headers)
        try:
            with opener.open(asked, timeout=SECONDS) as answer:
                return Answer(answer.status, answer.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.read().decode())


class Requests(Client):
    name, version = "requests", requests.__version__

    def __init__(self):
        self.session = requests.Session()

    def __exit__(self, *_):
        self.session.close()

    def send(self, request):
        answer = self.session.post(request.url, request.body, headers=request.headers, auth=(request.client, request.secret),
                                   timeout=SECONDS)
        return Answer(answer.status_code, answer.text)


class RequestsWithRetry(Requests):
    """As docs/integrating.md has it, for callers who send a key."""
    name = "requests with Retry"

    def __init__(self):
        super().__init__()
        self.session.mount("http://", requests.adapters.HTTPAdapter(
            max_retries=urllib3.Retry(total=3, allowed_methods=None, backoff_factor=0.1)))


class Httpx(Client):
    name, version = "httpx", httpx.__version__

    def __init__(self):
        self.client = httpx.Client(timeout=SECONDS)

    def __exit__(self, *_):
        self.client.close()

    def send(self, request):
        answer = self.client.post(request.url, content=request.body, headers=request.headers,
                                  auth=(request.client, request.secret))
        return Answer(answer.status_code, answer.text)


class Aiohttp(Client):
    name, version = "aiohttp", aiohttp.__version__

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.session = self.loop.run_until_complete(self._open())

    async def _open(self):
        return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(SECONDS))

    def __exit__(self, *_):
        self.loop.run_until_complete(self.session.close())
        self.loop.close()

    def send(self, request):
        return self.loop.run_until_complete(self._send(request))

    async def _send(self, request):
        headers = {**request.headers, "Authorization": aiohttp.encode_basic_auth(request.client, request.secret)}
        async with self.session.post(request.url, data=request.body, headers=headers) as answer:
            return Answer(answer.status, await answer.text())


ALL = [Urllib, Requests, RequestsWithRetry, Httpx, Aiohttp]
