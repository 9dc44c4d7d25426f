"""deploy/demo, once everything is installed and built: starts the stack, plays the stories, shows the
table, ends."""

import argparse
import os
import shutil
import signal
import sys
import time

from stack.process import StackError
from stack.progress import Progress
from stack.stack import ROOT, SERVICES, Stack
from stories import World, all_stories, count

STORY_SECONDS = 180
REAL_STORY_SECONDS = 1200
WELCOME_TOKENS = 10
RUNWAY = "https://api.dev.runwayml.com"


class Table:
    """The stories as rows: drawn in place on a terminal, else one line for each change."""

    def __init__(self, stories):
        self.stories, self.began, self.drawn, self.said = stories, time.monotonic(), 0, {}
        self.terminal = sys.stdout.isatty()

    def draw(self):
        elapsed = time.monotonic() - self.began
        if self.terminal:
            width = shutil.get_terminal_size().columns
            lines = [*(self.row(story)[: width - 1] for story in self.stories), f"  {elapsed:.0f} s"]
            if self.drawn:
                print(f"\033[{self.drawn}A", end="")
            print("".join(f"\r\033[K{line}\n" for line in lines), end="", flush=True)
            self.drawn = len(lines)
            return
        for story in self.stories:
            word = (story.state, story.passed)
            if self.said.get(story.title) != word:
                self.said[story.title] = word
                print(f"  {elapsed:5.1f} s {self.row(story)}", flush=True)

    @staticmethod
    def row(story):
        mark = {None: " ", True: "✓", False: "✗"}[story.passed]
        return (
            f"{mark} {story.title:<25} {count(story.tokens, 'token'):<8}  {story.state:<28} {story.balance}"
        )


def play(world, seconds):
    """Plays all stories side by side; True when each ended as it should."""
    stories = all_stories(world)
    table = Table(stories)
    limit = time.monotonic() + seconds
    try:
        while any(story.passed is None for story in stories):
            for story in stories:
                if story.passed is None:
                    story.step()
                    if time.monotonic() > limit and story.passed is None:
                        story.passed, story.state = False, f"no end within {seconds} s: {story.state}"
            table.draw()
            time.sleep(0.1)
    finally:
        world.end()
    table.draw()
    return all(story.passed for story in stories)


def books_balance(stack):
    audit = stack.run_reelgate("audit", timeout=120)
    print(
        "  The books balance: the journal alone rebuilds Redis."
        if audit.returncode == 0
        else f"  reelgate audit: exit {audit.returncode}: {audit.stdout}{audit.stderr}"
    )
    return audit.returncode == 0


def read_options():
    """deploy/demo has refused unknown ones and explained these."""
    parser = argparse.ArgumentParser(add_help=False)
    for flag in ("--keep", "--real", "--yes"):
        parser.add_argument(flag, action="store_true")
    parser.add_argument("--directory", default=os.path.join(ROOT, "build", "demo"))
    return parser.parse_args()


def agreed_to_pay(options):
    """--real: the key is there and somebody has said yes."""
    if not os.environ.get("RUNWAYML_API_SECRET"):
        raise StackError("--real needs Runway's key in RUNWAYML_API_SECRET")
    print(
        "  This makes three videos of two seconds with Runway's own API: about 72 credits, 0.72 US dollars."
    )
    if options.yes:
        return True
    if not sys.stdin.isatty():
        raise StackError("--real asks first, and there is no terminal to ask on; --yes answers for you")
    return input("  Go on? [y/N] ").strip().lower() in ("y", "yes")


def fresh_stack(options, progress):
    """A stack without any data, in place of an earlier demo's."""
    real = (RUNWAY, os.environ["RUNWAYML_API_SECRET"]) if options.real else None
    stack = Stack(
        options.directory, bin_dir=os.environ.get("REELGATE_BIN"), tied=not options.keep, provider=real
    )
    if os.path.isdir(stack.directory) and os.listdir(stack.directory):
        if not os.path.exists(stack.path("stack.json")):
            raise StackError(f"{stack.directory} holds something else than a demo's data: not touched")
        if any(stack.find(name) for name in (*stack.program_names(), *SERVICES)):
            progress("Stopping what an earlier --keep left running")
            stack.down()
            progress.close()
        shutil.rmtree(stack.directory)
    return stack


def start_and_play(stack, options, progress):
    """True when every story ended as it should and the books balance."""
    began = time.monotonic()
    stack.up(say=progress)
    progress.close()
    print(f"  Up after {time.monotonic() - began:.0f} s. The stories:\n")
    world = World(stack, options.real)
    passed = play(world, REAL_STORY_SECONDS if options.real else STORY_SECONDS) and books_balance(stack)
    print(f"\n  {'Every story ended as it should.' if passed else 'NOT every story ended as it should.'}")
    return passed


def how_to_talk_to_it(stack, options):
    """The last words: what somebody wants to open comes last, where the eye is."""
    reelgate, settings = stack.reelgate()
    if not options.real:  # there the tokens would be somebody's money
        stack.run_reelgate("grant", "--user", "ada", "--amount", str(WELCOME_TOKENS))
    print("\n  It is still running. To talk to it:\n")
    print("    export " + " ".join(f"{name}={value}" for name, value in settings.items()))
    print(f"    {reelgate[0]} grant --user ada --amount 3")
    print(f"    {reelgate[0]} request --user ada --prompt 'A paper boat on a canal at dawn'")
    print(f"    deploy/local --directory {stack.directory} status")
    print(f"    deploy/local --directory {stack.directory} down")
    print(f"\n  The console is at {stack.gateway_url()} and these links sign in, for 12 hours:\n")
    print(f"    as a user   {stack.console('ada')}")
    print(f"    as admin    {stack.console('root', 'admin')}")


def stop(stack, progress, passed):
    progress("Stopping")
    stack.down()
    progress.close()
    if not passed:
        print(f"  The logs are in {stack.path('log')}")


def main():
    options, began = read_options(), time.monotonic()
    # Ctrl-C and a polite kill end the same way: through the finally below.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    stack, progress, passed, played = None, Progress(), False, False
    try:
        if options.real and not agreed_to_pay(options):
            print("  Nothing was started.")
            return 1
        stack = fresh_stack(options, progress)
        passed = start_and_play(stack, options, progress)
        played = True
    except StackError as trouble:
        progress.close("failed")
        print(f"deploy/demo: {trouble}", file=sys.stderr)
    except KeyboardInterrupt:
        progress.close("interrupted")
        print("\n  Interrupted.", file=sys.stderr)
        return 130
    finally:
        if stack is not None and played and options.keep:
            how_to_talk_to_it(stack, options)
        elif stack is not None:
            stop(stack, progress, passed)
    if not options.keep:
        print(f"  {time.monotonic() - began:.0f} s in all.")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
