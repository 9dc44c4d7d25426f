"""The README's own snippets, taken from its text and run: what a newcomer copies must work. Only the
topics' prefix is changed."""

import os
import re
import signal
import subprocess
import sys
import threading

import pytest

from stack.process import wait_until

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))


def snippets(language):
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        return re.findall(rf"^```{language}\n(.*?)^```", file.read(), re.S | re.M)


def run(rig, argv, timeout=90):
    env = {**os.environ, "KAFKA_BOOTSTRAP_SERVERS": rig.kafka}
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=timeout, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def one(rig, language, holding):
    found = [text for text in snippets(language) if holding in text]
    assert len(found) == 1, f"{len(found)} {language} snippets hold {holding!r}"
    return (
        found[0]
        .replace("reelgate.requests", rig.prefix + "requests")
        .replace("reelgate.results", rig.prefix + "results")
    )


@pytest.fixture(scope="module")
def funded(rig):
    rig.grant_and_wait("ada", 20)
    return rig


def wait_completed(rig, generation):
    rig.observer.until(lambda: "completed" in rig.observer.types(generation), 60, f"{generation} completed")


def test_kcat_publishes(funded):
    run(funded, ["sh", "-c", one(funded, "sh", "kcat -P")])
    wait_completed(funded, "gen-1")


def test_python_publishes(funded):
    generation = run(funded, [sys.executable, "-c", one(funded, "python", "Producer(")]).strip()
    wait_completed(funded, generation)


def test_java_publishes(funded, tmp_path):
    source = tmp_path / "Publish.java"
    source.write_text(one(funded, "java", "KafkaProducer"))
    libs = os.path.join(ROOT, "build", "kafka", "libs", "*")
    generation = run(funded, ["java", "-cp", libs, str(source)]).strip().splitlines()[-1]
    wait_completed(funded, generation)


def test_python_subscribes(funded):
    funded.request("seen-by-readme", "ada")
    wait_completed(funded, "seen-by-readme")
    said = run(funded, [sys.executable, "-c", one(funded, "python", "Consumer(")])
    assert "reelgate.generation.accepted" in said
    assert "http" in said.strip().splitlines()[-1]


def test_over_http(funded):
    """As it stands: ends by itself never, so it is ended once the stream has told of the video and its price."""
    funded.start("gateway")
    argv, env = funded.stack.reelgate("token")
    env = {**os.environ, **env, "REELGATE": funded.stack.gateway_url(), "no_proxy": "127.0.0.1"}
    env["PATH"] = os.path.dirname(argv[0]) + os.pathsep + env["PATH"]
    with subprocess.Popen(["sh", "-c", one(funded, "sh", "/v1/generations")], env=env, text=True, start_new_session=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as shell:  # fmt: skip
        limit = threading.Timer(90, os.killpg, (shell.pid, signal.SIGKILL))
        limit.start()
        said = ""
        while line := shell.stdout.readline():
            said += line
            if '"kind":"commit"' in line:
                break
        limit.cancel()
        os.killpg(shell.pid, signal.SIGKILL)
    assert '"status":"accepted"' in said and '"type":"completed"' in said and '"kind":"commit"' in said, said


def test_operators_commands(funded):
    for line in one(funded, "sh", "reelgate topics apply").splitlines():
        words = re.findall(r'"[^"]*"|\S+', line.split("#")[0])
        if words[0] != "reelgate":
            continue
        argv, env = funded.stack.reelgate(*[word.strip('"') for word in words[1:]])
        env = {**os.environ, **env, **funded.stack.secrets_of("generator")}      # the operator has Runway's key
        done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=90, stdin=subprocess.DEVNULL, check=False)
        assert done.returncode == 0, f"{line}: {done.stdout} {done.stderr}"
    assert wait_until(lambda: funded.balance("ada")["granted"] >= 120, 10, "the grant of the README")
