"""A TCP proxy that delays, holds, swallows and cuts chosen requests and replies.

    proxy = Proxy(wire.Kafka, ("127.0.0.1", 9092))
    rule = proxy.add(Rule("EndTxn", REPLY, CUT))        # the next one; the broker has done it, nobody is told
    rule.wait_met(10)

It does only what a network can do: on one connection and in one direction nothing overtakes, and after a byte is
lost nothing comes any more. So SILENCE swallows the message and all that follows, and a delay delays what follows
too. LATE is a packet on a lost path: the sender's connection breaks now, its request arrives all the same, later.

All proxies share one thread; rules are added and removed from any.
"""

import asyncio
import random
import socket
import struct
import threading
from collections import Counter

from stack.ports import free_port

REQUEST, REPLY = "request", "reply"
DELAY, HOLD, SILENCE, CUT, LATE = "delay", "hold", "silence", "cut", "late"


class Rule:
    """What happens to messages of these names (a string or several; a name that ends with * is a beginning).

    times: how many it meets (None: no end), after the first skip. client: a part of Kafka's client.id. chance: of
    each message, drawn from a generator of its own. where: asked with the bytes. seconds: of DELAY and LATE.
    """

    def __init__(self, names, direction, action, **more):
        self.names = (names,) if isinstance(names, str) else tuple(names)
        self.direction, self.action = direction, action
        self.times = more.pop("times", 1)
        self.skip = more.pop("skip", 0)
        self.seconds = more.pop("seconds", 0.0)
        self.client = more.pop("client", "")
        self.where = more.pop("where", None)
        self.chance = more.pop("chance", 1.0)
        self._random = random.Random(more.pop("seed", 0))
        assert not more, f"no such parts of a rule: {more}"
        assert direction in (REQUEST, REPLY) and action in (DELAY, HOLD, SILENCE, CUT, LATE)
        assert action != LATE or direction == REQUEST, "a reply that is late is a DELAY"
        self.met = 0
        self.released = threading.Event()
        self._changed = threading.Condition()

    def matches(self, message, direction):
        if direction != self.direction or self.client not in message.client:
            return False
        if not any(
            message.name.startswith(name[:-1]) if name.endswith("*") else message.name == name
            for name in self.names
        ):
            return False
        return self.where is None or self.where(message.data)

    def draw(self):
        """True when this message, which matches, is met."""
        if self.times is not None and self.met >= self.times:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.chance < 1.0 and self._random.random() >= self.chance:
            return False
        with self._changed:
            self.met += 1
            self._changed.notify_all()
        return True

    def wait_met(self, seconds, times=1):
        """Waits until it has met so many; an assertion fails when that takes too long."""
        with self._changed:
            done = self._changed.wait_for(lambda: self.met >= times, seconds)
        assert done, f"{self}: met {self.met} within {seconds} s"

    def release(self):
        """What it holds goes on, and it holds no more."""
        self.times = self.met
        self.released.set()

    def __repr__(self):
        return f"{self.action} {self.direction} {'/'.join(self.names)}"


class _Connection:
    """One client and what it is connected to."""

    def __init__(self, proxy, near, far):
        self.proxy, self.near, self.far = proxy, near, far  # (reader, writer) each
        self.dialect = proxy.dialect()
        self.silent = set()

    @staticmethod
    def reset(end):
        """RST instead of a polite end."""
        sock = end[1].get_extra_info("socket")
        if sock is not None and not end[1].transport.is_closing():
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end[1].transport.abort()

    def cut(self):
        self.reset(self.near)
        self.reset(self.far)

    async def run(self):
        pumps = [
            asyncio.ensure_future(self._pump(REQUEST, self.near, self.far)),
            asyncio.ensure_future(self._pump(REPLY, self.far, self.near)),
        ]
        try:
            done, _ = await asyncio.wait(pumps, return_when=asyncio.FIRST_EXCEPTION)
            troubles = [pump.exception() for pump in done if pump.exception() is not None]
            if troubles:  # one end is gone, or a rule said so: then so is the other
                self.cut()
            # Bytes that are not understood would look like a fault that somebody wanted.
            self.proxy.flaws += [repr(trouble) for trouble in troubles if not isinstance(trouble, OSError)]
        finally:
            for pump in pumps:
                pump.cancel()
            for end in (self.near, self.far):
                end[1].close()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _pump(self, direction, source, sink):
        split = self.dialect.requests if direction == REQUEST else self.dialect.replies
        while data := await source[0].read(65536):
            for message in split(data):
                self.proxy.seen[(direction, message.name)] += 1
                await self._pass(direction, message, sink)
            await sink[1].drain()
        if direction not in self.silent:
            sink[1].write(self.dialect.rest(direction == REPLY))
            if sink[1].can_write_eof():
                sink[1].write_eof()
        elif direction == REQUEST:
            raise ConnectionAbortedError("the client has given up")

    async def _pass(self, direction, message, sink):
        rule = self.proxy.rule_for(message, direction)
        if rule is not None:
            self.proxy.met[repr(rule)] += 1
            if rule.action == CUT:
                raise ConnectionAbortedError("cut by a rule")
            if rule.action == SILENCE:
                self.silent.add(direction)
            elif rule.action == LATE:
                await self._deliver_late(message, rule.seconds)
            elif rule.action == DELAY:
                await asyncio.sleep(rule.seconds)
            else:
                while not rule.released.is_set():
                    await asyncio.sleep(0.02)
        if direction not in self.silent:
            if sink[1].transport.is_closing():
                raise ConnectionAbortedError("nobody is there any more")
            sink[1].write(message.data)

    async def _deliver_late(self, message, seconds):
        self.reset(self.near)
        await asyncio.sleep(seconds)
        self.far[1].write(message.data)
        await self.far[1].drain()
        self.far[1].write_eof()
        await asyncio.sleep(1.0)  # the peer reads it before the connection goes
        raise ConnectionAbortedError("delivered late by a rule")


class _Loop:
    """The thread of all proxies."""

    _lock = threading.Lock()
    _loop = None

    @classmethod
    def get(cls):
        with cls._lock:
            if cls._loop is None:
                cls._loop = asyncio.new_event_loop()
                threading.Thread(target=cls._loop.run_forever, daemon=True, name="proxies").start()
        return cls._loop

    @classmethod
    def run(cls, coroutine, seconds=10):
        return asyncio.run_coroutine_threadsafe(coroutine, cls.get()).result(seconds)


class Proxy:
    """Listens on 127.0.0.1:port from the start; target may come later, and go."""

    def __init__(self, dialect, target, port=None):
        self.dialect, self.target = dialect, target
        self.port = port or free_port()
        self.seen = Counter()  # (direction, name) -> messages
        self.met = Counter()  # rule as text -> messages
        self.flaws = []  # of the proxy itself: bytes that its dialect did not understand
        self._rules = ()
        self._lock = threading.Lock()
        self._connections = set()
        self._server = _Loop.run(self._listen())

    async def _listen(self):
        return await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    # ---- rules

    def add(self, rule):
        with self._lock:
            self._rules += (rule,)
        return rule

    def remove(self, rule):
        """What it holds goes on."""
        with self._lock:
            self._rules = tuple(other for other in self._rules if other is not rule)
        rule.release()

    def clear(self):
        for rule in self._rules:
            self.remove(rule)

    def rule_for(self, message, direction):
        for rule in self._rules:
            if rule.matches(message, direction) and rule.draw():
                return rule
        return None

    # ---- connections

    def cut(self):
        """Every connection breaks; new ones are taken."""

        async def cut_all():
            for connection in list(self._connections):
                connection.cut()

        _Loop.run(cut_all())

    def close(self):
        self.clear()

        async def close():
            self._server.close()
            for connection in list(self._connections):
                connection.cut()

        _Loop.run(close())

    async def _serve(self, reader, writer):
        near = (reader, writer)
        try:
            far = await asyncio.open_connection(*self.target)
        except OSError:
            _Connection.reset(near)
            return
        connection = _Connection(self, near, far)
        self._connections.add(connection)
        try:
            await connection.run()
        finally:
            self._connections.discard(connection)
