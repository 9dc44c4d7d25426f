"""The product's own stories, told through the command line and kcat as a user would.

A story is a generator: it yields while it waits, so that all of them run side by side in one thread, and sets
what the table shows as it goes.
"""

import json
import os
import subprocess
import time
import uuid

from stack.process import tied_to_us

PROMPT = "A paper boat sails down a rainy street at dawn"
# What the sandbox's renderer refuses, and what Runway refuses (it can't fetch the image): both without a
# charge.
SANDBOX_FAILURE = {"prompt": "[fail:INTERNAL.BAD_OUTPUT.CODE01] A sign that says nothing"}
RUNWAY_FAILURE = {"prompt": PROMPT, "image": "https://example.invalid/there-is-none.png"}
ENDS = ("completed", "failed", "cancelled", "rejected")
# While no result has been seen, the account alone tells where a generation is.
STATES = {"reserved": "accepted", "refused": "rejected"}
NOT_FOUND = 1  # exit status of reelgate
LOOK_EVERY_SECONDS = 0.3


def count(number, thing):
    return f"{number} {thing}{'s' * (number != 1)}"


class Mismatch(Exception):
    """The story did not end as it should."""


class World:
    """What the stories act on."""

    def __init__(self, stack, real):
        self.stack, self.real = stack, real
        self.children = []

    def _run(self, argv, env=None, text_in=None):
        """Starts a command; yields until it has ended; returns (status, what it printed)."""
        child = subprocess.Popen(
            argv,
            env={**os.environ, **(env or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=tied_to_us(),
        )
        self.children.append(child)
        child.stdin.write(text_in or "")
        child.stdin.close()
        while child.poll() is None:
            yield
        self.children.remove(child)
        return child.returncode, child.stdout.read(), child.stderr.read()

    def reelgate(self, *arguments):
        """One command of the operator's tool; returns the object that it prints, None when its answer is
        "there is none"."""
        argv, env = self.stack.reelgate(*arguments, "--json")
        status, said, complaint = yield from self._run(argv, env)
        if status == NOT_FOUND and not said:
            return None
        if status != 0:
            raise Mismatch(f"reelgate {arguments[0]}: exit {status}: {complaint.strip()[-200:]}")
        return json.loads(said)

    def kcat(self, user, requests):
        """Publishes several requests of one user at once."""
        argv = [
            "kcat",
            "-P",
            "-b",
            self.stack.kafka,
            "-t",
            self.stack.prefix + "requests",
            "-k",
            user,
            "-X",
            "partitioner=murmur2_random",
        ]
        status, _, complaint = yield from self._run(
            argv, text_in="".join(json.dumps(each) + "\n" for each in requests)
        )
        if status != 0:
            raise Mismatch(f"kcat: exit {status}: {complaint.strip()[-200:]}")

    def end(self):
        for child in self.children:
            child.kill()
            child.wait()


class Story:
    def __init__(self, world, title, user, tokens, play):
        self.world, self.title, self.user, self.tokens = world, title, user, tokens
        self.state, self.balance, self.passed = "waiting", "", None
        self._play = play(self)

    def step(self):
        """Goes on a little. The story is over once passed is not None."""
        try:
            next(self._play)
        except StopIteration:
            self.passed = True
        except Mismatch as trouble:
            self.passed, self.state = False, str(trouble)

    # ---- what stories are made of

    def give(self):
        if self.tokens > 0:
            self.state = f"granting {count(self.tokens, 'token')}"
            yield from self.world.reelgate("grant", "--user", self.user, "--amount", str(self.tokens))
        yield from self.look()

    def look(self):
        balance = yield from self.world.reelgate("balance", self.user)
        self.balance = f"{balance['available']} free, {balance['reserved']} held, {balance['spent']} spent"
        return balance

    def publish(self, **fields):
        """Through kcat, as any upstream service would; returns the generation's id."""
        return (yield from self.publish_all([fields]))[0]

    def publish_all(self, all_fields):
        length = {"durationSeconds": 2} if self.world.real else {}  # the shortest, which costs least
        requests = [
            {
                "generationId": f"demo-{uuid.uuid4()}",
                "userId": self.user,
                "prompt": PROMPT,
                **length,
                **fields,
            }
            for fields in all_fields
        ]
        self.state = "publishing"
        yield from self.world.kcat(self.user, requests)
        self.state = "published"
        return [request["generationId"] for request in requests]

    def pause(self):
        until = time.monotonic() + LOOK_EVERY_SECONDS
        while time.monotonic() < until:
            yield

    def follow(self, generation):
        """Until the generation has ended; returns how."""
        while True:
            status = yield from self.world.reelgate("status", generation, "--user", self.user)
            if status is not None:
                word = status.get("status") or STATES.get(status["state"], status["state"])
                if word != self.state:
                    self.state = word
                    yield from self.look()
                if word in ENDS:
                    return word
            yield from self.pause()

    def expect(self, what, seen, wanted):
        if seen != wanted:
            raise Mismatch(f"{what} should be {wanted}, is {seen}")

    def expect_balance(self, **wanted):
        """Settlement follows the result within moments."""
        for _ in range(30):
            balance = yield from self.look()
            if all(balance[part] == amount for part, amount in wanted.items()):
                return
            yield from self.pause()
        raise Mismatch(f"balance should be {wanted}, is {self.balance}")


def no_tokens(story):
    yield from story.give()
    end = yield from story.follow((yield from story.publish()))
    story.expect("the answer", end, "rejected")
    story.state = "rejected: insufficient_tokens"
    yield from story.expect_balance(available=0, reserved=0, spent=0)


def enough(story):
    yield from story.give()
    end = yield from story.follow((yield from story.publish()))
    story.expect("the end", end, "completed")
    story.state = "completed, debited"
    yield from story.expect_balance(available=story.tokens - 1, reserved=0, spent=1)


def exactly_enough(story):
    yield from enough(story)
    story.state = "completed, balance zero"


def two_at_once(story):
    yield from story.give()
    both = yield from story.publish_all([{}, {}])
    ends = []
    for generation in both:
        ends.append((yield from story.follow(generation)))
    story.expect("the two ends", sorted(ends), ["completed", "rejected"])
    story.state = "one completed, one rejected"
    yield from story.expect_balance(available=0, reserved=0, spent=1)


def failed_render(story):
    yield from story.give()
    fields = RUNWAY_FAILURE if story.world.real else SANDBOX_FAILURE
    end = yield from story.follow((yield from story.publish(**fields)))
    story.expect("the end", end, "failed")
    story.state = "failed, tokens released"
    yield from story.expect_balance(available=story.tokens, reserved=0, spent=0)


def all_stories(world):
    run = uuid.uuid4().hex[:6]
    return [
        Story(world, "no tokens", f"ann-{run}", 0, no_tokens),
        Story(world, "enough tokens", f"ben-{run}", 5, enough),
        Story(world, "exactly enough", f"cleo-{run}", 1, exactly_enough),
        Story(world, "two at once on one token", f"dan-{run}", 1, two_at_once),
        Story(world, "the render fails", f"eve-{run}", 3, failed_render),
    ]
