"""The first thing that a newcomer opens: the two links that `deploy/demo --keep` ends with, as they are."""

import os
import re
import subprocess

import pytest

from places import ROOT, TEST_DATA, bin_dir


@pytest.fixture
def demo():
    """What the demo says, and everything that it left running until the test is over."""
    directory = os.path.join(TEST_DATA, f"demo-{os.getpid()}")

    def command(*words):
        return subprocess.run(
            [os.path.join(ROOT, "deploy", words[0]), *words[1:]],
            env={**os.environ, "REELGATE_BIN": bin_dir()},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    try:
        done = command("demo", "--keep", f"--directory={directory}")
        assert done.returncode == 0, done.stdout + done.stderr
        yield done.stdout
    finally:
        assert command("local", "--directory", directory, "down").returncode == 0


def test_the_demo_ends_with_two_sign_in_links_that_work_as_they_are(demo, page):
    address = re.search(r"The console is at (http://127\.0\.0\.1:\d+) ", demo)[1]
    user, admin = re.findall(r"http://127\.0\.0\.1:\d+/\S*#token=\S+", "\n".join(demo.rstrip().splitlines()[-2:]))
    assert user.startswith(address + "/#") and admin.startswith(address + "/admin#")
    page.driver.get(user)
    page.says("ada", "#who")
    page.until(lambda: page.text("#available") == "10" and page.text("#cost") == "1 token", "tokens to begin with")
    page.type("#prompt", "A paper boat on a canal at dawn")
    page.click("#generate")
    page.says("Ready", ".video .badge")
    page.driver.get("about:blank")
    page.driver.get(admin)
    page.says("Admin", "#role")
    page.says("Overview", "#main h1")
    page.until(lambda: page.shown("#strip [data-part=kafka].good"), "health")
    page.go("#/users")
    page.until(lambda: any(line.startswith("ben-") for line in page.text("#main").splitlines()), "the stories' users")
