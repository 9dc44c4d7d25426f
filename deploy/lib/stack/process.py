"""One process of the stack: started with its log, remembered in a pid file, ended by its pid and never by its
name.

A pid file holds the pid and the time the kernel started it, so that a pid that was given to somebody else in
the meantime is never taken for ours.
"""

import ctypes
import json
import os
import signal
import subprocess
import time

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class StackError(Exception):
    """Something that its user should read as one line."""


def started_at(pid):
    """The start time of a living process in clock ticks since boot; None when there is none, or only its
    zombie."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            fields = stat.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


def tied_to_us():
    """A preexec_fn: the child dies with us, also when we are killed with -9."""
    parent = os.getpid()

    def tie():
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the call above
            os._exit(1)

    return tie


class Process:
    """A process known by pid and start time; perhaps our child, perhaps an earlier command's."""

    def __init__(self, pid, started, popen=None, **more):
        self.pid, self.started, self.popen, self.more = pid, started, popen, more

    def alive(self):
        if self.popen is not None:
            return self.popen.poll() is None  # reaps it, too
        return started_at(self.pid) == self.started

    def exit_status(self):
        """Of our own child that has ended; below zero: the signal's number, negated."""
        return self.popen.poll() if self.popen is not None else None

    def said(self):
        """What it has written to its log since it was started."""
        with open(self.more["log"], "rb") as file:
            file.seek(self.more["log_from"])
            return file.read().decode("utf-8", "replace")

    def signal(self, number):
        if self.alive():
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                pass

    def wait(self, seconds):
        """True when it has ended within that time."""
        limit = time.monotonic() + seconds
        while self.alive():
            if time.monotonic() >= limit:
                return False
            time.sleep(0.02)
        return True

    def stop(self, limit_seconds):
        """SIGTERM, then SIGKILL after the limit. True when it ended by itself."""
        self.signal(signal.SIGTERM)
        if self.wait(limit_seconds):
            return True
        self.kill()
        return False

    def kill(self):
        self.signal(signal.SIGKILL)
        self.wait(10)


def spawn(argv, *, log, env=None, cwd=None, tied=True, **more):
    """Starts argv in a session of its own, its output appended to log. tied: it dies with us. Call it from
    the main thread: the kernel ties a child to the thread that made it."""
    os.makedirs(os.path.dirname(log), exist_ok=True)
    with open(log, "ab") as output:
        log_from = output.tell()
        popen = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=cwd,
            start_new_session=True,
            env={**os.environ, **(env or {})},
            preexec_fn=tied_to_us() if tied else None,
        )
    return Process(popen.pid, started_at(popen.pid), popen, log=log, log_from=log_from, **more)


def remember(path, process):
    """The pid file; written whole or not at all."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump({"pid": process.pid, "started": process.started, **process.more}, file)
    os.replace(path + ".new", path)


def recall(path):
    """The living process of a pid file, or None."""
    try:
        with open(path, encoding="utf-8") as file:
            record = json.load(file)
        process = Process(record.pop("pid"), record.pop("started"), **record)
    except (OSError, ValueError, KeyError):
        return None
    return process if process.started is not None and process.alive() else None


def forget(path):
    try:
        os.remove(path)
    except FileNotFoundError:
        pass


def wait_until(condition, seconds, what, process=None):
    """Waits for condition() to be true and returns what it said; StackError, with the last lines of the
    process' log, when it takes too long or the process ends."""
    limit = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        ended = process is not None and not process.alive()
        if ended or time.monotonic() >= limit:
            reason = f"ended with status {process.exit_status()}" if ended else f"not there after {seconds} s"
            raise StackError(f"{what}: {reason}" + (_end_of_log(process) if process is not None else ""))
        time.sleep(0.05)


def _end_of_log(process, lines=15):
    last = process.said().splitlines()[-lines:]
    return "".join(f"\n    {line}" for line in [f"the end of {process.more['log']}:", *last])
