/* What the sections of the admin page have in common: heads, tables, export, links, and asking for whole
   lists. */

import { call, get, withQuery } from "./api.js";
import { el, icon } from "./dom.js";
import { count, exact, moment } from "./format.js";
import { note, saveFile } from "./ui.js";

const WHOLE_PAGE = 200;
const WHOLE_MOST = 100; /* pages: 20,000 rows are enough for a file made by a page */

export const userLink = (id) => el("a.id", { href: `#/users/${encodeURIComponent(id)}` }, id);
export const generationLink = (id) => el("a.id", { href: `#/generations/${encodeURIComponent(id)}` }, id);
export const timeOf = (at) => el("time", { datetime: at, title: exact(at) }, moment(at));

export function head(title, words, ...right) {
  return el(
    "header.page-head",
    {},
    el("div.grow", {}, el("h1", {}, title), words ? el("p", {}, words) : null),
    el("div.toolbar", {}, right),
  );
}

/* Said when an answer can't go back as far as was asked: a gateway knows what it has read. */
export const partly = (answer) =>
  answer.completeFrom
    ? note(
        "warn",
        `Complete since ${moment(answer.completeFrom)}.`,
        "What is older is in the journal, but not counted here: a gateway reads so far back when it starts.",
      )
    : null;

export const tile = (label, value, more) =>
  el(
    "div.tile",
    {},
    el("span.label", {}, label),
    el("span.value", {}, typeof value === "number" ? count(value) : value),
    more ? el("span.more", {}, more) : null,
  );

export const tiles = (...each) => el("div.card.tiles", {}, each);

/* A card whose table reaches its edges. */
export const tableCard = (title, content) =>
  el("section.card.flush", { "aria-label": title }, el("div.head", {}, el("h2", {}, title)), content);

export const card = (title, ...content) =>
  el(
    "section.card",
    { "aria-label": title },
    el("div.head", {}, el("h2", {}, title)),
    el("div.body", {}, content),
  );

/* A choice of which one holds, as links: [[words, href, on]]. */
export const segmented = (label, choices) =>
  el(
    "nav.segmented",
    { "aria-label": label },
    choices.map(([words, href, on]) => el("a", { href, "aria-current": on ? "true" : null }, words)),
  );

/* columns: [{ name, cell(row), amount?, sort? }]; sorting = { by, order, to(by, order) → href } for those
   with sort. */
export function table({ caption, columns, rows, sorting, none = "Nothing here." }) {
  const heads = columns.map((column) => {
    const kind = { scope: "col", class: column.amount ? "amount" : "" };
    if (!column.sort || !sorting) return el("th", kind, column.name);
    const on = sorting.by === column.sort;
    const next = on && sorting.order === "desc" ? "asc" : on ? "desc" : (column.first ?? "desc");
    return el(
      "th",
      { ...kind, "aria-sort": on ? (sorting.order === "asc" ? "ascending" : "descending") : null },
      el(
        "button",
        {
          type: "button",
          "data-sort": column.sort,
          onclick: () => {
            location.hash = sorting.to(column.sort, next);
          },
        },
        column.name,
        on ? el("span", { "aria-hidden": "true" }, sorting.order === "asc" ? "↑" : "↓") : null,
      ),
    );
  });
  const body = rows.length
    ? rows.map((row) =>
        el(
          "tr",
          { "data-id": row.id ?? row.userId ?? row.generationId ?? null },
          columns.map((column) =>
            el("td", { class: `${column.amount ? "amount" : ""} ${column.class ?? ""}` }, column.cell(row)),
          ),
        ),
      )
    : el("tr", {}, el("td.none", { colspan: columns.length }, icon("empty", 32), none));
  return el(
    "div.scroll",
    { tabindex: "0", role: "region", "aria-label": `${caption}, table` },
    el(
      "table",
      {},
      el("caption.visually-hidden", {}, caption),
      el("thead", {}, el("tr", {}, heads)),
      el("tbody", {}, body),
    ),
  );
}

/* ---- export */

/* Every item of a list, page after page. */
export async function whole(path, parameters = {}) {
  const items = [];
  let cursor;
  for (let page = 0; page < WHOLE_MOST; page += 1) {
    const answer = await get(withQuery(path, { ...parameters, limit: WHOLE_PAGE, cursor }));
    items.push(...answer.items);
    cursor = answer.nextCursor;
    if (!cursor) break;
  }
  return items;
}

/* Rows as CSV (RFC 4180). A cell that a spreadsheet would take for a formula gets an apostrophe before it. */
export function toCsv(rows, names) {
  const cell = (value) => {
    let text = value === undefined || value === null ? "" : String(value);
    if (typeof value !== "number" && /^[=+\-@\t\r]/.test(text)) text = `'${text}`;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return (
    [names, ...rows.map((row) => names.map((name) => row[name]))]
      .map((line) => line.map(cell).join(","))
      .join("\r\n") + "\r\n"
  );
}

/* Two buttons that save a list: csv() and json() give the text and the value, or a promise of it. */
export function exports(context, name, { csv, json }) {
  const button = (words, make, kind, type) =>
    el(
      "button.button.small",
      {
        type: "button",
        "data-export": kind,
        onclick: async () => {
          const text = await context.attempt(make);
          if (text !== undefined) saveFile(`${name}.${kind}`, type, text);
        },
      },
      icon("down", 16),
      words,
    );
  return [
    button("CSV", async () => csv(), "csv", "text/csv"),
    button("JSON", async () => JSON.stringify(await json(), null, 2), "json", "application/json"),
  ];
}

export const csvOf = async (path, parameters) =>
  (await call("GET", withQuery(path, { ...parameters, format: "csv" }), { text: true })).body;

/* The hash of a section with its parameters: link("users", { sort }) is "#/users?sort=…". */
export const link = (path, parameters = {}) => `#/${withQuery(path, parameters)}`;

export const pager = (cursor, more) =>
  cursor ? el("div.pager", {}, el("button.button", { type: "button", onclick: more }, "Show more")) : null;
