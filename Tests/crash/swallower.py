"""A relay in front of servers that swallows answers to exchanges, after the server has sent them."""
import asyncio
import random
import re
import threading

import sandbox
from client import LENGTH
from programs import HOST

EXCHANGE = re.compile(rb'"auth_code": *"([0-9a-z]{32})"')


class Swallower:
    """Of the answers to a code's exchange it swallows the first 201, and a share of all others, by cutting the connection.

    `tokens` has every token that a server has answered for a code, whether or not the answer arrived.
    """

    def __init__(self, ports, seed, share=0.3):
        self.ports, self.share, self.chance = list(ports), share, random.Random(seed)
        self.tokens, self.swallowed, self._turn = {}, 0, 0
        self._loop = asyncio.new_event_loop()

    def __enter__(self):
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._call(asyncio.start_server(self._accepted, HOST, 0))
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_):
        async def end():
            self._server.close()
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        self._call(end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _accepted(self, reader, writer):
        self._turn += 1
        server = None
        try:
            server = await asyncio.open_connection(HOST, self.ports[self._turn % len(self.ports)])
            while True:
                request = await self._message(reader)
                server[1].write(request)
                answer = await self._message(server[0])
                if self._swallows(request, answer):
                    break
                writer.write(answer)
        except (OSError, EOFError, asyncio.CancelledError):
            pass
        finally:
            for side in (writer, server and server[1]):
                if side:
                    side.transport.abort()

    @staticmethod
    async def _message(reader):
        head = await reader.readuntil(b"\r\n\r\n")
        length = LENGTH.search(head)
        return head + (await reader.readexactly(int(length[1])) if length else b"")

    def _swallows(self, request, answer):
        code = EXCHANGE.search(request)
        if not code:
            return False
        if not answer.startswith(b"HTTP/1.1 201"):
            return self.chance.random() < self.share
        known = self.tokens.setdefault(code[1].decode(), set())
        is_first = not known
        known.add(sandbox.TOKEN.search(answer)[1].decode())
        swallows = is_first or self.chance.random() < self.share
        self.swallowed += swallows
        return swallows
