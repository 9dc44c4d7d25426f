"""The gateway's edge: bytes that are no request, tokens that are not ours, other origins, nginx and TLS in front, and
whatever else the OpenAPI document allows."""

import base64
import hashlib
import hmac
import json
import os
import re
import signal
import subprocess
import sys
import time

import jwt
import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway_client import Caller, Stream, raw
from gateway_fixtures import LIMITS, admin, amounts, gateway, told, user  # noqa: F401
from nginx import Nginx
from places import ROOT, bin_dir
from stack import programs
from stack.ports import free_port
from stack.process import wait_until

# ---- malformed HTTP: nothing is smuggled past us

AFTER = b"GET /openapi.yaml HTTP/1.1\r\nHost: x\r\n\r\n"
HEAD = b"POST /v1/quotes HTTP/1.1\r\nHost: x\r\n"

# What two readers may understand differently, or nobody at all. Each is followed by AFTER, which must not be answered.
MALFORMED = {
    "two lengths": HEAD + b"Content-Length: 2\r\nContent-Length: 50\r\n\r\n{}",
    "two equal lengths": HEAD + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "a list of lengths": HEAD + b"Content-Length: 2, 2\r\n\r\n{}",
    "length and chunked": HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked and length": HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "length in HTTP/1.0 beside chunked": b"POST /v1/quotes HTTP/1.0\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "a length with a sign": HEAD + b"Content-Length: +5\r\n\r\nhello",
    "a negative length": HEAD + b"Content-Length: -1\r\n\r\n",
    "a length in hexadecimal": HEAD + b"Content-Length: 0x5\r\n\r\nhello",
    "an empty length": HEAD + b"Content-Length:\r\n\r\n",
    "a length past 2^64": HEAD + b"Content-Length: 18446744073709551617\r\n\r\n{",
    "a length over two lines": HEAD + b"Content-Length: 2\r\n 0\r\n\r\n{}",
    "an encoding over two lines": HEAD + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "a space before the colon": HEAD + b"Content-Length : 5\r\n\r\nhello",
    "a space before the name": b"GET /v1/me HTTP/1.1\r\n Host: x\r\nHost: x\r\n\r\n",
    "another encoding": HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "two encodings": HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "an encoding behind a vertical tab": HEAD + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "chunked": HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "chunked, size with a sign": HEAD + b"Transfer-Encoding: chunked\r\n\r\n+2\r\n{}\r\n0\r\n\r\n",
    "chunked, size past 2^64": HEAD + b"Transfer-Encoding: chunked\r\n\r\n10000000000000002\r\n{}\r\n0\r\n\r\n",
    "chunked, lines without CR": HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\n{}\n0\n\n",
    "chunked, an extension with a line end": HEAD + b"Transfer-Encoding: chunked\r\n\r\n2;\n{}\r\n0\r\n\r\n",
    "two hosts": b"GET /v1/me HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    "no host": b"GET /v1/me HTTP/1.1\r\n\r\n",
    "two hosts in one": b"GET /v1/me HTTP/1.1\r\nHost: x, y\r\n\r\n",
    "a host with a path": b"GET /v1/me HTTP/1.1\r\nHost: x/y\r\n\r\n",
    "two tokens": b"GET /v1/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n",
    "two keys": HEAD + b"Idempotency-Key: a\r\nIdempotency-Key: b\r\nContent-Length: 2\r\n\r\n{}",
    "lines without CR": b"GET /v1/me HTTP/1.1\nHost: x\n\n",
    "one line without CR": b"GET /v1/me HTTP/1.1\r\nHost: x\nX: y\r\n\r\n",
    "a header behind a bare CR": b"GET /v1/me HTTP/1.1\r\nHost: x\r\nX: y\rContent-Length: 5\r\n\r\n",
    "a NUL in a header": b"GET /v1/me HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n",
    "a header without a colon": b"GET /v1/me HTTP/1.1\r\nHost: x\r\nX\r\n\r\n",
    "a method that is no word": b"G{T /v1/me HTTP/1.1\r\nHost: x\r\n\r\n",
    "a space in the address": b"GET /v1/me /x HTTP/1.1\r\nHost: x\r\n\r\n",
    "HTTP/0.9": b"GET /v1/me\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "an endless address": b"GET /" + b"a" * 40000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "endless headers": b"GET /v1/me HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 8000 + b"\r\n",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_malformed_is_refused_and_nothing_is_smuggled(gateway, name):
    answer = raw(gateway.stack.gateway_url(), MALFORMED[name] + AFTER, seconds=5)
    # libmicrohttpd's own refusals may carry their status line twice; what counts is that there is no other
    codes = set(re.findall(rb"HTTP/1\.1 (\d+) ", answer))
    assert codes <= {b"400", b"411", b"413", b"414", b"431", b"505"} and len(codes) <= 1, answer
    assert b"openapi: 3.1.0" not in answer and b"<still open>" not in answer


# Unusual, but one thing to everybody: answered, and so is what follows.
FINE = {
    "an empty line before": (b"\r\nGET /v1/me HTTP/1.1\r\nHost: x\r\n\r\n", b"401"),
    "an empty host": (b"GET /v1/me HTTP/1.1\r\nHost:\r\n\r\n", b"401"),
    "a body that nobody wants": (b"GET /v1/me HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", b"401"),
    "a header without a name": (b"GET /v1/me HTTP/1.1\r\nHost: x\r\n: x\r\n\r\n", b"401"),
    "an upgrade": (b"GET /v1/me HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", b"401"),
    "TRACE": (b"TRACE /v1/me HTTP/1.1\r\nHost: x\r\n\r\n", b"405"),
    "CONNECT": (b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", b"404"),
    "another's address": (b"GET http://elsewhere/v1/me HTTP/1.1\r\nHost: x\r\n\r\n", b"404"),
    "dots": (b"GET /v1/../v1/me HTTP/1.1\r\nHost: x\r\n\r\n", b"404"),
    "an escaped slash": (b"GET /v1%2fme HTTP/1.1\r\nHost: x\r\n\r\n", b"404"),
}


@pytest.mark.parametrize("name", FINE)
def test_what_is_unusual_is_one_request(gateway, name):
    request, status = FINE[name]
    last = AFTER.replace(b"Host: x\r\n", b"Host: x\r\nConnection: close\r\n")
    answer = raw(gateway.stack.gateway_url(), request + last, seconds=5)
    codes = re.findall(rb"HTTP/1\.1 (\d+) ", answer)
    assert codes == [status, b"200"] and answer.count(b"openapi: 3.1.0") == 1


def test_refusals_are_problems_where_we_make_them(gateway):
    answer = raw(gateway.stack.gateway_url(), MALFORMED["two lengths"])
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"Content-Type: application/problem+json" in head and b"Connection: close" in head
    assert json.loads(body)["code"] == "bad_request" and json.loads(body)["detail"] == "more than one Content-Length header"


# ---- whose tokens are taken


@pytest.fixture
def signed(gateway, tmp_path):
    """signed(jwk set) -> (its process, its URL, a writer of the set, which is read again): a gateway that takes tokens
    of these keys."""
    made = []

    def start(keys):
        path = tmp_path / "jwks.json"
        path.write_text(json.dumps({"keys": keys}))
        port = free_port()
        settings = {**gateway.stack.settings_of("gateway", 7), "address": f"127.0.0.1:{port}", "jwt_keys": path}
        process = programs.start(
            programs.binary(bin_dir(), "reelgate-gateway"),
            settings,
            log=gateway.stack.path("log", f"signed-{len(made)}.log"),
            secrets={"REELGATE_JWT_SECRET": ""},
        )
        made.append(process)
        programs.listening(process, "the gateway", "gateway_listening")

        def again(text, fact):
            before = len(programs.facts(process, fact))
            path.write_text(text)
            process.signal(signal.SIGHUP)
            wait_until(lambda: len(programs.facts(process, fact)) > before, 20, fact, process)

        return f"http://127.0.0.1:{port}", again

    yield start
    for process in made:
        process.stop(20)


def claims(user, **more):
    return {"sub": user, "exp": int(time.time()) + 600, **more}


def jwk(key, kid):
    made = jwt.algorithms.get_default_algorithms()["EdDSA" if isinstance(key, Ed25519PrivateKey) else "RS256"]
    return {**json.loads(made.to_jwk(key.public_key())), "kid": kid, "use": "sig"}


def status_with(url, token):
    return Caller(url, token).get("/v1/me").status_code


def test_keys_are_rotated_without_signing_anybody_out(signed):
    old, new = rsa.generate_private_key(65537, 2048), Ed25519PrivateKey.generate()
    of_old = jwt.encode(claims("ada"), old, algorithm="RS256", headers={"kid": "2025"})
    of_new = jwt.encode(claims("ada", role="admin"), new, algorithm="EdDSA", headers={"kid": "2026"})
    url, again = signed([jwk(old, "2025")])
    assert (status_with(url, of_old), status_with(url, of_new)) == (200, 401)
    again(json.dumps({"keys": [jwk(old, "2025"), jwk(new, "2026")]}), "jwt_keys_read")
    assert (status_with(url, of_old), status_with(url, of_new)) == (200, 200)
    assert Caller(url, of_new).get("/v1/me").json()["role"] == "admin"
    again('{"keys": [', "jwt_keys_refused")
    assert (status_with(url, of_old), status_with(url, of_new)) == (200, 200), "a half written file changes nothing"
    again(json.dumps({"keys": [jwk(new, "2026")]}), "jwt_keys_read")
    assert (status_with(url, of_old), status_with(url, of_new)) == (401, 200)


def test_an_algorithm_is_never_the_tokens_choice(signed):
    key = rsa.generate_private_key(65537, 2048)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    url, _ = signed([jwk(key, "k")])
    assert status_with(url, jwt.encode(claims("ada"), key, algorithm="RS256")) == 200, "without a kid: any of our keys"

    def part(value):
        return base64.urlsafe_b64encode(value).rstrip(b"=")

    def forged(algorithm, secret):
        head = part(json.dumps({"alg": algorithm, "kid": "k"}).encode()) + b"." + part(json.dumps(claims("ada")).encode())
        mac = hmac.new(secret, head, hashlib.sha256).digest() if secret else b""
        return (head + b"." + part(mac)).decode()

    assert status_with(url, forged("HS256", public)) == 401
    assert status_with(url, forged("none", b"")) == 401
    assert status_with(url, forged("None", b"")) == 401
    assert status_with(url, jwt.encode(claims("ada"), key, algorithm="RS512", headers={"kid": "k"})) == 401
    assert status_with(url, jwt.encode(claims("ada"), key, algorithm="RS256", headers={"kid": "other"})) == 401
    stranger = rsa.generate_private_key(65537, 2048)
    assert status_with(url, jwt.encode(claims("ada"), stranger, algorithm="RS256", headers={"kid": "k"})) == 401
    assert status_with(url, jwt.encode({"sub": "ada"}, key, algorithm="RS256", headers={"kid": "k"})) == 401


def test_the_tools_tokens_are_taken_with_issuer_and_audience(gateway):
    who = {"jwt_issuer": "https://id.example.com", "jwt_audience": "reelgate"}
    gateway.start("gateway", 3, **who)
    try:
        url = gateway.stack.gateway_url(3)
        assert status_with(url, gateway.stack.token("ada")) == 401
        made = gateway.reelgate("token", "ada", "--role=support", *[f"--{n.replace('_', '-')}={v}" for n, v in who.items()])
        assert made.returncode == 0, made.stderr
        assert Caller(url, made.stdout.strip()).get("/v1/me").json()["role"] == "support"
    finally:
        gateway.stack.stop(["gateway-3"], 20)


@pytest.mark.parametrize("token", [None, "", "x", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEiLCJleHAiOjk5OTk5OTk5OTl9."])
def test_a_token_is_needed(gateway, token):
    answer = Caller(gateway.stack.gateway_url(), token).get("/v1/balance")
    assert answer.status_code == 401 and answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_roles(gateway, user, admin):
    support = Caller(gateway.stack.gateway_url(), gateway.stack.token("helper", "support"))
    grant = {"userId": "x", "amount": 1, "reason": "none"}
    assert user().get("/v1/admin/users").status_code == 403
    assert support.get("/v1/admin/users").status_code == 200
    assert support.post("/v1/admin/grants", grant, key="k").status_code == 403
    assert support.generate().status_code == 403
    assert admin.get("/v1/admin/users").status_code == 200
    assert admin.get("/v1/admin").status_code == 404
    answer = admin.call("PUT", "/v1/balance")
    assert answer.status_code == 405 and answer.headers["Allow"] == "GET"


def routes():
    """Every route of the OpenAPI document: (method, path)."""
    with open(os.path.join(ROOT, "proto", "openapi.yaml"), encoding="utf-8") as file:
        paths = yaml.safe_load(file)["paths"]
    found = [(method.upper(), path) for path, row in paths.items() for method in row if method != "parameters"]
    return sorted((method, re.sub(r"{letter}", "0-0", re.sub(r"{(?!letter)\w+}", "x", path))) for method, path in found)


def test_every_route_is_refused_to_whom_it_is_not_for(gateway):
    """Over HTTP, by rule: nobody and strangers nowhere, users not where admins are, support only where it reads."""
    url = gateway.stack.gateway_url()
    nobody, user_, support = (Caller(url, token) for token in (None, gateway.stack.token("u"), gateway.stack.token("s", "support")))
    secret = gateway.stack.jwt_secret()
    stranger = Caller(url, jwt.encode(claims("x", role="owner"), secret, algorithm="HS256"))
    api = [(method, path) for method, path in routes() if path.startswith("/v1/")]
    assert len(api) > 20
    for method, path in api:
        body = {} if method == "POST" else None
        assert nobody.call(method, path, body).status_code == 401, f"{method} {path}"
        assert stranger.call(method, path, body).status_code == 403, f"{method} {path}"
        if path.startswith("/v1/admin/"):
            assert user_.call(method, path, body).status_code == 403, f"{method} {path}"
        if method != "GET" and path != "/v1/quotes":
            assert support.call(method, path, body).status_code == 403, f"{method} {path}"


def test_too_many_calls_are_429(gateway):
    gateway.start("gateway", 2, calls_per_minute=30)
    try:
        caller = Caller(gateway.stack.gateway_url(2), gateway.stack.token("eager"))
        codes = [caller.get("/v1/me").status_code for _ in range(6)]
        assert codes[:3] == [200, 200, 200] and codes[-1] == 429
        assert Caller(caller.url, gateway.stack.token("calm")).get("/v1/me").status_code == 200
    finally:
        gateway.stack.stop(["gateway-2"], 20)


# ---- pages of other origins


def test_no_other_page_may_call_unless_it_is_named(gateway):
    ours, theirs = "https://app.example.com", "https://evil.example.com"
    caller = Caller(gateway.stack.gateway_url(), gateway.stack.token("ada"))
    answers = [caller.get("/v1/me", Origin=ours), caller.call("OPTIONS", "/v1/me", Origin=ours)]
    assert not [name for answer in answers for name in answer.headers if name.lower().startswith("access-control")]
    gateway.start("gateway", 4, cors_origin=ours)
    try:
        caller = Caller(gateway.stack.gateway_url(4), caller.token)
        answer = caller.get("/v1/me", Origin=ours)
        assert answer.headers["Access-Control-Allow-Origin"] == ours and answer.headers["Vary"] == "Origin"
        assert "Access-Control-Allow-Credentials" not in answer.headers
        preflight = caller.call("OPTIONS", "/v1/generations", Origin=ours, Access_Control_Request_Method="POST")
        assert preflight.status_code == 204 and "POST" in preflight.headers["Access-Control-Allow-Methods"]
        assert "Idempotency-Key" in preflight.headers["Access-Control-Allow-Headers"]
        assert "Access-Control-Allow-Origin" not in caller.get("/v1/me", Origin=theirs).headers
    finally:
        gateway.stack.stop(["gateway-4"], 20)


# ---- behind nginx, over TLS


@pytest.fixture
def nginx(gateway):
    gateway.start("gateway", 1, **LIMITS)
    front = Nginx(gateway.stack.path("nginx"), [gateway.stack.gateway_url(0), gateway.stack.gateway_url(1)])
    yield front
    front.close()
    gateway.stack.stop(["gateway-1"], 20)


def patient(call):
    """An answer that is not nginx's own: while an instance goes, it has 502 for some."""
    return wait_until(lambda: (answer := call()).status_code < 500 and answer, 30, "an answer through nginx")


def test_a_stream_through_nginx_loses_and_doubles_nothing(user, gateway, nginx):
    rich = user(8)
    through = Caller(nginx.url, rich.token, nginx.certificate)
    stream = Stream(nginx.url, rich.token, certificate=nginx.certificate)
    stream.wait(lambda events: events)

    def generate(number):
        return patient(lambda: through.generate(f"Number {number}", key=f"key-{number}")).json()["id"]

    made = [generate(0), generate(1)]
    stream.wait(lambda events: [data for _, _, data in events if data.get("type") == "submitted"])
    gateway.stack.find("gateway-0").kill()  # one of two: the other one goes on
    made += [generate(2), generate(3)]
    gateway.start("gateway", 0, **LIMITS)
    gateway.stack.stop(["gateway-1"], 20)  # then the other, in order
    made += [generate(4), generate(5)]
    gateway.stack.find("gateway-0").kill()  # and nobody is there
    made += [gateway.request(f"{rich.name}-{number}", rich.name) for number in range(2)]
    gateway.start("gateway", 0, **LIMITS)

    def ended(events):
        return {data["id"] for _, name, data in events if name == "generation" and data["status"] == "completed"}

    stream.wait(lambda events: ended(events) == set(made), 60)
    stream.wait(lambda events: events[-1][2].get("spent") == 8, 30)
    stream.close()
    assert stream.connections >= 2 and not [name for _, name, _ in stream.events if name == "reset"]
    ids = [event_id for event_id, _, _ in stream.events]
    assert len(ids) == len(set(ids))
    for generation in made:
        assert told(stream.events, generation) == ["accepted", "submitted", "completed"]
    entries = [data["transaction"] for _, name, data in stream.events if "transaction" in data]
    entries = [entry for entry in entries if entry["kind"] != "grant"]  # the view may have heard of it only now
    assert len(entries) == len({entry["id"] for entry in entries}) == 16
    assert amounts(Caller(gateway.stack.gateway_url(), rich.token)) == (8, 0, 0, 8)


def test_nginx_speaks_tls_and_hands_on_what_we_say(user, nginx):
    caller = Caller(nginx.url, user(1).token, nginx.certificate)
    answer = caller.get("/v1/balance")
    assert answer.json()["available"] == 1 and "max-age" in answer.headers["Strict-Transport-Security"]
    assert caller.post("/v1/quotes", {"prompt": "x"}).json()["requiredTokens"] == 1
    chunks = caller.session.post(
        nginx.url + "/v1/quotes",
        data=iter([b'{"prompt":', b'"x"}']),
        headers={"Authorization": f"Bearer {caller.token}", "Content-Type": "application/json"},
        timeout=20,
    )
    assert chunks.json()["requiredTokens"] == 1, "a chunked body reaches us with its length"


# ---- pages


@pytest.mark.parametrize("path, kind", [("/", "text/html"), ("/admin", "text/html"), ("/openapi.yaml", "application/yaml")])
def test_pages_are_served_hardened(gateway, path, kind):
    caller = Caller(gateway.stack.gateway_url(), None)
    answer = caller.get(path)
    assert answer.status_code == 200 and answer.headers["Content-Type"].startswith(kind)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert caller.get(path, If_None_Match=answer.headers["ETag"]).status_code == 304


def test_each_problem_is_explained_where_its_type_leads(gateway, user):
    caller = Caller(gateway.stack.gateway_url(), None)
    for answer in (caller.get("/v1/me"), user().generate()):
        assert answer.json()["code"] in caller.get(answer.json()["type"]).text


# ---- settings and logs


@pytest.mark.parametrize(
    "secret, more, names",
    [
        (None, [], "jwt_secret"),
        ("short", [], "jwt_secret"),
        ("x" * 32, ["--jwt-public-key=/etc/hostname"], "jwt_secret"),
        (None, ["--jwt-public-key=/etc/hostname"], "jwt_public_key"),
        ("x" * 32, ["--address=nowhere"], "nowhere"),
        ("x" * 32, ["--media-sources=https:; script-src *"], "media_sources"),
        ("x" * 32, ["--redis-url=http://x"], "redis_url"),
        ("x" * 32, ["--policy=/nowhere.json"], "policy"),
    ],
)
def test_a_wrong_setting_is_named(gateway, secret, more, names):
    argv = [programs.binary(bin_dir(), "reelgate-gateway"), "--health-address=127.0.0.1:0", "--address=127.0.0.1:0"]
    env = {**os.environ, "REELGATE_JWT_SECRET": secret or ""}
    done = subprocess.run([*argv, *more], env=env, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode in (2, 3) and names in done.stderr, done.stderr
    assert secret is None or secret not in done.stderr


def test_no_token_is_ever_logged(gateway, user):
    rich = user()
    rich.get("/v1/me")
    rich.get(f"/v1/generations?token={rich.token}")
    assert rich.token not in gateway.log_text("gateway-0")
    assert rich.token.split(".")[2] not in gateway.log_text("gateway-0")


# ---- whatever the OpenAPI document allows


def test_every_answer_is_as_the_openapi_document_says(gateway, admin, user):
    """Schemathesis: requests by the document, and against it, with the rights of an admin."""
    user(3).generate()
    done = subprocess.run(
        [os.path.join(os.path.dirname(sys.executable), "st"), "--config-file",
         os.path.join(ROOT, "tests", "system", "schemathesis.toml"), "run",
         gateway.stack.gateway_url() + "/openapi.yaml", "--max-time", "30", "-H", f"Authorization: Bearer {admin.token}"],
        capture_output=True, text=True, timeout=170, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert gateway.stack.find("gateway-0").alive() and "AddressSanitizer" not in gateway.log_text("gateway-0")
