"""1,000 requests of 50 users with random balances, published by a client in another language: one decision
each, one end for each accepted one, the books balance, what is malformed is a dead letter, one task at the
provider for each accepted one.
"""

import load as loads
import oracle


def test_a_thousand_requests(rig):
    load = loads.make_load(seed=20261123)
    assert len(load.asks) == 1000
    loads.give_tokens(rig, load)
    loads.publish(rig, load)
    loads.wait_finished(rig, load)
    # The load would prove little if it had no refusals, failures or completions.
    kinds = [seen.type for seen in rig.observer.results()]
    assert min(kinds.count("generation." + kind) for kind in ("rejected", "completed", "failed")) >= 20
    oracle.verify(rig, load)
