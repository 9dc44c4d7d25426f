"""A gateway in front of a whole pipeline, users with tokens, an admin: for the files that import these."""

import uuid

import pytest

from gateway_client import Caller

# Patient, for a machine that has other things to do; one test is not.
LIMITS = {"calls_per_minute": 100000, "generations_per_minute": 100000, "decision_wait_ms": "8s"}
ENDS = ("completed", "failed", "cancelled")


@pytest.fixture(scope="module")
def gateway(rig):
    rig.start("gateway", **LIMITS)
    return rig


@pytest.fixture
def user(gateway):
    """A new user with this many tokens: user(3)."""

    def make(tokens=0):
        name = f"u-{uuid.uuid4().hex[:8]}"
        if tokens:
            gateway.grant_and_wait(name, tokens)
        caller = Caller(gateway.stack.gateway_url(), gateway.stack.token(name))
        caller.name = name
        return caller

    return make


@pytest.fixture(scope="module")
def admin(gateway):
    return Caller(gateway.stack.gateway_url(), gateway.stack.token("root", "admin"))


def told(events, generation):
    """The words of a stream about one generation, but for its progress, of which there may be any number."""
    about = [data for _, name, data in events if name == "generation" and data["id"] == generation]
    return [data["type"] for data in about if data["type"] != "progressed"]


def amounts(caller):
    body = caller.get("/v1/balance").json()
    return tuple(body[part] for part in ("granted", "available", "reserved", "spent"))
