/* The admin page: who may be here, the health strip, and routes in the address (#/users/ada?view=ledger), so
   that every view can be linked, reloaded and gone back to. Each section is a file of its own with load() and
   show(). */

import { Problem, get } from "./api.js";
import { byId, el, fill, icon } from "./dom.js";
import { sweep } from "./charts.js";
import { ago } from "./format.js";
import { ENDED, openPage, topBar } from "./page.js";
import { banner, note } from "./ui.js";
import * as generation from "./admin-generation.js";
import * as health from "./admin-health.js";
import * as holds from "./admin-holds.js";
import * as letters from "./admin-letters.js";
import * as overview from "./admin-overview.js";
import * as search from "./admin-search.js";
import * as usage from "./admin-usage.js";
import * as user from "./admin-user.js";
import * as users from "./admin-users.js";

const REFRESH_MS = 10000;
const HEALTH_MS = 5000;

const MENU = [
  ["overview", "Overview", "grid"],
  ["usage", "Token usage", "chart"],
  ["users", "Users", "users"],
  ["holds", "Open holds", "lock"],
  ["dead-letters", "Dead letters", "mail"],
  ["health", "Health", "pulse"],
];

/* Section, and the one for a single thing of it. */
const ROUTES = {
  overview: [overview],
  usage: [usage],
  users: [users, user],
  generations: [null, generation],
  holds: [holds],
  "dead-letters": [letters.list, letters.one],
  health: [health],
  search: [search],
};

let context = null; /* { me, canWrite, attempt, refresh } once signed in */
let shown = 0; /* which render is the newest: an older answer is thrown away */
let timers = [];

function route() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [name = "overview", id] = path.split("/").map(decodeURIComponent);
  const pair = ROUTES[name || "overview"];
  const section = pair?.[id ? 1 : 0];
  return {
    name: name || "overview",
    id,
    section,
    parameters: Object.fromEntries(new URLSearchParams(query)),
  };
}

/* Draws the route. quiet: a refresh by the clock, which leaves focus, scrolling and what is typed alone. */
async function render(quiet = false) {
  const now = ++shown;
  const { name, id, section, parameters } = route();
  showMenu(name);
  const place = byId("main");
  if (!section) {
    fill(place, note("warn", "There is no such page.", "Choose a section on the left."));
    return;
  }
  if (!quiet) {
    fill(place, el("p.soft", { role: "status" }, "Loading…"));
    scrollTo(0, 0);
  }
  let data;
  try {
    data = await section.load({ id, parameters, context });
    banner(null);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (now !== shown) return;
    if (!page.trouble(error))
      fill(place, note("warn", error.status === 404 ? "Not found" : "This can't be shown.", error.message));
    return;
  }
  if (now !== shown) return;
  const kept = quiet ? keepPlace(place) : null;
  document.title = `${section.title({ id })} – Reelgate admin`;
  fill(place, el("div.page", {}, section.show({ id, parameters, data, context })));
  sweep();
  kept?.();
  if (!quiet && context.moved) place.focus({ preventScroll: true });
  context.moved = true;
}

/* Remembers what a redraw would lose: focus, open details, how far a table was scrolled. */
function keepPlace(place) {
  const path = (node) => {
    const way = [];
    for (let at = node; at && at !== place; at = at.parentElement)
      way.unshift([...at.parentElement.children].indexOf(at));
    return way;
  };
  const find = (way) => way.reduce((at, index) => at?.children[index], place);
  const focus = place.contains(document.activeElement) ? path(document.activeElement) : null;
  const open = [...place.querySelectorAll("details[open]")].map(path);
  const scrolled = [...place.querySelectorAll(".scroll")].map((node) => [path(node), node.scrollLeft]);
  return () => {
    for (const way of open) {
      const node = find(way);
      if (node?.localName === "details") node.open = true;
    }
    for (const [way, left] of scrolled) {
      const node = find(way);
      if (node) node.scrollLeft = left;
    }
    if (focus) find(focus)?.focus?.({ preventScroll: true });
  };
}

function showMenu(current) {
  const on = current === "generations" ? "users" : current;
  fill(
    byId("menu"),
    MENU.map(([name, words, sign]) =>
      el("a", { href: `#/${name}`, "aria-current": name === on ? "page" : null }, icon(sign, 18), words),
    ),
  );
  /* On a phone the menu is a row that scrolls. scrollIntoView would move the page, too. */
  const here = byId("menu").querySelector("[aria-current]");
  if (here) byId("menu").scrollLeft = here.offsetLeft - (byId("menu").clientWidth - here.offsetWidth) / 2;
}

async function showStrip() {
  if (document.hidden || !context) return;
  let said;
  try {
    said = await get("/v1/admin/health");
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (error.status === 401) {
      page.leave(ENDED);
      return;
    }
    fill(byId("strip"), el("span.part.bad", {}, "The gateway does not answer"));
    return;
  }
  fill(
    byId("strip"),
    said.parts.map((part) =>
      el(
        "span.part",
        { class: part.ok ? "good" : "bad", title: part.detail, "data-part": part.name },
        health.nameOf(part),
        el("span.visually-hidden", {}, part.ok ? ": fine" : ": trouble"),
        part.ok ? null : el("span.detail", {}, part.detail),
      ),
    ),
    el("a.push.small", { href: "#/health" }, `Reelgate ${said.version}, started ${ago(said.startedAt)}`),
  );
}

function begin(me) {
  const { attempt } = page;
  context = { me, canWrite: me.role === "admin", attempt, refresh: () => render(true), moved: false };
  byId("role").textContent = context.canWrite ? "Admin" : "Read only";
  if (!location.hash) history.replaceState(null, "", "#/overview");
  showStrip();
  render();
  timers = [
    setInterval(showStrip, HEALTH_MS),
    setInterval(() => {
      if (!document.hidden && !document.querySelector("dialog[open]") && !route().section?.still)
        render(true);
    }, REFRESH_MS),
  ];
}

function end() {
  timers.forEach(clearInterval);
  context = null;
  shown += 1;
}

topBar({
  home: "#/overview",
  name: "admin",
  middle: search.box((call) => page.attempt(call)),
  right: el("span.badge.plain", { id: "role", hidden: true }),
});
const page = openPage({
  shown: ["shell", "find", "role"],
  pasteWords: "Paste an access token with the role support or admin.",
  awayWords: (problem) => `${problem.message} This page keeps trying by itself.`,
  refuses: (me) =>
    me.role === "user"
      ? `The token of ${me.userId} is a user's. This page needs the role support or admin.`
      : null,
  begin,
  end,
});
addEventListener("hashchange", () => {
  if (context && location.hash.startsWith("#/")) render();
});
page.start();
