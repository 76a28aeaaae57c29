#!/usr/bin/env python3
"""A network between server and database that misbehaves: it loses the reply of a commit, falls silent, cuts.

    with Relay(("127.0.0.1", 5432), seed=1) as relay:
        relay.lose_replies(3)          # of the next three batches that write
        relay.silence(2.0)             # nothing passes for so long, in either direction
        relay.cut()                    # every connection, now

It reads PostgreSQL's protocol as far as it must: which batches write (their statements were seen when they were prepared),
and where the reply of a batch ends. A reply is lost when it is complete, so the database has committed, and both
connections are cut. Over TLS it sees nothing and only passes on. The relay has a thread of its own; it listens on
127.0.0.1.
"""
import asyncio
import collections
import random
import re
import struct
import threading

import programs
from wire import GSS, SSL, Splitter

WRITES = re.compile(rb"\b(?:insert\s+into|update\s+\w+|delete\s+from|commit|merge\s+into)\b", re.IGNORECASE)
READ_BYTES = 1 << 16


class Batches:
    """What one connection has asked for: for each batch that is not answered whether it writes. `seen` gets what is
    prepared under a name, as (text, oids of its types, how the session is set)."""

    def __init__(self, seen=None):
        self.seen, self.settings = {} if seen is None else seen, ""
        self.writing_names, self.writes, self.open = set(), False, collections.deque()

    def asked(self, kind, whole):
        if kind == b"P":
            name, text, rest = whole[5:].split(b"\0", 2)
            if name:
                count = int.from_bytes(rest[:2], "big")
                oids = struct.unpack_from(f"!{count}I", rest, 2)
                self.seen[name.decode()] = text.decode(), oids, self.settings
            if WRITES.search(text):
                self.writing_names.add(name)
            else:
                self.writing_names.discard(name)
        elif kind == b"B":
            self.writes |= whole[5:].split(b"\0", 2)[1] in self.writing_names
        elif kind == b"Q":
            if whole[5:9] == b"SET ":
                self.settings = whole[5:-1].decode().partition("; SELECT")[0]
            self.open.append(bool(WRITES.search(whole)))
        elif kind == b"S":
            self.open.append(self.writes)
            self.writes = False

    def answered(self):
        """Whether the batch wrote whose reply is complete now. The first reply is to the start, which nobody asked."""
        return bool(self.open) and self.open.popleft()


class Pair:
    """One connection of a client, and the one to the database."""

    def __init__(self, relay, client, server):
        self.relay, self.client, self.server = relay, client, server
        self.batches, self.raw_answers, self.is_opaque = Batches(relay.seen), 0, False
        self.is_starting, self.reply = True, []

    async def run(self):
        tasks = [asyncio.create_task(self.up()), asyncio.create_task(self.down())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.cut()

    def cut(self):
        for _, writer in (self.client, self.server):
            writer.transport.abort()

    async def pass_on(self, writer, data):
        await self.relay.until_it_speaks()
        writer.write(data)
        await writer.drain()

    async def up(self):
        """What the client says."""
        splitter = Splitter(begins_without_type=True)
        while data := await self.client[0].read(READ_BYTES):
            if not self.is_opaque:
                for kind, whole in splitter.take(data):
                    if kind:
                        self.batches.asked(kind, whole)
                    elif int.from_bytes(whole[4:8], "big") in (SSL, GSS):
                        self.raw_answers += 1
            await self.pass_on(self.server[1], data)

    async def down(self):
        """What the database says. The reply of a batch that writes is held until it is complete."""
        splitter = Splitter()
        while data := await self.server[0].read(READ_BYTES):
            if self.raw_answers and not self.is_opaque:
                self.raw_answers -= 1
                self.is_opaque = data[:1] in (b"S", b"G")
                await self.pass_on(self.client[1], data[:1])
                data = data[1:]
            if self.is_opaque:
                await self.pass_on(self.client[1], data)
                continue
            ready = b""
            for kind, whole in splitter.take(data):
                self.reply.append(whole)
                if kind == b"Z":
                    if self.batches.answered() and self.relay.takes_reply():
                        return
                    ready += b"".join(self.reply)
                    self.reply.clear()
                elif not self.batches.open or not self.batches.open[0]:
                    ready += b"".join(self.reply)
                    self.reply.clear()
            if ready:
                await self.pass_on(self.client[1], ready)


class Relay:
    """`lost` counts the replies that were lost. `seen` is that of Batches, of all connections."""

    def __init__(self, upstream, seed=0, port=None):
        self.upstream, self.chance, self.port = upstream, random.Random(seed), port
        self.lost, self.passed, self.cuts, self.seen = 0, 0, 0, {}
        self._to_lose, self._share, self._pairs = 0, 0.0, set()
        self._loop, self._lock = asyncio.new_event_loop(), threading.Lock()

    def __enter__(self):
        self.port = self.port or programs.free_ports(1)[0]
        self._speaks = asyncio.Event()
        self._speaks.set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._call(asyncio.start_server(self._accepted, programs.HOST, self.port))
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._server.close)
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _end(self):
        self._speaks.set()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for pair in list(self._pairs):
            pair.cut()
        if tasks:
            await asyncio.wait(tasks, timeout=3)

    async def _accepted(self, reader, writer):
        try:
            server = await asyncio.wait_for(asyncio.open_connection(*self.upstream), 5)
        except (OSError, asyncio.TimeoutError):
            writer.transport.abort()
            return
        pair = Pair(self, (reader, writer), server)
        self._pairs.add(pair)
        try:
            await pair.run()
        except (OSError, ValueError):
            pass
        finally:
            pair.cut()
            self._pairs.discard(pair)

    # What it does to them

    def lose_replies(self, count=1):
        """Of the next batches that write."""
        with self._lock:
            self._to_lose += count

    def lose_share(self, share):
        """Of all batches that write from now on."""
        with self._lock:
            self._share = share

    def silence(self, seconds):
        """Nothing passes. Returns when it is over."""
        async def keep_silent():
            self._speaks.clear()
            await asyncio.sleep(seconds)
            self._speaks.set()
        asyncio.run_coroutine_threadsafe(keep_silent(), self._loop).result(seconds + 10)

    def cut(self):
        """Returns how many connections there were."""
        async def cut():
            pairs = list(self._pairs)
            for pair in pairs:
                pair.cut()
            return len(pairs)
        count = self._call(cut())
        self.cuts += count
        return count

    # For pairs

    async def until_it_speaks(self):
        await self._speaks.wait()

    def takes_reply(self):
        """Whether the reply of a batch that wrote is lost."""
        with self._lock:
            loses = self._to_lose > 0 or self.chance.random() < self._share
            self._to_lose -= loses and self._to_lose > 0
            self.lost += loses
            self.passed += not loses
            return loses
