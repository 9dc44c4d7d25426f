"""Talks to a gateway as a program elsewhere does: HTTP with a bearer token, and event streams."""

import http.client
import json
import socket
import ssl
import threading
import time
import uuid

import requests


class Caller:
    """One user's calls. Every answer is held to the API's promises about answers."""

    def __init__(self, url, token, certificate=None):
        """certificate: a file, for https:// with one of our own."""
        self.url, self.token, self.session = url, token, requests.Session()
        self.session.trust_env = False  # no proxy, and no other authority, of whoever runs the tests
        if certificate is not None:
            self.session.verify = certificate

    def call(self, method, path, body=None, *, key=None, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        if key is not None:
            headers["Idempotency-Key"] = key
        answer = self.session.request(
            method, self.url + path, json=body, headers=headers, timeout=20, allow_redirects=False
        )
        if self.url.startswith("https") and answer.status_code in (502, 504):
            return answer  # nginx's own: nobody is behind it at the moment
        if path.startswith("/v1/"):
            assert answer.headers["Cache-Control"] == "no-store" and answer.headers["X-Request-Id"]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
        if answer.status_code >= 400:
            problem(answer)
        return answer

    def get(self, path, **headers):
        return self.call("GET", path, **headers)

    def post(self, path, body, *, key=None, **headers):
        return self.call("POST", path, body, key=key, **headers)

    def generate(self, prompt="A paper boat", key=None, **fields):
        return self.post("/v1/generations", {"prompt": prompt, **fields}, key=key or str(uuid.uuid4()))

    def until(self, path, condition, seconds=20):
        """The body of a GET once condition(body) is true."""
        limit = time.monotonic() + seconds
        while True:
            body = self.get(path).json()
            if condition(body):
                return body
            assert time.monotonic() < limit, f"{path}: {body}"
            time.sleep(0.1)


def problem(answer):
    """The body of an error: RFC 9457 with the product's code."""
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    body = answer.json()
    assert body["status"] == answer.status_code and body["title"] and body["detail"]
    assert body["type"] == "/problems/" + body["code"] and body["instance"] == answer.headers["X-Request-Id"]
    if answer.status_code in (429, 503):
        assert int(answer.headers["Retry-After"]) >= 1
    return body


class Stream:
    """Reads an event stream in a thread: (id, event, data) in .events; connects again where it was when it
    ends."""

    def __init__(self, url, token, last_id=None, certificate=None):
        self.address, self.token, self.last_id = url.partition("://")[2], token, last_id
        self._context = ssl.create_default_context(cafile=certificate) if url.startswith("https") else None
        self.events, self.connections, self._stop, self._connection = [], 0, False, None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self):
        self._stop = True
        if (connection := self._connection) is not None and connection.sock is not None:
            connection.sock.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        assert not self._thread.is_alive()

    def _run(self):
        while not self._stop:
            try:
                self._read()
            except (OSError, http.client.HTTPException):
                time.sleep(0.1)  # it is away: try again

    def _read(self):
        self._connection = (
            http.client.HTTPSConnection(self.address, timeout=30, context=self._context)
            if self._context
            else http.client.HTTPConnection(self.address, timeout=30)
        )
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "text/event-stream"}
        if self.last_id is not None:
            headers["Last-Event-ID"] = self.last_id
        self._connection.request("GET", "/v1/events", headers=headers)
        answer = self._connection.getresponse()
        if self._context and answer.status in (502, 504):  # a proxy's: nobody is behind it at the moment
            raise http.client.HTTPException(answer.reason)
        assert answer.status == 200 and answer.headers["Content-Type"] == "text/event-stream"
        self.connections += 1
        fields = {}
        while not self._stop and (line := answer.readline()):
            self._line(line.decode().rstrip("\n"), fields)

    def _line(self, line, fields):
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
            return
        if "data" in fields:
            self.last_id = fields["id"]
            self.events.append((fields["id"], fields["event"], json.loads(fields["data"])))
        fields.clear()

    def wait(self, condition, seconds=20):
        """What condition(events) says once that is true."""
        limit = time.monotonic() + seconds
        while not (found := condition(self.events)):
            assert time.monotonic() < limit, self.events
            time.sleep(0.05)
        return found


def raw(url, request, seconds=3):
    """Sends bytes as they are and returns everything that comes back until the server closes or is quiet."""
    host, port = url.removeprefix("http://").split(":")
    answer = b""
    with socket.create_connection((host, int(port)), timeout=seconds) as connection:
        connection.sendall(request)
        connection.settimeout(seconds)
        try:
            while piece := connection.recv(65536):
                answer += piece
        except TimeoutError:
            answer += b"<still open>"
        except ConnectionResetError:
            pass
    return answer
