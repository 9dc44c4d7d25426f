"""Kafka away while the gateway serves: 503 where it is needed, all else goes on, and it recovers by itself. Has a broker of
its own, since it ends it."""

import os
import shutil
import uuid

import pytest

from gateway_client import Caller, Stream
from places import ROOT, TEST_DATA, bin_dir
from rig import Rig
from stack import kafka
from stack.process import wait_until


@pytest.fixture
def own():
    """(a rig on a broker of its own, the broker's folder, the broker)."""
    directory = os.path.join(TEST_DATA, f"gateway-away-{os.getpid()}")
    libs = os.path.join(ROOT, "build", "kafka", "libs")
    brokers = [kafka.start(os.path.join(directory, "kafka"), libs)]
    rig = None

    def again():
        brokers.append(kafka.start(os.path.join(directory, "kafka"), libs, port=brokers[0].more["port"]))
        kafka.wait(brokers[-1])

    try:
        kafka.wait(brokers[0])
        address = f"127.0.0.1:{brokers[0].more['port']}"
        rig = Rig(os.path.join(directory, "rig"), bin_dir=bin_dir(), kafka=address, prefix="away.", sandbox={})
        yield rig, brokers[0], again
    finally:
        if rig is not None:
            rig.close()
        for broker in brokers:
            broker.kill()
        shutil.rmtree(directory, ignore_errors=True)


def test_kafka_away_is_503_and_then_over(own):
    rig, broker, again = own
    rig.start("admission")
    rig.start("ledger")
    rig.start("gateway", decision_wait_ms="8s")
    rig.grant_and_wait("ada", 3)
    caller = Caller(rig.stack.gateway_url(), rig.stack.token("ada"))
    admin = Caller(caller.url, rig.stack.token("root", "admin"))
    stream = Stream(caller.url, caller.token)
    before = caller.generate(key="before")
    assert before.status_code == 202
    stream.wait(lambda events: [data for _, _, data in events if data.get("type") == "accepted"])

    broker.kill()
    key = str(uuid.uuid4())
    wait_until(lambda: not rig.ready("gateway-0")[0], 30, "it notices")
    for answer in (caller.generate("Not now", key=key), admin.post(
        "/v1/admin/grants", {"userId": "ada", "amount": 1, "reason": "later"}, key=key
    )):  # fmt: skip
        assert answer.status_code == 503 and answer.json()["code"] == "processing_error"
        assert int(answer.headers["Retry-After"]) >= 1
    assert caller.get("/v1/balance").json()["available"] == 2, "Redis has it"
    assert caller.get(before.headers["Location"]).json()["status"] == "accepted"
    assert [item["kind"] for item in caller.get("/v1/transactions").json()["items"]] == ["reserve", "grant"]
    parts = {part["name"]: part["ok"] for part in admin.get("/v1/admin/health").json()["parts"]}
    assert not parts["kafka"] and parts["redis"]

    again()
    wait_until(lambda: rig.ready("gateway-0")[0], 60, "ready again")
    wait_until(lambda: caller.generate("Now", key=key).status_code == 202, 60, "the same key goes through")
    wait_until(lambda: caller.get("/v1/balance").json()["available"] == 1, 30, "it was reserved once")
    assert len(caller.get("/v1/generations").json()["items"]) == 2
    stream.wait(lambda events: [data for _, name, data in events if data.get("type") == "accepted"][1:], 30)
    stream.close()
    assert stream.connections == 1, "the stream was never cut"
