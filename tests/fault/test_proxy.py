"""The proxy itself: it finds each message wherever the bytes are cut, passes everything on unchanged when no rule
says otherwise, and does to a chosen one what the rule says, to no other.
"""

import os
import socket
import struct
import threading
import time
import urllib.error
import urllib.request

import pytest
import redis as redis_client
from redis.backoff import NoBackoff
from redis.retry import Retry

import wire
from places import TEST_DATA
from proxy import CUT, DELAY, HOLD, LATE, REPLY, REQUEST, SILENCE, Proxy, Rule
from stack import redis

# ---- where messages begin and end


def kafka_request(key, correlation, client, body=b"body"):
    name = client.encode()
    payload = struct.pack(">hhih", key, 1, correlation, len(name)) + name + body
    return struct.pack(">i", len(payload)) + payload


def kafka_reply(correlation, body=b"done"):
    return struct.pack(">ii", 4 + len(body), correlation) + body


def post(body, *more):
    head = ["POST /v1/text_to_video?x=1 HTTP/1.1", "Host: h", f"Content-Length: {len(body)}", *more]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


CONVERSATIONS = {
    "kafka": (
        wire.Kafka,
        [
            kafka_request(26, 7, "reelgate-admission"),
            kafka_request(99, 8, ""),
            kafka_request(28, 9, "x" * 300),
        ],
        ["EndTxn", "api-99", "TxnOffsetCommit"],
        # Kafka answers in order; that a reply is known by its id alone must not depend on it.
        [kafka_reply(8), kafka_reply(7, b""), kafka_reply(9)],
        ["api-99", "EndTxn", "TxnOffsetCommit"],
    ),
    "redis": (
        wire.Redis,
        [
            b"*1\r\n$4\r\nPING\r\n",
            b"*3\r\n$7\r\nevalsha\r\n$2\r\n\r\n\r\n$0\r\n\r\n",
            b"*2\r\n$4\r\nINFO\r\n$1\r\nx\r\n",
        ]
        * 2,
        ["PING", "EVALSHA", "INFO"] * 2,
        [
            b"+PONG\r\n",
            b"*3\r\n:1\r\n$-1\r\n*2\r\n$3\r\n\r\n1\r\n+a\r\n",
            b"$0\r\n\r\n",
            b"-ERR no\r\n",
            b"*-1\r\n",
            b"*0\r\n",
        ],
        ["PING", "EVALSHA", "INFO"] * 2,
    ),
    "http": (
        wire.Http,
        [
            post(b'{"a":1}\r\n\r\n'),
            b"GET /v1/tasks/1 HTTP/1.1\r\nHost: h\r\n\r\n",
            b"DELETE /v1/tasks/1 HTTP/1.1\r\nHost: h\r\n\r\n",
            b"POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        ],
        ["POST /v1/text_to_video", "GET /v1/tasks/1", "DELETE /v1/tasks/1", "POST /c"],
        [
            b"HTTP/1.1 100 Continue\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\n\r\n0\r\n\r\n0\r\n\r\n",
            b"HTTP/1.1 204 No Content\r\n\r\n",
            b"HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n",
        ],
        [
            "POST /v1/text_to_video",
            "POST /v1/text_to_video",
            "GET /v1/tasks/1",
            "DELETE /v1/tasks/1",
            "POST /c",
        ],
    ),
}


@pytest.mark.parametrize("piece", [1, 2, 7, 100000])
@pytest.mark.parametrize("name", CONVERSATIONS)
def test_messages_are_found_wherever_they_are_cut(name, piece):
    dialect, requests, names, replies, answered = CONVERSATIONS[name]
    talk = dialect()
    for split, sent, called in ((talk.requests, requests, names), (talk.replies, replies, answered)):
        whole = b"".join(sent)
        pieces = [whole[at : at + piece] for at in range(0, len(whole), piece)]
        found = [message for data in pieces for message in split(data)]
        assert [message.data for message in found] == sent
        assert [message.name for message in found] == called
    assert talk.rest(False) == talk.rest(True) == b""


def test_a_kafka_message_tells_its_client():
    talk = wire.Kafka()
    assert [message.client for message in talk.requests(kafka_request(26, 1, "reelgate-poller"))] == [
        "reelgate-poller"
    ]
    assert [message.client for message in talk.replies(kafka_reply(1))] == ["reelgate-poller"]


def test_what_was_cut_short_is_kept():
    talk = wire.Http()
    list(talk.requests(b"GET / HTTP/1.1\r\n\r\n"))
    assert not list(talk.replies(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"))
    assert talk.rest(True).endswith(b"half")
    assert not list(talk.replies(b""))


def test_foreign_bytes_are_told():
    for dialect, data in (
        (wire.Redis, b"GET / HTTP/1.1\r\n"),
        (wire.Http, b"one\r\n\r\n"),
        (wire.Kafka, b"\0\0\0\1x"),
    ):
        with pytest.raises(wire.WireError):
            list(dialect().requests(data))


# ---- in front of a real Redis


@pytest.fixture(scope="module")
def server():
    directory = os.path.join(TEST_DATA, f"proxy-redis-{os.getpid()}")
    process = redis.start(directory)
    redis.wait(process)
    yield process.more["port"]
    process.kill()


@pytest.fixture
def proxy(server):
    made = Proxy(wire.Redis, ("127.0.0.1", server))
    yield made
    made.close()
    assert made.flaws == []


def client(proxy, seconds=5):
    return redis_client.Redis(port=proxy.port, socket_timeout=seconds, retry=Retry(NoBackoff(), 0))


def test_everything_goes_through(proxy):
    talk = client(proxy)
    value = os.urandom(3_000_000)
    assert talk.set("large", value) and talk.get("large") == value
    with talk.pipeline(transaction=False) as pipeline:
        for number in range(2000):
            pipeline.incr("count" + str(number % 7))
        assert len(pipeline.execute()) == 2000
    assert proxy.seen[(REQUEST, "INCRBY")] == proxy.seen[(REPLY, "INCRBY")] == 2000


def test_a_reply_is_cut_and_only_that(proxy):
    direct = client(proxy)
    direct.set("n", 0)
    rule = proxy.add(Rule("INCRBY", REPLY, CUT))
    with pytest.raises(redis_client.ConnectionError):
        client(proxy).incr("n")
    assert rule.met == 1 and direct.get("n") == b"1", "the command was not carried out"
    assert client(proxy).incr("n") == 2


def test_a_request_is_cut_before_it_arrives(proxy):
    client(proxy).set("m", 0)
    proxy.add(Rule("INCRBY", REQUEST, CUT))
    with pytest.raises(redis_client.ConnectionError):
        client(proxy).incr("m")
    assert client(proxy).get("m") == b"0"


def test_silence_swallows_all_that_follows(proxy):
    client(proxy).set("s", 0)
    talk = client(proxy, seconds=0.3)
    proxy.add(Rule("INCRBY", REPLY, SILENCE))
    with pytest.raises(redis_client.TimeoutError):
        talk.incr("s")
    assert client(proxy).get("s") == b"1"


def test_delay_and_hold(proxy):
    proxy.add(Rule("PING", REQUEST, DELAY, seconds=0.4))
    began = time.monotonic()
    assert client(proxy).ping() and time.monotonic() - began >= 0.4
    rule = proxy.add(Rule("PING", REPLY, HOLD))
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(client(proxy).ping()))
    waiting.start()
    rule.wait_met(5)
    time.sleep(0.2)
    assert answers == []
    assert client(proxy).ping(), "another connection waits, too"
    rule.release()
    waiting.join(5)
    assert answers == [True]


def test_a_late_request_arrives_after_its_sender_has_gone(proxy):
    client(proxy).set("l", 0)
    proxy.add(Rule("INCRBY", REQUEST, LATE, seconds=0.4))
    with pytest.raises(redis_client.ConnectionError):
        client(proxy).incr("l")
    assert client(proxy).get("l") == b"0"
    limit = time.monotonic() + 5
    while client(proxy).get("l") != b"1":
        assert time.monotonic() < limit, "it never arrived"
        time.sleep(0.05)


def test_times_skip_where_and_chance(proxy):
    proxy.add(Rule("SET", REQUEST, CUT, skip=1, times=1, where=lambda data: b"hit" in data))
    talk = client(proxy)
    assert talk.set("miss", 1) and talk.set("hit", 1)
    with pytest.raises(redis_client.ConnectionError):
        talk.set("hit", 2)
    assert client(proxy).set("hit", 3)
    half = proxy.add(Rule("ECHO", REQUEST, DELAY, chance=0.5, times=None, seed=1))
    for _ in range(100):
        talk.echo("x")
    assert 20 < half.met < 80
    proxy.remove(half)
    met = half.met
    talk.echo("x")
    assert half.met == met


def test_all_connections_cut_and_new_ones_taken(proxy):
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as talk:
        talk.sendall(b"*1\r\n$4\r\nPING\r\n")
        assert talk.recv(100) == b"+PONG\r\n"
        proxy.cut()
        with pytest.raises(ConnectionResetError):
            talk.recv(100)
    assert client(proxy).ping()


def test_a_target_that_is_not_there(proxy):
    proxy.target = ("127.0.0.1", 1)
    with pytest.raises(redis_client.ConnectionError):
        client(proxy).ping()


# ---- in front of something that answers HTTP badly


def test_a_truncated_answer_stays_truncated():
    listener = socket.create_server(("127.0.0.1", 0))

    def answer():
        connection, _ = listener.accept()
        connection.recv(10000)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")
        connection.close()

    threading.Thread(target=answer, daemon=True).start()
    proxy = Proxy(wire.Http, listener.getsockname())
    with urllib.request.urlopen(f"http://{proxy.address}/x", timeout=5) as reply:
        with pytest.raises(Exception, match="IncompleteRead"):
            reply.read()
    proxy.close()
    listener.close()
    assert proxy.flaws == []
