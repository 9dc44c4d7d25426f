/* All users: search, sort, export; one row leads to one user's page. */

import { get, withQuery } from "./api.js";
import { el } from "./dom.js";
import { ago, count, counted, exact } from "./format.js";
import { csvOf, exports, head, link, pager, partly, table, userLink, whole } from "./admin-kit.js";
import { grantDialog } from "./admin-grant.js";

const PAGE = 50;
const SORTS = ["available", "reserved", "spent", "granted", "recent", "userId"];
let more = []; /* pages that were asked for beyond the first, of the address in moreOf */
let moreOf = "";

export const title = () => "Users";

function settings({ q = "", sort = "recent", order }) {
  const by = SORTS.includes(sort) ? sort : "recent";
  return {
    q,
    sort: by,
    order: order === "asc" || order === "desc" ? order : by === "userId" ? "asc" : "desc",
  };
}

export async function load({ parameters }) {
  const now = settings(parameters);
  if (moreOf !== JSON.stringify(now)) {
    more = [];
    moreOf = JSON.stringify(now);
  }
  let page = await get(withQuery("/v1/admin/users", { ...now, limit: PAGE }));
  const items = [...page.items];
  for (let i = 0; i < more.length && page.nextCursor; i += 1) {
    page = await get(withQuery("/v1/admin/users", { ...now, limit: PAGE, cursor: page.nextCursor }));
    items.push(...page.items);
  }
  return { ...page, items };
}

export function show({ parameters, data, context }) {
  const now = settings(parameters);
  const search = el("input.input", {
    type: "search",
    name: "q",
    value: now.q,
    "aria-label": "Search users by id",
    placeholder: "Search by id",
    autocomplete: "off",
    spellcheck: "false",
  });
  const form = el(
    "form.lookup",
    {
      role: "search",
      "aria-label": "Users",
      onsubmit: (event) => {
        event.preventDefault();
        location.hash = link("users", { ...now, q: search.value.trim() });
      },
    },
    search,
    el("button.button", { type: "submit" }, "Search"),
  );
  return [
    head(
      "Users",
      counted(data.total, "user") + (now.q ? ` with “${now.q}” in the id.` : "."),
      context.canWrite
        ? el(
            "button.button.primary.small",
            { type: "button", "data-act": "grant", onclick: () => grantDialog(context, {}) },
            "Grant tokens",
          )
        : null,
      exports(context, "reelgate-users", {
        csv: () => csvOf("/v1/admin/users", now),
        json: () => whole("/v1/admin/users", now),
      }),
    ),
    partly(data),
    form,
    el(
      "section.card",
      { "aria-label": "Users" },
      table({
        caption: "Users and their balances",
        rows: data.items,
        none: "No user matches.",
        sorting: {
          by: now.sort,
          order: now.order,
          to: (sort, order) => link("users", { ...now, sort, order }),
        },
        columns: [
          { name: "User", sort: "userId", first: "asc", cell: (row) => userLink(row.userId) },
          ...["available", "reserved", "spent", "granted"].map((part) => ({
            name: part[0].toUpperCase() + part.slice(1),
            sort: part,
            amount: true,
            cell: (row) => count(row.balance[part]),
          })),
          { name: "Videos", amount: true, cell: (row) => count(row.completed) },
          { name: "Failed", amount: true, cell: (row) => count(row.failed) },
          { name: "Rejected", amount: true, cell: (row) => count(row.rejected) },
          {
            name: "Last active",
            sort: "recent",
            cell: (row) =>
              el(
                "time.soft",
                { datetime: row.lastActiveAt, title: exact(row.lastActiveAt) },
                ago(row.lastActiveAt),
              ),
          },
        ],
      }),
      pager(data.nextCursor, () => {
        more.push(data.nextCursor);
        context.refresh();
      }),
    ),
  ];
}
