"""The gateway under test, and a page of it in a real Chromium."""

import base64
import contextlib
import filecmp
import hashlib
import hmac
import json
import os
import shutil
import subprocess
import time

import requests
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.common.by import By

from places import ROOT
from stack import programs
from stack.process import StackError, wait_until

SECRET = "a secret of the browser tests, of no use elsewhere"
GATEWAY = {"decision_wait_ms": "800ms", "calls_per_minute": 100000, "generations_per_minute": 10000}
HERE = os.path.dirname(os.path.realpath(__file__))

# What the browser says of a page that breaks its own rules, or of a bug in it.
FORBIDDEN = ("Content Security Policy", "TrustedHTML", "Uncaught", "Refused to")


def start_workers(rig):
    """Every worker, ready; the poller tells of a render's progress as often as it can."""
    more = {"poller": {"progress_step": 1, "progress_every_ms": "1s"}}
    programs.wait_ready(
        {f"{program}-0": rig.start(program, ready=False, **more.get(program, {})) for program in programs.WORKERS}
    )


def token(user, role="user", seconds=3600):
    """A JWT as anybody's identity service would make it."""

    def part(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    header = part(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
    claims = part(json.dumps({"sub": user, "role": role, "exp": int(time.time()) + seconds}).encode())
    signed = header + b"." + claims
    return (signed + b"." + part(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest())).decode()


class Gateway:
    """reelgate-gateway in front of a rig's Kafka and Redis, or of what settings name."""

    def __init__(self, rig, instance, **settings):
        self.rig, self.instance, self.settings = rig, instance, settings
        self.process = None
        self.start()

    def start(self):
        """At the same address as before, if there was one."""
        stack = self.rig.stack
        settings = {
            "kafka_bootstrap_servers": stack.kafka,
            "topic_prefix": stack.prefix,
            "instance_id": self.instance,
            "health_address": "127.0.0.1:0",
            "redis_url": stack.redis_url,
            "policy": os.path.join(ROOT, "deploy", "policy.json"),
            "address": self.url.removeprefix("http://") if self.process else "127.0.0.1:0",
            "media_sources": stack.sandbox_url,
            "workers": stack.workers(),
            **GATEWAY,
            **self.settings,
        }
        self.process = programs.start(
            programs.binary(stack.bin_dir, "reelgate-gateway"),
            settings,
            log=stack.path("log", f"gateway-{self.instance}.log"),
            secrets={"REELGATE_JWT_SECRET": SECRET},
        )
        self.process.more["health"] = programs.listening(self.process, "the gateway's health")
        self.url = programs.listening(self.process, "the gateway", "gateway_listening")
        programs.wait_ready({f"gateway-{self.instance}": self.process})

    def close(self):
        assert self.process.stop(30), f"the gateway did not stop; its log is {self.process.more['log']}"

    def get(self, path, user, role="user"):
        """(status, headers, body) of an API call."""
        return self.call("GET", path, user, role)

    def call(self, method, path, user, role="user", body=None, headers=None):
        answer = requests.request(
            method,
            self.url + path,
            json=body,
            headers={"Authorization": f"Bearer {token(user, role)}", **(headers or {})},
            timeout=30,
        )
        return answer.status_code, answer.headers, answer.json() if answer.content else None


def axe_source():
    """axe-core, installed once per version under build/."""
    wanted = os.path.join(HERE, "package.json")
    place = os.path.join(ROOT, "build", "browser")
    installed = os.path.join(place, "installed.json")
    if not (os.path.exists(installed) and filecmp.cmp(wanted, installed, shallow=False)):
        os.makedirs(place, exist_ok=True)
        shutil.copy(wanted, os.path.join(place, "package.json"))
        subprocess.run(
            ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--silent"],
            cwd=place,
            check=True,
        )
        shutil.copy(wanted, installed)  # last: an interrupted install is done again
    with open(os.path.join(place, "node_modules", "axe-core", "axe.min.js"), encoding="utf-8") as file:
        return file.read()


class Browser:
    """One headless Chromium with one page; every wait is bounded and says what it waited for."""

    def __init__(self, downloads):
        options = webdriver.ChromeOptions()
        for flag in (
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--mute-audio",
            # it speaks to nobody but the pages under test
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
            "--no-default-browser-check",
            "--disable-features=OptimizationHints,MediaRouter,Translate",
        ):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        service = webdriver.ChromeService(shutil.which("chromedriver"))
        self.driver = webdriver.Chrome(options=options, service=service)
        self.downloads = downloads
        os.makedirs(downloads, exist_ok=True)
        self.gateway = None
        self._axe = None
        self._scripts = []

    def close(self):
        self.driver.quit()

    # ---- a fresh start for each test

    def fresh(self, gateway):
        self.gateway = gateway
        for handle in self.driver.window_handles[1:]:
            self.driver.switch_to.window(handle)
            self.driver.close()
        self.driver.switch_to.window(self.driver.window_handles[0])
        self.driver.get("about:blank")
        self.cdp("Storage.clearDataForOrigin", origin=gateway.url, storageTypes="all")
        for script in self._scripts:
            self.cdp("Page.removeScriptToEvaluateOnNewDocument", identifier=script)
        self._scripts = []
        self.block()
        self.cdp("Browser.setDownloadBehavior", behavior="allow", downloadPath=self.downloads)
        self.look(1280, 900)
        self.driver.get_log("browser")
        self.driver.get(gateway.url + "/assets/icon.svg")  # of our origin, to clear the tab's own storage
        self.run("sessionStorage.clear(); localStorage.clear()")

    def cdp(self, command, **arguments):
        return self.driver.execute_cdp_cmd(command, arguments)

    def look(self, width, height, dark=False):
        """As on a screen of that size; below 600 wide it is a phone."""
        self.cdp(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        features = {"prefers-color-scheme": "dark" if dark else "light", "prefers-reduced-motion": "reduce"}
        self.cdp("Emulation.setEmulatedMedia", features=[{"name": name, "value": features[name]} for name in features])

    def block(self, *patterns):
        """Calls that match never leave the browser."""
        self.cdp("Network.enable")
        self.cdp("Network.setBlockedURLs", urls=list(patterns))

    def before_scripts(self, source):
        """Runs in every page before its own scripts, until the test ends."""
        self._scripts.append(self.cdp("Page.addScriptToEvaluateOnNewDocument", source=source)["identifier"])

    def complaints(self):
        """What the browser said of broken rules and uncaught errors since the last call."""
        return [
            line["message"]
            for line in self.driver.get_log("browser")
            if any(words in line["message"] for words in FORBIDDEN)
        ]

    # ---- going places

    def sign_in(self, user, role="user", path="/", route=""):
        """By a sign-in link, as the demo prints it."""
        self.driver.get("about:blank")
        self.driver.get(f"{self.gateway.url}{path}#token={token(user, role)}")
        if route:
            self.until(
                lambda: self.shown("#shell" if path == "/admin" else "#studio"), "the page after sign-in"
            )
            self.go(route)

    def go(self, route):
        """To a route of the page that is open."""
        self.run("location.hash = arguments[0]", route)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    # ---- looking

    def all(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def one(self, css):
        """The one visible element."""
        return self.until(
            lambda: [found for found in self.all(css) if found.is_displayed()], f"{css} on the page"
        )[0]

    def shown(self, css):
        try:
            return any(found.is_displayed() for found in self.all(css))
        except StaleElementReferenceException:
            return False

    def text(self, css="main"):
        """What can be read there now."""
        with contextlib.suppress(StaleElementReferenceException):
            return "\n".join(found.text for found in self.all(css) if found.is_displayed())
        return ""

    def until(self, condition, what, seconds=60):
        def safely():
            with contextlib.suppress(StaleElementReferenceException):
                return condition()
            return None

        try:
            return wait_until(safely, seconds, what)
        except StackError as trouble:
            raise AssertionError(f"{trouble}; the page says:\n{self.text('body')}") from None

    def says(self, words, css="main", seconds=60):
        self.until(lambda: words in self.text(css), f"“{words}” in {css}", seconds)

    # ---- doing

    def click(self, css):
        """As a person does: it must be there, enabled, and under the pointer."""

        def done():
            for found in self.all(css):
                if found.is_displayed() and found.is_enabled():
                    self.run("arguments[0].scrollIntoView({ block: 'center' })", found)
                    found.click()
                    return True
            return False

        self.until(done, f"a click on {css}")

    def type(self, css, words):
        field = self.one(css)
        field.clear()
        field.send_keys(words)

    def axe(self, *rules):
        """The accessibility violations of what is shown, as lines; of these rules, else of all."""
        if self._axe is None:
            self._axe = axe_source()
        if not self.run("return Boolean(window.axe)"):
            self.run(self._axe)
        found = self.driver.execute_async_script(
            "const [rules, done] = arguments;"
            "axe.run(document, { resultTypes: ['violations'], ...(rules.length ? { runOnly: rules } : {}) })"
            ".then((result) => done(result.violations),"
            " (trouble) => done([{ id: String(trouble), nodes: [] }]));",
            list(rules),
        )
        return [
            f"{one['id']}: {node['target']} {node['failureSummary']}"
            for one in found
            for node in one["nodes"]
        ] + [one["id"] for one in found if not one["nodes"]]

    def screenshot(self, path):
        with contextlib.suppress(WebDriverException):
            self.driver.save_screenshot(path)
