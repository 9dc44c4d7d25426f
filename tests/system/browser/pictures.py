"""Takes the README's pictures of the console, from a real stack and a real Chromium:

    build/venv/bin/python tests/system/browser/pictures.py       writes services/gateway/console/pictures/

The pictured day is made in a minute. Every generation goes through the whole pipeline; then what it left on the topics
is copied to topics of another prefix, its times moved over the last day, and the gateway of the admin's pictures reads
those."""

import base64
import os
import random
import re
import sys
import time
from datetime import datetime, timedelta

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
from confluent_kafka import Producer  # noqa: E402

from browser.web import Browser, Gateway, start_workers  # noqa: E402
from brokers import Brokers, alter_topic  # noqa: E402
from places import ROOT, TEST_DATA  # noqa: E402
from rig import Rig  # noqa: E402
from stack.process import wait_until  # noqa: E402
from stack.stack import Stack  # noqa: E402

PICTURES = os.path.join(ROOT, "services", "gateway", "console", "pictures")
COPIED = ("requests", "results", "journal", "dead-letters")
# How busy each of the last 24 hours was.
HOURS = (6, 4, 3, 2, 1, 1, 1, 2, 3, 6, 9, 12, 11, 9, 12, 14, 13, 11, 12, 15, 17, 14, 10, 8)
USERS = ("ada", "grace", "linus", "margaret", "barbara", "edsger", "radia", "katherine", "hedy", "alan", "mary", "tim")
PROMPTS = (
    "A paper boat drifts down a quiet canal at dawn, soft mist, slow camera",
    "Neon koi swim through a flooded subway station, reflections on wet tiles",
    "Macro shot of ink spreading in water, black on white",
    "A lighthouse in a winter storm, waves over the rocks",
    "A red fox runs over fresh snow, low sun",
    "Time lapse of a bonsai growing through four seasons",
)
FAILS = (
    "A famous singer rides a bicycle through the old town at night while fireworks light up the river behind her, "
    "shot from a drone that circles slowly, with a crowd that cheers from every balcony and every bridge "
    "[fail:SAFETY.INPUT.TEXT]"
)


def publish_the_day(rig, rnd):
    """Many small stories; returns the ids of the generations in the order in which they were asked for."""
    for user in USERS:
        rig.grant_and_wait(user, rnd.randint(20, 80))
    order = []
    for number in range(sum(HOURS)):
        user, fails = rnd.choice(USERS), rnd.random() < 0.06
        order.append(f"day-{number}")
        rig.request(
            order[-1],
            "newcomer" if rnd.random() < 0.05 else user,
            prompt=FAILS if fails else rnd.choice(PROMPTS),
            model=rnd.choices(["gen4.5", "veo3.1", "veo3.1_fast"], [6, 2, 3])[0],
            durationSeconds=8 if number % 3 else 4,
        )
    for bytes_ in (b'{"userId": "ada", ', b"\xff\xfe", b'{"prompt":"A boat"}', b'{"userId": "tim", "prompt": 1}'):
        rig.publish("requests", bytes_, key="upstream")
    rig.flush()
    for generation in order:
        rig.observer.event(generation, "completed", "failed", "rejected", seconds=240)
    for number in range(3):
        order.append(f"held-{number}")
        rig.request(order[-1], rnd.choice(USERS), prompt=PROMPTS[number] + " [run:6000s]", model="gen4.5")
        rig.observer.event(order[-1], "submitted", seconds=120)
    rig.observer.to_the_end()
    return order


def moments(count, rnd):
    """When each generation is to have been asked for: in order, denser in busy hours, in ms."""
    now = time.time() * 1000
    hours = rnd.choices(range(24), HOURS, k=count - 3)
    times = sorted(now - (23 - hour + rnd.random()) * 3600e3 for hour in hours)
    return [min(at, now - 900e3) for at in times] + [now - 700e3, now - 160e3, now - 25e3]


def moved(value, shift_ms):
    """A record's own words with their times shifted."""

    def later(match):
        at = datetime.strptime(match[2], "%Y-%m-%dT%H:%M:%S.%fZ") + timedelta(milliseconds=shift_ms)
        return f'{match[1]}"{at.isoformat(timespec="milliseconds")}Z"'

    return re.sub(r'("at": ?)"([^"]+)"', later, value.decode()).encode()


def copy_into_the_past(rig, prefix, order, rnd):
    target = Stack(os.path.join(TEST_DATA, "pictures-past"), bin_dir=rig.stack.bin_dir, kafka_address=rig.kafka, prefix=prefix)
    target.plan["ports"]["redis"] = rig.stack.plan["ports"]["redis"]
    target.apply_topics()
    alter_topic(rig.kafka, prefix + "requests", "message.timestamp.type", "CreateTime")
    asked = {seen.data["generationId"]: seen for seen in rig.observer.seen["requests"] if seen.key != b"upstream"}
    shift = {
        generation: at - asked[generation].timestamp_ms for generation, at in zip(order, moments(len(order), rnd))
    }
    earliest = min(shift.values())
    producer = Producer({"bootstrap.servers": rig.kafka})
    for topic in COPIED:
        for seen in rig.observer.seen[topic]:
            try:
                by = shift.get(seen.data.get("generationId"), earliest)
            except ValueError:
                by = -rnd.random() * 6 * 3600e3  # of a dead letter
            by = int(by)
            producer.produce(
                prefix + topic,
                moved(seen.value, by) if topic == "journal" else seen.value,
                seen.key,
                seen.partition,
                timestamp=seen.timestamp_ms + by,
                headers=list(seen.headers.items()),
            )
            producer.poll(0)
    assert producer.flush(60) == 0
    alter_topic(rig.kafka, prefix + "requests", "message.timestamp.type", "LogAppendTime")  # a program would refuse the other


class Camera:
    def __init__(self):
        os.makedirs(PICTURES, exist_ok=True)
        self.browser = Browser(os.path.join(TEST_DATA, "downloads-pictures"))

    def take(self, name, width, height, dark=False):
        page = self.browser
        page.look(width, height, dark=dark)
        page.cdp(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if width < 600 else 1.5,
            mobile=width < 600,
        )
        page.run("scrollTo(0, 0); document.activeElement.blur(); document.getElementById('toasts').replaceChildren()")
        time.sleep(1.5)  # charts and films are drawn
        shot = page.cdp("Page.captureScreenshot", format="webp", quality=82)["data"]
        path = os.path.join(PICTURES, name + ".webp")
        with open(path, "wb") as file:
            file.write(base64.b64decode(shot))
        print(f"{path}: {os.path.getsize(path) // 1024} KB")


def picture_the_user(camera, rig, gateway):
    page = camera.browser
    page.fresh(gateway)
    for number, prompt in enumerate((PROMPTS[2], FAILS, PROMPTS[1], PROMPTS[0])):
        rig.request(f"mine-{number}", "ada", prompt=prompt, durationSeconds=5, ratio="1280:720", model="gen4.5")
        rig.observer.event(f"mine-{number}", "completed", "failed", seconds=120)
    page.sign_in("ada", route="#/videos")
    page.until(lambda: len(page.all(".video video")) >= 3, "the films")
    page.type("#prompt", "A red fox runs over fresh snow, low sun [run:30s]")
    page.click("#generate")
    page.until(lambda: page.shown(".video [role=progressbar], .video .spinner"), "the rendering")
    page.until(lambda: page.shown(".video .percent"), "how far it is")
    page.type("#prompt", "Time lapse of a bonsai growing through four seasons")
    camera.take("user", 1280, 1000)
    camera.take("user-phone", 390, 844)
    page.look(1280, 1000)
    page.go("#/tokens")
    camera.take("user-tokens", 1280, 1000, dark=True)


def picture_the_admin(camera, gateway):
    page = camera.browser
    page.fresh(gateway)
    page.sign_in("root", "admin", "/admin", "#/overview")
    page.says("Tokens spent")
    camera.take("admin", 1280, 1000)
    for name, route in (
        ("admin-usage", "#/usage?by=hour&hours=24"),
        ("admin-generation", "#/generations/day-100"),
    ):
        page.go(route)
        page.until(lambda: page.text("#main h1") and "Loading" not in page.text("#main"), route)
        camera.take(name, 1280, 1000, dark=name in ("admin-generation",))


def main():
    rnd = random.Random(4711)
    bin_dir = os.environ.get("REELGATE_BIN", os.path.join(ROOT, "build", "release"))
    name = f"pictures-{random.randrange(16 ** 6):06x}"
    brokers = Brokers(os.path.join(TEST_DATA, name + "-kafka"), 1)
    try:
        rig = Rig(os.path.join(TEST_DATA, name), bin_dir=bin_dir, kafka=brokers, prefix=name + ".", sandbox={})
        camera = Camera()
        try:
            start_workers(rig)
            order = publish_the_day(rig, rnd)
            copy_into_the_past(rig, name + "-past.", order, rnd)
            live = Gateway(rig, 0)
            past = Gateway(rig, 1, topic_prefix=name + "-past.")
            wait_until(lambda: past.get("/v1/admin/funnel?hours=24", "root", "admin")[0] == 200, 60, "the past")
            picture_the_admin(camera, past)
            picture_the_user(camera, rig, live)
            live.close()
            past.close()
        finally:
            camera.browser.close()
            rig.close()
    finally:
        brokers.close()


if __name__ == "__main__":
    main()
