"""Where messages begin and end on a connection, and what each is called: enough of Kafka, Redis and HTTP to choose
some.

A dialect is made for each connection. requests(data) and replies(data) take bytes as they come and give the
messages that are whole now; what a reply answers is known from the requests before it. rest(reply) gives what came
after the last whole message: bytes of one that was cut short.
"""

import struct
from collections import deque
from dataclasses import dataclass


@dataclass
class Message:
    """As it is on the wire. name: "EndTxn", "EVALSHA", "POST /v1/text_to_video"; client: Kafka's client.id."""

    name: str
    data: bytes
    client: str = ""


class WireError(Exception):
    """Bytes that this dialect does not have."""


# The rest are told by their number: "api-42".
KAFKA_NAMES = {
    0: "Produce",
    1: "Fetch",
    2: "ListOffsets",
    3: "Metadata",
    8: "OffsetCommit",
    9: "OffsetFetch",
    10: "FindCoordinator",
    11: "JoinGroup",
    12: "Heartbeat",
    13: "LeaveGroup",
    14: "SyncGroup",
    18: "ApiVersions",
    22: "InitProducerId",
    24: "AddPartitionsToTxn",
    25: "AddOffsetsToTxn",
    26: "EndTxn",
    28: "TxnOffsetCommit",
}


class Kafka:
    """Length-prefixed frames; a reply carries the correlation id of its request."""

    def __init__(self):
        self._in, self._out = bytearray(), bytearray()
        self._asked = {}  # correlation id -> (name, client)

    @staticmethod
    def _frames(buffer):
        while len(buffer) >= 4:
            size = 4 + int.from_bytes(buffer[:4], "big")
            if len(buffer) < size:
                return
            frame = bytes(buffer[:size])
            del buffer[:size]
            yield frame

    def requests(self, data):
        self._in += data
        for frame in self._frames(self._in):
            if len(frame) < 14:
                raise WireError(f"a request of {len(frame)} bytes")
            key, _version, correlation, length = struct.unpack_from(">hhih", frame, 4)
            client = frame[14 : 14 + length].decode("utf-8", "replace") if length > 0 else ""
            name = KAFKA_NAMES.get(key, f"api-{key}")
            self._asked[correlation] = (name, client)
            yield Message(name, frame, client)

    def replies(self, data):
        self._out += data
        for frame in self._frames(self._out):
            if len(frame) < 8:
                raise WireError(f"a reply of {len(frame)} bytes")
            name, client = self._asked.pop(int.from_bytes(frame[4:8], "big", signed=True), ("unknown", ""))
            yield Message(name, frame, client)

    def rest(self, reply):
        return bytes(self._out if reply else self._in)


class Redis:
    """RESP2: commands are arrays of bulk strings, replies come in their order."""

    def __init__(self):
        self._in, self._out = bytearray(), bytearray()
        self._asked = deque()

    @classmethod
    def _end(cls, buffer, start):
        """Where the value that begins at start ends; None: it is not whole yet."""
        line = buffer.find(b"\r\n", start)
        if line < 0:
            return None
        kind, text = buffer[start : start + 1], bytes(buffer[start + 1 : line])
        if kind in b"+-:":
            return line + 2
        if kind not in b"$*" or not text.lstrip(b"-").isdigit():
            raise WireError(f"{bytes(buffer[start:start + 20])!r} begins no value")
        length = int(text)
        if kind == b"$":
            end = line + 2 + (length + 2 if length >= 0 else 0)
            return end if len(buffer) >= end else None
        end = line + 2
        for _ in range(max(length, 0)):
            end = cls._end(buffer, end)
            if end is None:
                return None
        return end

    @classmethod
    def _values(cls, buffer):
        start = 0
        try:
            while start < len(buffer) and (end := cls._end(buffer, start)) is not None:
                yield bytes(buffer[start:end])
                start = end
        finally:
            del buffer[:start]

    def requests(self, data):
        self._in += data
        for command in self._values(self._in):
            word = command.split(b"\r\n", 3)
            if len(word) < 4:
                raise WireError(f"{command[:20]!r} is no command")
            name = word[2].decode("latin-1").upper()
            self._asked.append(name)
            yield Message(name, command)

    def replies(self, data):
        self._out += data
        for reply in self._values(self._out):
            yield Message(self._asked.popleft() if self._asked else "unknown", reply)

    def rest(self, reply):
        return bytes(self._out if reply else self._in)


class Http:
    """HTTP/1.1, one call after the other on a connection."""

    def __init__(self):
        self._in, self._out = bytearray(), bytearray()
        self._asked = deque()

    @staticmethod
    def _head(buffer):
        """(bytes up to the body, first line, headers by lower-case name), or None."""
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        first, *lines = bytes(buffer[:end]).decode("latin-1").split("\r\n")
        headers = {
            name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
        }
        return end + 4, first, headers

    @staticmethod
    def _chunked_end(buffer, start):
        while (line := buffer.find(b"\r\n", start)) >= 0:
            try:
                size = int(bytes(buffer[start:line]).split(b";")[0], 16)
            except ValueError:
                raise WireError(f"{bytes(buffer[start:line])[:20]!r} is no chunk size") from None
            start = line + 2 + size + 2
            if len(buffer) < start:
                return None
            if size == 0:
                return start
        return None

    def _end(self, buffer, start, headers, bodiless):
        """Where the message ends; None: not there yet; inf: only where the connection ends."""
        if bodiless:
            return start
        if "chunked" in headers.get("transfer-encoding", "").lower():
            return self._chunked_end(buffer, start)
        if "content-length" in headers:
            end = start + int(headers["content-length"])
            return end if len(buffer) >= end else None
        return None if buffer is self._out else start

    def requests(self, data):
        self._in += data
        while head := self._head(self._in):
            start, first, headers = head
            words = first.split(" ")
            if len(words) != 3:
                raise WireError(f"{first[:40]!r} is no request line")
            end = self._end(self._in, start, headers, False)
            if end is None:
                return
            name = f"{words[0]} {words[1].partition('?')[0]}"
            message = Message(name, bytes(self._in[:end]))
            del self._in[:end]
            self._asked.append(name)
            yield message

    def replies(self, data):
        self._out += data
        while head := self._head(self._out):
            start, first, headers = head
            status = int(first.split(" ")[1])
            name = self._asked[0] if self._asked else "unknown"
            bodiless = status < 200 or status in (204, 304) or name.startswith("HEAD ")
            end = self._end(self._out, start, headers, bodiless)
            if end is None:
                return
            message = Message(name, bytes(self._out[:end]))
            del self._out[:end]
            if status >= 200 and self._asked:
                self._asked.popleft()
            yield message

    def rest(self, reply):
        return bytes(self._out if reply else self._in)
