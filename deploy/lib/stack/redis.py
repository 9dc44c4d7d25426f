"""redis-server as the design wants it: every write in the append-only file before it is answered, nothing
evicted."""

import os
import socket

from .ports import free_port
from .process import spawn, wait_until


def start(directory, *, port=None, tied=True, options=None):
    """options: more of redis-server's, name -> value ("min-replicas-to-write": 1)."""
    os.makedirs(directory, exist_ok=True)
    port = port or free_port()
    argv = [
        "redis-server",
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--dir",
        directory,
        "--daemonize",
        "no",
        "--appendonly",
        "yes",
        "--appendfsync",
        "always",
        "--save",
        "",
        "--maxmemory-policy",
        "noeviction",
    ]
    for name, value in (options or {}).items():
        argv += ["--" + name, str(value)]
    return spawn(argv, log=os.path.join(directory, "redis.log"), cwd=directory, tied=tied, port=port)


def wait(process, seconds=30):
    wait_until(lambda: command(process.more["port"], "PING") == b"+PONG", seconds, "Redis", process)


def command(port, *words):
    """One command whose answer is one line; None while there is no answer."""
    request = b"*%d\r\n" % len(words) + b"".join(
        b"$%d\r\n%s\r\n" % (len(word), word.encode()) for word in words
    )
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(request)
            return connection.makefile("rb").readline().rstrip(b"\r\n") or None
    except OSError:
        return None
