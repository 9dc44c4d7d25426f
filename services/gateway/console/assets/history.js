/* The token history: every journal entry of the user with its reason and the balance after it. */

import { call, get, withQuery } from "./api.js";
import { el, fill, icon } from "./dom.js";
import { clockOf, count, dayOf, moment, signed, tokens } from "./format.js";
import { saveFile } from "./ui.js";

const PAGE = 25;
const SIGN = { grant: "plus", reserve: "lock", commit: "check", release: "undo" };

/* What an entry means to the person whose tokens they are. */
export function meaning(entry) {
  switch (entry.kind) {
    case "grant":
      return entry.amount < 0 ? "Correction" : "Tokens added";
    case "reserve":
      return "Reserved for a video";
    case "commit":
      return `Video ready: ${tokens(entry.amount)} spent`;
    case "release":
      return "Returned: not charged";
    default:
      return entry.kind;
  }
}

export const changeCell = (change) =>
  change === 0
    ? el("span.soft", {}, "0")
    : el("span", { class: change > 0 ? "plus" : "minus" }, signed(change));

export function openHistory(place, { attempt, titleOf }) {
  const rows = new Map(); /* id → entry */
  const body = el("tbody");
  const more = el("div.more-row");
  const empty = el(
    "div.empty",
    { hidden: true },
    icon("coins", 40),
    el("h2", {}, "No entries yet"),
    el(
      "p",
      {},
      "Tokens that you receive, reserve, spend and get back are listed here, each with its reason.",
    ),
  );
  const table = el(
    "div.scroll",
    {},
    el(
      "table.history",
      {},
      el("caption.visually-hidden", {}, "Token history, newest first"),
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          el("th", { scope: "col" }, "When"),
          el("th", { scope: "col" }, "What"),
          el("th.amount", { scope: "col" }, "Change"),
          el("th.amount", { scope: "col" }, "Available after"),
        ),
      ),
      body,
    ),
  );
  let cursor = null;
  let loaded = false;
  fill(
    place,
    el(
      "div.stack",
      {},
      el(
        "section.card",
        { "aria-labelledby": "history-title" },
        el(
          "div.head",
          {},
          el("h2", { id: "history-title" }, "Token history"),
          el("button.button.small.push", { type: "button", onclick: save }, icon("down", 16), "Export CSV"),
        ),
        el(
          "p.small.soft",
          { class: "history-hint" },
          "A video first reserves its tokens. They are spent when it is ready, returned when it is not made.",
        ),
        table,
        empty,
      ),
      more,
    ),
  );

  function show() {
    const newest = [...rows.values()].sort((a, b) =>
      a.at < b.at ? 1 : a.at > b.at ? -1 : order(b) - order(a),
    );
    fill(
      body,
      newest.map((entry, i) => [
        i && dayOf(newest[i - 1].at) === dayOf(entry.at)
          ? null
          : el("tr.day", {}, el("th", { scope: "rowgroup", colspan: 4 }, dayOf(entry.at))),
        row(entry),
      ]),
    );
    table.hidden = !newest.length;
    empty.hidden = newest.length > 0 || !loaded;
  }

  const order = (entry) => Number(entry.id.split("@")[1] ?? 0);

  function row(entry) {
    const title = entry.generationId ? titleOf(entry.generationId) : null;
    const about =
      title ?? (entry.kind === "grant" ? entry.description : (entry.generationId ?? entry.description));
    return el(
      "tr",
      { "data-id": entry.id, "data-kind": entry.kind },
      el("td.when.soft", {}, el("time", { datetime: entry.at, title: moment(entry.at) }, clockOf(entry.at))),
      el(
        "td.what",
        {},
        el(
          "div.entry",
          {},
          el("span.sign", { class: entry.kind }, icon(SIGN[entry.kind] ?? "coins", 16)),
          el(
            "div",
            {},
            el("strong", {}, meaning(entry)),
            el(
              "div.small.soft",
              {},
              entry.generationId
                ? el("a", { href: `#/videos/${encodeURIComponent(entry.generationId)}` }, about)
                : about,
            ),
          ),
        ),
      ),
      el("td.amount", {}, changeCell(entry.change)),
      el("td.amount.after.soft", {}, count(entry.balance?.available)),
    );
  }

  async function load(from) {
    const page = await attempt(() => get(withQuery("/v1/transactions", { limit: PAGE, cursor: from })));
    if (!page) return;
    page.items.forEach((entry) => rows.set(entry.id, entry));
    if (!loaded || from) cursor = page.nextCursor ?? null;
    loaded = true;
    fill(
      more,
      cursor
        ? el("button.button", { type: "button", onclick: () => load(cursor) }, "Show older entries")
        : null,
    );
    show();
  }

  async function save() {
    const text = await attempt(() => csv("/v1/transactions"));
    if (text) saveFile("reelgate-tokens.csv", "text/csv", text);
  }

  return {
    load: () => load(),
    refresh: show,
    add: (entry) => {
      rows.set(entry.id, entry);
      show();
    },
  };
}

/* A whole list as CSV, as the gateway makes it. */
export const csv = async (path, parameters) =>
  (await call("GET", withQuery(path, { ...parameters, format: "csv" }), { text: true })).body;
