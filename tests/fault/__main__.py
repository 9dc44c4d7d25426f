"""tests/fault/run, once everything is built."""

import argparse
import os
import random
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "system"))

from places import TEST_DATA, bin_dir  # noqa: E402
import menu  # noqa: E402
from campaign import Campaign  # noqa: E402
from stack.process import StackError  # noqa: E402
from world import World  # noqa: E402


def options():
    parser = argparse.ArgumentParser(
        prog="tests/fault/run", description="Load, faults, quiet, and a verdict."
    )
    parser.add_argument(
        "--minutes", type=float, default=10, help="of faults; the quiet after them comes on top"
    )
    parser.add_argument("--seed", type=int, default=None, help="tells the story again; without it a new one")
    parser.add_argument("--rate", type=float, default=15, help="messages a second beside the bursts")
    parser.add_argument("--plan", action="store_true", help="only prints what would happen when")
    parser.add_argument("--keep", action="store_true", help="keeps data and logs also of a good run")
    chosen = parser.parse_args()
    if chosen.seed is None:
        chosen.seed = random.SystemRandom().randrange(1_000_000)
    return chosen


def say(line):
    print(line, flush=True)


def main():
    chosen = options()
    if chosen.plan:
        for step in menu.plan(chosen.seed, chosen.minutes * 60):
            say(step)
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    say(f"seed {chosen.seed}, {chosen.minutes:g} minutes, programs under test: {bin_dir()}")
    say(f"again: tests/fault/run --minutes {chosen.minutes:g} --seed {chosen.seed} --rate {chosen.rate:g}")
    directory = os.path.join(TEST_DATA, f"fault-{chosen.seed}-{os.getpid()}")
    world, findings = None, ["it did not come to a verdict"]
    try:
        world = World(directory, prefix=f"fault-{chosen.seed}.")
        campaign = Campaign(world, chosen.seed, chosen.minutes * 60, per_second=chosen.rate, say=say)
        findings = campaign.run()
        for line in campaign.report():
            say(line)
    except (StackError, AssertionError) as trouble:
        say(f"  {type(trouble).__name__}: {trouble}")
    finally:
        if world is not None:
            world.close()
    if findings or chosen.keep:
        say(f"data and logs: {directory}")
    else:
        world.forget()
    say(f"{'FAILED' if findings else 'ok'}: seed {chosen.seed}, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
