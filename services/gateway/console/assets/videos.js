/* The user's videos: one card each, kept up to date by the event stream, newest first. */

import { Problem, call, get, withQuery } from "./api.js";
import { el, fill, icon, safeUrl } from "./dom.js";
import { ago, moment, ratioName, span, tokens } from "./format.js";
import { ask, note, statusBadge, toast } from "./ui.js";

const PAGE = 12;
const STEPS = ["Requested", "Reserved", "Rendering", "Ready"];
const STEP_OF = { sending: 0, pending: 0, accepted: 1, submitted: 2 };
const RANK = { sending: 0, pending: 1, accepted: 2, submitted: 3 }; /* the ends rank above all */
const TICK_MS = 1000;

const rank = (status) => RANK[status] ?? 4;
const ended = (generation) => rank(generation.status) === 4;

/* attempt(call) shows trouble; again(generation) fills the form; changed() is told that titles may be new. */
export function openVideos(place, { attempt, again, changed: tell }) {
  const known = new Map(); /* id → generation */
  const cards = new Map(); /* id → { root, update } */
  const list = el("ol.stack", { "aria-label": "Videos, newest first" });
  const more = el("div.more-row");
  const empty = el(
    "div.card.empty",
    { hidden: true },
    icon("film", 40),
    el("h2", {}, "No videos yet"),
    el(
      "p",
      {},
      "Describe your first video. You see what it costs first, and only a finished video is charged.",
    ),
  );
  let cursor = null;
  let loaded = false;
  fill(place, empty, list, more);

  /* Takes what is newer. A late answer must not bring back an earlier state, so an end stays an end. */
  function merge(next) {
    const before = known.get(next.id);
    const late = before && rank(next.status) < rank(before.status);
    const merged = late ? { ...next, ...before } : { ...before, ...next };
    known.set(next.id, merged);
    return merged;
  }

  function show(generation) {
    const merged = merge(generation);
    let card = cards.get(merged.id);
    if (!card) {
      card = makeCard({ cancel, again, look });
      cards.set(merged.id, card);
      card.root.dataset.created = merged.createdAt;
      const after = [...list.children].find((item) => (item.dataset.created ?? "") < merged.createdAt);
      list.insertBefore(card.root, after ?? null);
    }
    card.update(merged);
    empty.hidden = list.childElementCount > 0 || !loaded;
  }

  async function look(id) {
    try {
      show(await get(`/v1/generations/${encodeURIComponent(id)}`));
      tell();
    } catch (error) {
      if (!(error instanceof Problem)) throw error; /* the next event or poll tells it */
    }
  }

  async function load(from) {
    const page = await attempt(() => get(withQuery("/v1/generations", { limit: PAGE, cursor: from })));
    if (!page) return;
    const first = !loaded;
    loaded = true;
    page.items.forEach(show);
    tell();
    if (first || from) cursor = page.nextCursor ?? null;
    fill(
      more,
      cursor
        ? el("button.button", { type: "button", onclick: () => load(cursor) }, "Show older videos")
        : page.completeFrom
          ? el("p.small.soft", {}, "Older videos are not listed here; the token history names them all.")
          : null,
    );
    empty.hidden = list.childElementCount > 0;
  }

  /* One event of the stream. */
  function changed(event) {
    const before = known.get(event.id);
    const { type, at, ...fields } = event;
    if (before) show({ ...fields, updatedAt: at });
    if (!before || rank(event.status) === 4) look(event.id);
    if (before && !ended(before) && event.status === "completed") toast("Your video is ready.");
  }

  async function cancel(generation) {
    const sure = await ask({
      title: "Cancel this video?",
      confirm: "Cancel the video",
      danger: true,
      content: el(
        "p",
        {},
        "If it is already finished you still receive it, and it is charged. Otherwise your tokens come back.",
      ),
    });
    if (!sure) return;
    const answer = await attempt(() =>
      call("DELETE", `/v1/generations/${encodeURIComponent(generation.id)}`),
    );
    if (answer) show({ ...answer.body, cancelRequested: true });
  }

  async function reveal(id) {
    if (!known.has(id)) await look(id);
    const card = cards.get(id);
    card?.root.scrollIntoView({ block: "center" });
    card?.root.focus({ preventScroll: true });
  }

  setInterval(() => {
    for (const [id, card] of cards) if (!ended(known.get(id) ?? { status: "sending" })) card.tick();
  }, TICK_MS);

  return {
    load: () => load(),
    changed,
    reveal,
    add: (generation) => {
      show(generation);
      look(generation.id);
    },
    addSending: (entry) =>
      show({ id: entry.key, status: "sending", createdAt: new Date(entry.at).toISOString(), ...entry.body }),
    removeSending: (entry) => {
      cards.get(entry.key)?.root.remove();
      cards.delete(entry.key);
      known.delete(entry.key);
      empty.hidden = list.childElementCount > 0;
    },
    titleOf: (id) => known.get(id)?.prompt ?? null,
  };
}

/* ---- one card */

function makeCard({ cancel, again, look }) {
  const screen = el("div.screen");
  const about = el("div.about");
  const root = el("li.card.video.fresh", { tabindex: "-1" }, screen, about);
  const clock = el("span.number");
  let shownScreen = null;
  let generation = null;

  function tick() {
    clock.textContent = span(
      Math.max(1, Math.floor((Date.now() - new Date(generation.createdAt).getTime()) / 1000)) * 1000,
    );
  }

  function update(next) {
    generation = next;
    root.dataset.id = next.id;
    root.dataset.status = next.status;
    root.classList.toggle("bare", ended(next) && next.status !== "completed");
    const key = `${next.status} ${next.output?.[0] ?? ""} ${isExpired(next)} ${progressOf(next)}`;
    if (key !== shownScreen) {
      /* a playing video is left alone */
      shownScreen = key;
      fill(
        screen,
        screenOf(next, clock, () => look(next.id)),
      );
    }
    tick();
    const focused = about.contains(document.activeElement) ? document.activeElement.dataset.act : null;
    fill(about, aboutOf(next, { cancel, again }));
    if (focused) about.querySelector(`[data-act="${focused}"]`)?.focus();
  }

  return { root, update, tick };
}

const isExpired = (generation) =>
  Boolean(generation.outputExpiresAt) && new Date(generation.outputExpiresAt) <= new Date();

/* Per cent, or null when the provider has said nothing yet. */
const progressOf = ({ status, progress }) =>
  status === "submitted" && Number.isFinite(progress) ? Math.round(progress * 100) : null;

function waiting(generation, clock) {
  const percent = progressOf(generation);
  if (percent === null) return el("div.waiting", {}, el("span.spinner", { "aria-hidden": "true" }), clock);
  const done = el("span");
  done.style.width = `${percent}%`;
  return el(
    "div.waiting",
    {},
    el("span.percent.number", { "aria-hidden": "true" }, `${percent} %`),
    el(
      "div.bar",
      {
        role: "progressbar",
        "aria-label": "Rendered",
        "aria-valuemin": 0,
        "aria-valuemax": 100,
        "aria-valuenow": percent,
      },
      done,
    ),
    clock,
  );
}

function screenOf(generation, clock, look) {
  const words = (name, ...text) =>
    el(
      "div.waiting",
      {},
      icon(name, 32),
      text.map((line) => el("span", {}, line)),
    );
  if (!ended(generation)) return waiting(generation, clock);
  if (generation.status !== "completed") return [];
  const url = safeUrl(generation.output?.[0] ?? "");
  if (isExpired(generation)) return words("clock", "The link to this video has expired.");
  if (!url) return words("film", "The video is being fetched.");
  const video = el("video", {
    controls: true,
    preload: "metadata",
    playsinline: true,
    src: url,
    "aria-label": `Video: ${generation.prompt ?? "without description"}`,
  });
  video.addEventListener(
    "error",
    () => {
      video.replaceWith(words("warn", "The video can't be shown here."));
      look();
    },
    { once: true },
  );
  return video;
}

function aboutOf(generation, { cancel, again }) {
  const parts = [
    generation.model,
    generation.durationSeconds ? `${generation.durationSeconds} s` : null,
    generation.ratio ? ratioName(generation.ratio) : null,
    generation.image ? "from an image" : null,
  ].filter(Boolean);
  return [
    el(
      "div.row",
      {},
      generation.status === "sending" ? el("span.badge.busy", {}, "Sending") : statusBadge(generation.status),
      el(
        "time.soft.small",
        { datetime: generation.createdAt, title: moment(generation.createdAt) },
        ago(generation.createdAt),
      ),
    ),
    el(
      "p.prompt",
      { title: generation.prompt },
      generation.prompt ?? "A video whose request is no longer kept",
    ),
    el(
      "p.facts",
      {},
      parts.map((part) => el("span", {}, part)),
    ),
    ended(generation) ? endOf(generation) : stepsOf(generation),
    actionsOf(generation, cancel, again),
  ];
}

function stepsOf(generation) {
  const now = STEP_OF[generation.status] ?? 0;
  return [
    el(
      "ol.steps",
      { "aria-label": "Progress" },
      STEPS.map((name, index) =>
        el(
          "li",
          {
            class: index < now ? "past" : index === now ? "now" : "",
            "aria-current": index === now ? "step" : null,
          },
          name,
        ),
      ),
    ),
    generation.requiredTokens
      ? el(
          "p.small.soft",
          {},
          `${tokens(generation.requiredTokens)} reserved, charged only when the video is ready.`,
        )
      : null,
    generation.cancelRequested
      ? el("p.small.soft", {}, "Cancellation asked for. Waiting for the last word of the renderer.")
      : null,
  ];
}

/* How it ended, in words about money first: that is what people ask. */
function endOf(generation) {
  const { status, error, chargedTokens: charged } = generation;
  const code = error?.failureCode ? `Code ${error.failureCode}` : null;
  const free = charged === 0 ? "Nothing was charged." : charged > 0 ? `${tokens(charged)} charged.` : "";
  const back =
    charged === 0 && generation.requiredTokens
      ? `Back in your balance: ${tokens(generation.requiredTokens)}.`
      : null;
  if (status === "completed") {
    const expires =
      generation.outputExpiresAt && !isExpired(generation)
        ? ` Save it: the link expires ${ago(generation.outputExpiresAt)}.`
        : "";
    return el("p.small.soft", {}, `${charged === undefined ? "Charge being booked." : free}${expires}`);
  }
  if (status === "failed") return note("bad", `This video failed. ${free}`, error?.message, code, back);
  if (status === "cancelled") return note("", `Cancelled. ${free}`, back);
  if (error?.code === "insufficient_tokens") {
    return note(
      "warn",
      "You do not have enough tokens to generate a video. Please purchase more tokens.",
      error.requiredTokens !== undefined
        ? `Needed: ${tokens(error.requiredTokens)} · Available: ${tokens(error.currentBalance ?? 0)}`
        : null,
      "Nothing was charged.",
    );
  }
  return note("warn", "This request was refused. Nothing was charged.", error?.message);
}

function actionsOf(generation, cancel, again) {
  const actions = [];
  const url =
    generation.status === "completed" && !isExpired(generation)
      ? safeUrl(generation.output?.[0] ?? "")
      : null;
  if (url) {
    actions.push(
      el(
        "a.button.small",
        { href: url, target: "_blank", rel: "noopener noreferrer", download: true, "data-act": "save" },
        icon("down", 16),
        "Download",
      ),
    );
  }
  if (["pending", "accepted", "submitted"].includes(generation.status) && !generation.cancelRequested) {
    actions.push(
      el(
        "button.button.small",
        { type: "button", onclick: () => cancel(generation), "data-act": "cancel" },
        "Cancel",
      ),
    );
  }
  if (ended(generation) && generation.prompt) {
    actions.push(
      el(
        "button.button.small.quiet",
        { type: "button", onclick: () => again(generation), "data-act": "again" },
        icon("again", 16),
        generation.status === "completed" ? "Use again" : "Try again",
      ),
    );
  }
  return actions.length ? el("div.row", {}, actions) : null;
}
