"""What the tests of the windows share: one world for all tests of a file, its users and what they ask for."""

import os
import random

import pytest

import load as loads
import oracle
from load import Ask
from places import TEST_DATA
from stack import programs
from world import World, wait

TOKENS = 1000


@pytest.fixture(scope="module")
def stack():
    """One world for all tests of this file, with one instance of each program."""
    name = f"windows-{random.randrange(16 ** 6):06x}"
    world = World(os.path.join(TEST_DATA, name), prefix=name + ".")
    try:
        world.start_workers()
        world.load = loads.Load(may_be_unknown=True)
        yield world
    finally:
        world.close()


@pytest.fixture
def world(stack):
    """Whole at the beginning; at the end every promise was kept, by all that ever happened here."""
    yield stack
    for proxy in stack.proxies:
        proxy.clear()
    for program in programs.WORKERS:
        if not stack.living(program):
            stack.start(program)
    loads.wait_finished(stack, stack.load, seconds=120)
    wait(
        lambda: not any(holds or not verified for verified, holds in stack.buckets().values()),
        60,
        "Redis at rest",
    )
    oracle.verify(stack, stack.load)
    assert not list(stack.flaws_in_logs())
    assert not [flaw for proxy in stack.proxies for flaw in proxy.flaws]


def give(world, *users, amount=TOKENS):
    """New users with tokens that can be spent, and that no loss of Redis takes away again."""
    for user in users:
        world.load.grants[user] = amount
        world.grant(user, amount)
    world.observer.until_journaled(users)
    wait(lambda: all(world.balance(user)["available"] == amount for user in users), 30, f"tokens of {users}")


def ask(world, user, count, prompt="[run:100ms] A paper boat", kind="valid"):
    """So many requests of the user. Their generations."""
    first = len(world.load.asks)
    for number in range(first, first + count):
        generation = f"{user}-{number}"
        value = {"generationId": generation, "userId": user, "prompt": f"[id:{generation}] {prompt}"}
        world.load.asks.append(Ask(user, value, kind, generation))
    loads.publish(world, world.load, slice(first, None))
    return [asked.generation for asked in world.load.asks[first:]]


def decided(world, generations, seconds=60):
    waiting = lambda: [name for name in generations if not world.observer.results(name)]
    world.observer.until(lambda: not waiting(), seconds, lambda: f"a decision about {waiting()[:5]}")
