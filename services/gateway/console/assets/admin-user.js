/* One user: balance, ledger with the balance after each entry, generations, grant and correct. */

import { get, withQuery } from "./api.js";
import { el, icon } from "./dom.js";
import { ago, count, moment, tokens } from "./format.js";
import {
  csvOf,
  exports,
  generationLink,
  head,
  link,
  pager,
  partly,
  segmented,
  table,
  tile,
  tiles,
  timeOf,
  toCsv,
  whole,
} from "./admin-kit.js";
import { forgetGrant, grantDialog, sendAgain, unansweredGrants } from "./admin-grant.js";
import { changeCell } from "./history.js";
import { note, statusBadge } from "./ui.js";

const PAGE = 50;
let pages = 1;
let pagesOf = "";

export const title = ({ id }) => id;

const viewOf = ({ view }) => (view === "generations" ? "generations" : "transactions");

export async function load({ id, parameters }) {
  const base = `/v1/admin/users/${encodeURIComponent(id)}`;
  const view = viewOf(parameters);
  if (pagesOf !== `${id}/${view}`) {
    pages = 1;
    pagesOf = `${id}/${view}`;
  }
  const [user, first] = await Promise.all([get(base), get(withQuery(`${base}/${view}`, { limit: PAGE }))]);
  const items = [...first.items];
  let cursor = first.nextCursor;
  for (let i = 1; i < pages && cursor; i += 1) {
    const next = await get(withQuery(`${base}/${view}`, { limit: PAGE, cursor }));
    items.push(...next.items);
    cursor = next.nextCursor;
  }
  return { user, items, cursor };
}

export function show({ id, parameters, data: { user, items, cursor }, context }) {
  const view = viewOf(parameters);
  const path = `users/${encodeURIComponent(id)}`;
  const api = `/v1/admin/${path}/${view}`;
  const { balance } = user;
  const save =
    view === "transactions"
      ? exports(context, `reelgate-${id}-ledger`, { csv: () => csvOf(api), json: () => whole(api) })
      : exports(context, `reelgate-${id}-generations`, {
          json: () => whole(api),
          csv: async () =>
            toCsv(await whole(api), [
              "id",
              "status",
              "createdAt",
              "updatedAt",
              "model",
              "durationSeconds",
              "ratio",
              "requiredTokens",
              "chargedTokens",
              "prompt",
            ]),
        });
  return [
    el(
      "div",
      {},
      el("a.crumb", { href: "#/users" }, icon("back", 14), "Users"),
      head(
        el("span.break", {}, id),
        `Last active ${ago(user.lastActiveAt)}.`,
        context.canWrite
          ? [
              el(
                "button.button.primary.small",
                {
                  type: "button",
                  "data-act": "grant",
                  onclick: () => grantDialog(context, { userId: id, balance }),
                },
                "Grant tokens",
              ),
              el(
                "button.button.small",
                {
                  type: "button",
                  "data-act": "correct",
                  onclick: () => grantDialog(context, { userId: id, balance, correct: true }),
                },
                "Correct",
              ),
            ]
          : null,
      ),
    ),
    context.canWrite
      ? unansweredGrants()
          .filter((entry) => entry.body.userId === id)
          .map((entry) => unanswered(context, entry))
      : null,
    user.verified === false
      ? note(
          "warn",
          "The ledger is checking this account.",
          "The numbers may be old; requests wait until it is done.",
        )
      : null,
    partly(user),
    tiles(
      tile("Available", balance.available),
      tile("Reserved", balance.reserved),
      tile("Spent", balance.spent),
      tile("Granted", balance.granted, "= available + reserved + spent"),
      tile(
        "Generations",
        user.generations,
        ["completed", "failed", "cancelled", "rejected"]
          .map((end) => `${count(user[end])} ${end}`)
          .join(", "),
      ),
    ),
    el(
      "div.row",
      {},
      segmented("View", [
        ["Ledger", link(path), view === "transactions"],
        ["Generations", link(path, { view: "generations" }), view === "generations"],
      ]),
      el("span.push.row", {}, save),
    ),
    el(
      "section.card",
      { "aria-label": view === "transactions" ? "Ledger" : "Generations" },
      view === "transactions" ? ledger(items) : generations(items),
      pager(cursor, () => {
        pages += 1;
        context.refresh();
      }),
    ),
  ];
}

const unanswered = (context, entry) =>
  el(
    "div.note.warn",
    {},
    icon("warn"),
    el(
      "div",
      {},
      el(
        "strong",
        {},
        `A grant of ${tokens(entry.body.amount)} was sent ${ago(entry.at)} and its answer never came.`,
      ),
      el("p", {}, "Sending it again can't give twice: it goes out under the same key."),
      el(
        "div.row",
        {},
        el("button.button.small", { type: "button", onclick: () => sendAgain(context, entry) }, "Send again"),
        el(
          "button.button.small.quiet",
          { type: "button", onclick: () => forgetGrant(context, entry) },
          "Forget it",
        ),
      ),
    ),
  );

/* The words of the journal; the generation that they name, or belong to, as a link. */
function reason({ description = "", generationId, grantId }) {
  if (!generationId) return [el("div", {}, description), grantId ? el("span.id.soft", {}, grantId) : null];
  return description.endsWith(generationId)
    ? [el("div", {}, description.slice(0, -generationId.length)), generationLink(generationId)]
    : [el("div", {}, description), generationLink(generationId)];
}

const ledger = (items) =>
  table({
    caption: "Ledger, newest first",
    rows: items,
    none: "No entries.",
    columns: [
      { name: "When", cell: (row) => timeOf(row.at) },
      { name: "Entry", cell: (row) => el("span.badge.plain", {}, row.kind) },
      { name: "Reason", class: "break", cell: reason },
      { name: "Amount", amount: true, cell: (row) => count(row.amount) },
      { name: "Change", amount: true, cell: (row) => changeCell(row.change) },
      ...["available", "reserved", "spent"].map((part) => ({
        name: part[0].toUpperCase() + part.slice(1),
        amount: true,
        cell: (row) => count(row.balance?.[part]),
      })),
      { name: "Journal", cell: (row) => el("span.id.soft", {}, row.id) },
    ],
  });

const generations = (items) =>
  table({
    caption: "Generations, newest first",
    rows: items,
    none: "No generations.",
    columns: [
      { name: "When", cell: (row) => moment(row.createdAt) },
      { name: "Generation", cell: (row) => generationLink(row.id) },
      { name: "Status", cell: (row) => statusBadge(row.status) },
      { name: "Prompt", class: "break", cell: (row) => row.prompt ?? "–" },
      { name: "Model", cell: (row) => row.model ?? "–" },
      { name: "Reserved", amount: true, cell: (row) => count(row.requiredTokens) },
      { name: "Charged", amount: true, cell: (row) => count(row.chargedTokens) },
    ],
  });
