"""One stack for all browser tests, also when several runners share them (pytest -n 2); for each runner one gateway and
one Chromium, which every test finds as if it were new. Users are apart from test to test, so that none sees another's
tokens, and no test touches what the others stand on: who wants Kafka or Redis away cuts off a gateway of its own."""

import contextlib
import itertools
import os
import random
import shutil

import pytest

from brokers import LIBS
from forwarder import Forwarder
from places import TEST_DATA, bin_dir
from rig import Rig
from stack import kafka
from stack.ports import free_port
from browser.web import Browser, Gateway, axe_source, start_workers

_names = itertools.count(1)


@contextlib.contextmanager
def _whole_stack():
    """Kafka, Redis, sandbox and all workers: what another Rig needs to join it. The broker is one of its own, since a
    test wants a way to it that it can cut: who comes by the first port of "behind" is told to come by the second, where
    a Forwarder may listen."""
    name = f"browser-{random.randrange(16 ** 6):06x}"
    directory, ways = os.path.join(TEST_DATA, name), (free_port(), free_port())
    broker = kafka.start(directory + "-kafka", LIBS, behind=ways)
    try:
        kafka.wait(broker)
        place = {"directory": directory, "kafka": f"127.0.0.1:{broker.more['port']}", "prefix": name + "."}
        rig = Rig(**place, bin_dir=bin_dir(), sandbox={})
        try:
            start_workers(rig)
            yield {**place, "behind": ways}
        finally:
            rig.close()
    finally:
        broker.kill()
        shutil.rmtree(directory + "-kafka", ignore_errors=True)


# ---- with xdist: the parent has the stack, and tells its runners where it is


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    if not hasattr(node.config, "shared_stack"):
        axe_source()  # installed once, before two would do it side by side
        node.config.shared_stack = contextlib.ExitStack()
        node.config.stack_place = node.config.shared_stack.enter_context(_whole_stack())
    node.workerinput["stack"] = node.config.stack_place


def pytest_unconfigure(config):
    if hasattr(config, "shared_stack"):
        config.shared_stack.close()


# ---- for each runner


@pytest.fixture(scope="session")
def stack(request):
    """Kafka, Redis, sandbox and all workers."""
    with contextlib.ExitStack() as mine:
        place = dict(getattr(request.config, "workerinput", {}).get("stack") or mine.enter_context(_whole_stack()))
        ways = place.pop("behind")
        rig = Rig(**place, bin_dir=bin_dir(), sandbox=None)
        rig.behind = ways
        mine.callback(rig.close)
        yield rig


@pytest.fixture(scope="session")
def runner(request):
    """0, 1, ...: which of them this is."""
    return int(getattr(request.config, "workerinput", {}).get("workerid", "gw0").removeprefix("gw"))


@pytest.fixture(scope="session")
def gateway(stack, runner):
    running_gateway = Gateway(stack, runner)
    yield running_gateway
    running_gateway.close()


@pytest.fixture
def cut_off(stack, runner):
    """A gateway whose ways to Kafka and Redis can be cut and mended: (gateway, {"kafka": way, "redis": way}). For one
    test: two at once would want the same port."""
    port, proxy_port = stack.behind
    ways = {
        "kafka": Forwarder(port, port=proxy_port),
        "redis": Forwarder(int(stack.stack.redis_url.rpartition(":")[2])),
    }
    for way in ways.values():
        way.open()
    apart = Gateway(
        stack,
        100 + runner,
        kafka_bootstrap_servers=f"127.0.0.1:{ways['kafka'].port}",
        redis_url=f"redis://127.0.0.1:{ways['redis'].port}",
    )
    try:
        yield apart, ways
    finally:
        for way in ways.values():
            way.open()
        apart.close()
        for way in ways.values():
            way.close()


@pytest.fixture(scope="session")
def _chromium():
    browser = Browser(os.path.join(TEST_DATA, f"downloads-{os.getpid()}"))
    yield browser
    browser.close()


@pytest.fixture
def page(_chromium, gateway, request):
    """A fresh tab. A test during which the browser complained about the page has failed."""
    _chromium.fresh(gateway)
    yield _chromium
    if getattr(request.node, "failed", False):
        _chromium.screenshot(os.path.join(TEST_DATA, f"{request.node.name}.png"))
    complaints = _chromium.complaints()
    assert not complaints, "the browser complained:\n" + "\n".join(complaints)


@pytest.fixture
def user(runner):
    """An id that no other test uses."""
    return f"user-{runner}-{next(_names)}-{random.randrange(16 ** 4):04x}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        item.failed = True
    return report
