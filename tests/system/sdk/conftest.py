"""A sandbox for the SDK tests. They are collected only when asked for: ./run, or pytest tests/system/sdk."""

import json
import os
import signal
import subprocess
import threading
import urllib.request

import pytest

HERE = os.path.realpath(os.path.dirname(__file__))
ROOT = os.path.realpath(os.path.join(HERE, "..", "..", ".."))
KEY = "key_" + "0123456789abcdef" * 8


def pytest_ignore_collect(collection_path, config):
    """A run of all of tests/system leaves them to the part of the suite that has its own runner."""
    asked = [os.path.realpath(argument.split("::")[0]) for argument in config.args]
    return None if any(path.startswith(HERE) for path in asked) else True


class Sandbox:
    """A process of its own on a free port."""

    def __init__(self, **settings):
        binary = os.path.join(os.environ.get("REELGATE_BIN", os.path.join(ROOT, "build", "sanitize")),
                              "services", "sandbox", "reelgate-sandbox")
        flags = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]
        self.process = subprocess.Popen([binary, "--address=127.0.0.1:0", *flags], stderr=subprocess.PIPE, text=True)
        self.url = f"http://127.0.0.1:{self._port()}"
        # A full pipe would stop the sandbox in the middle of a line.
        self._reader = threading.Thread(target=self.process.stderr.read)
        self._reader.start()

    def _port(self):
        for line in self.process.stderr:
            fact = json.loads(line)
            if fact["msg"] == "sandbox_listening":
                return fact["port"]
        raise AssertionError(f"the sandbox ended with {self.process.wait()}")

    def admin(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(self.url + "/admin/" + path, data=data), timeout=10) as answer:
            return json.load(answer)

    def tasks(self, name):
        """Those whose prompt holds [id:name]."""
        return self.admin(f"tasks?name={name}")["tasks"]

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(10) == 0
        self._reader.join()
        self.process.stderr.close()


@pytest.fixture(scope="module")
def sandbox():
    one = Sandbox(run_ms="300ms", pending_ms="50ms")
    yield one
    one.close()


@pytest.fixture(autouse=True)
def fresh(sandbox):
    sandbox.admin("reset", {})


@pytest.fixture
def key():
    return KEY
