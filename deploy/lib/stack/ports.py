"""Free ports on loopback."""

import random
import socket

# Below Linux' range for outgoing connections (32768..60999): a port from there may be taken by somebody's
# outgoing connection between our look and the server's bind.
FIRST, LAST = 20000, 32000


def is_free(port):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a former server's connections in TIME_WAIT don't make the port taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port(avoid=()):
    for _ in range(1000):
        port = random.randint(FIRST, LAST)
        if port not in avoid and is_free(port):
            return port
    raise RuntimeError(f"no free port found on 127.0.0.1 between {FIRST} and {LAST}")


def answers(port, timeout=1.0):
    """True when something accepts connections there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=timeout).close()
    except OSError:
        return False
    return True
