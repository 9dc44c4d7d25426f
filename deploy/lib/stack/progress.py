"""Says what is being done, and for how long already when that takes more than two seconds: as
deploy/lib/steps.sh does."""

import sys
import threading
import time

ANNOUNCE_AFTER_SECONDS, ANNOUNCE_EVERY_SECONDS = 2, 15


class Progress:
    """progress("Starting Kafka") ends the step before and begins this one; close() ends the last, perhaps
    with another word than "done"."""

    def __init__(self):
        self._title, self._began, self._ended, self._ticker = None, 0.0, None, None

    def __call__(self, title):
        self.close()
        self._title, self._began, self._ended = title, time.monotonic(), threading.Event()
        self._ticker = threading.Thread(target=self._tick, args=(self._ended,), daemon=True)
        self._ticker.start()

    def close(self, word="done"):
        if self._ticker is None:
            return
        self._ended.set()
        self._ticker.join()
        self._ticker = None
        seconds = time.monotonic() - self._began
        if sys.stdout.isatty():
            print("\r\033[K", end="")
        print(
            f"  {self._title}: {word}"
            + (f" in {seconds:.0f} s" if seconds >= ANNOUNCE_AFTER_SECONDS else ""),
            flush=True,
        )

    def _tick(self, ended):
        terminal = sys.stdout.isatty()
        while not ended.wait(0.5 if terminal else ANNOUNCE_EVERY_SECONDS):
            seconds = time.monotonic() - self._began
            if terminal:
                print(f"\r\033[K  {self._title} … {seconds:.0f} s", end="", flush=True)
            else:
                print(f"  {self._title} … {seconds:.0f} s", flush=True)
