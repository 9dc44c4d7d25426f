"""The load of a campaign, from a seed: many users who ask, repeat themselves, change their minds and send what
nobody should.

What is drawn depends on the seed alone; when it is published depends on the clock.
"""

import json
import random

import load as loads
from load import Ask

USERS, RICH = 40, 8
RICH_TOKENS, POOR_TOKENS_MAX = 100000, 100
RECENT = 200  # generations that repeats, cancels and conflicts choose from

# As the sandbox understands it: what becomes of a request. (weight, kind, its prompt)
STORIES = (
    (60, "valid", "A paper boat"),
    (8, "valid", "[run:4s] A slow boat"),
    (2, "valid", "[status:WEIRD] An odd boat"),
    (7, "failing", "[fail:INTERNAL.BAD_OUTPUT.CODE01] A car that stands still"),
    (2, "failing", "[fail:null] Failed without a reason"),
    (2, "refused", "[http:422] What the provider does not want"),
    (2, "gone", "[cancelled] Cancelled in the portal"),
    (1, "lost", "[after:502] Taken, and a proxy says it was not"),
    (1, "lost", "[after:reset] Taken, and the line is cut"),
    (1, "lost", "[after:garbage] Taken, and the answer is a page"),
    (1, "lost", "[after:noid] Taken, and the answer has no id"),
)

# Nobody can be given these.
HOSTILE_AMOUNTS = (
    b"0",
    b'"5"',
    b"1.5",
    b"true",
    b"null",
    b"[1]",
    b"9007199254740992",
    b"-9007199254740992",
    b"18446744073709551617",
    b"1e999",
    b"NaN",
    b"0x10",
    b'1,"amount":2',
)

CANCEL = {
    "ce_type": "reelgate.generation.cancel_requested",
    "ce_specversion": "1.0",
    "ce_source": "test",
}


class Crowd(loads.Load):
    """A load that grows: tick() publishes what is due."""

    def __init__(self, seed, per_second):
        super().__init__(may_be_unknown=True)
        self._chance = random.Random(f"{seed} load")
        self._per_second = per_second
        self._owed = 0.0
        self._number = 0
        self._taken = {}  # user -> tokens that corrections asked to take away
        self._given = []  # grants that may be repeated: (grantId, user, amount)
        self._user = {}  # generation -> its first ask's user
        self._index = {}
        self.published = 0
        self._deeds = (
            (100, self._ask),
            (9, self._repeat),
            (3, self._contradict),
            (9, self._cancel),
            (1, self._cancel_anothers),
            (1, self._cancel_nothing),
            (4, self._garbage),
            (4, self._invalid),
            (8, self._grant),
            (2, self._grant_again),
            (1, self._grant_otherwise),
            (2, self._correct),
            (3, self._grant_hostile),
        )
        for number in range(USERS):
            name = f"user-{number:02}"
            self.grants[name] = RICH_TOKENS if number < RICH else self._chance.randint(0, POOR_TOKENS_MAX)

    def least(self, user):
        return self.grants[user] - self._taken.get(user, 0)

    def by_generation(self):
        return self._index

    # ---- publishing

    def start(self, rig):
        """Everybody's first tokens, so that no loss of Redis takes them away again."""
        loads.give_tokens(rig, self)
        granted = sum(amount > 0 for amount in self.grants.values())
        rig.observer.until(lambda: len(rig.observer.seen["journal"]) >= granted, 60, "the grants' entries")

    def tick(self, rig, seconds):
        """What is due after so many seconds more."""
        self._owed += seconds * self._per_second
        while self._owed >= 1:
            self._owed -= 1
            self._deed(rig)

    def burst(self, messages):
        self._owed += messages

    def _deed(self, rig):
        weights, deeds = zip(*self._deeds)
        self._number += 1
        self.published += 1
        self._chance.choices(deeds, weights)[0](rig)

    def _anybody(self):
        return self._chance.choice(sorted(self.grants))

    def _add(self, ask):
        self.asks.append(ask)
        if ask.generation is not None:
            self._index.setdefault(ask.generation, []).append(ask)

    # ---- requests

    def _publish(self, rig, ask, **more):
        self._add(ask)
        rig.publish("requests", ask.value, key=ask.user, **more)

    def _ask(self, rig):
        weights, kinds, prompts = zip(*STORIES)
        place = self._chance.choices(range(len(STORIES)), weights)[0]
        user, generation = self._anybody(), f"g{self._number:06}"
        value = {"generationId": generation, "userId": user, "prompt": f"[id:{generation}] {prompts[place]}"}
        self._publish(rig, Ask(user, value, kinds[place], generation))

    def _invalid(self, rig):
        user, generation = self._anybody(), f"i{self._number:06}"
        wrong, fields = self._chance.choice(loads.INVALID_FIELDS)
        self._publish(rig, loads.invalid_ask(user, generation, wrong, fields))

    def _garbage(self, rig):
        self._publish(rig, Ask(self._anybody(), self._chance.choice(loads.GARBAGE), "malformed"), fate="dead")

    def _known(self):
        """The first ask of a generation of some time ago, or None."""
        known = [asks[0] for asks in list(self._index.values())[-RECENT:]]
        return self._chance.choice(known) if known else None

    def _repeat(self, rig):
        ask = self._known()
        if ask is not None:
            self._publish(rig, ask)

    def _contradict(self, rig):
        """Another request under an id that is taken, by its own or another user. Only of accepted ones: a refused id is free.

        Of another user in another bucket admission can't know: the generator ends such a one with id_taken.
        """
        ask, user = self._known(), self._anybody()
        if ask is None or "accepted" not in rig.observer.types(ask.generation):
            return
        user = user if rig.bucket(user) == rig.bucket(ask.user) else ask.user
        value = {**ask.value, "userId": user, "prompt": "Something else"}
        rig.publish("requests", value, key=user, fate="may be dead")

    def _publish_cancel(self, rig, generation, user, fate):
        value = {"generationId": generation, "userId": user}
        headers = {**CANCEL, "ce_id": f"cancel-{self._number}"}
        rig.publish("requests", value, key=user, headers=headers, fate=fate)

    def _cancel(self, rig):
        ask = self._known()
        if ask is not None:
            self.cancels.add(ask.generation)
            self._publish_cancel(rig, ask.generation, ask.user, "may be dead")

    def _cancel_anothers(self, rig):
        ask = self._known()
        if ask is not None:
            thief = self._chance.choice(sorted(set(self.grants) - {ask.user}))
            self._publish_cancel(rig, ask.generation, thief, "dead")

    def _cancel_nothing(self, rig):
        self._publish_cancel(rig, f"never-{self._number}", self._anybody(), "dead")

    # ---- grants

    def _publish_grant(self, rig, grant, user, amount, fate=None):
        rig.publish("grants", {"grantId": grant, "userId": user, "amount": amount}, key=user, fate=fate)

    def _grant(self, rig):
        user, amount = self._anybody(), self._chance.randint(1, 20)
        self._given.append((f"grant-{self._number}", user, amount))
        self._publish_grant(rig, *self._given[-1])

    def _grant_again(self, rig):
        if self._given:
            self._publish_grant(rig, *self._chance.choice(self._given))

    def _grant_otherwise(self, rig):
        if self._given:
            grant, user, amount = self._chance.choice(self._given)
            self._publish_grant(rig, grant, user, amount + 1, "may be dead")

    def _correct(self, rig):
        user, amount = self._anybody(), self._chance.randint(1, 10)
        self._taken[user] = self._taken.get(user, 0) + amount
        self._publish_grant(rig, f"correction-{self._number}", user, -amount, "may be dead")

    def _grant_hostile(self, rig):
        user, amount = self._anybody(), self._chance.choice(HOSTILE_AMOUNTS)
        value = b'{"grantId":"hostile-%d","userId":%s,"amount":%s}' % (
            self._number,
            json.dumps(user).encode(),
            amount,
        )
        rig.publish("grants", value, key=user, fate="dead")
