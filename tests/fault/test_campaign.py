"""A short campaign, the same story in every run; tests/fault/run tells longer and other ones."""

import os
import random

from campaign import Campaign
from places import TEST_DATA
from world import World

SEED, SECONDS = 20261123, 30


def test_a_short_campaign():
    name = f"campaign-{random.randrange(16 ** 6):06x}"
    world = World(os.path.join(TEST_DATA, name), prefix=name + ".")
    try:
        campaign = Campaign(world, SEED, SECONDS)
        findings = campaign.run()
        print(*campaign.report(), sep="\n")
    finally:
        world.close()
    assert not findings, "\n".join(findings[:40])
    # It would prove little if nothing had happened.
    assert campaign.kills >= 1 and sum(campaign.done.values()) >= 5
    kinds = [seen.type for seen in world.observer.results()]
    assert min(kinds.count("generation." + kind) for kind in ("completed", "failed", "rejected")) >= 5
