/* Open holds: tokens that are reserved and not yet settled, by age. Old ones are looked at, never released by
   hand. */

import { get } from "./api.js";
import { el } from "./dom.js";
import { count, counted, percent, span, tokens } from "./format.js";
import { card, csvOf, exports, generationLink, head, partly, table, timeOf, userLink } from "./admin-kit.js";
import { statusBadge } from "./ui.js";

const LISTED = 200;

export const title = () => "Open holds";

export const load = () => get(`/v1/admin/holds?limit=${LISTED}`);

function ageName(ages, index) {
  const from = index ? span(ages[index - 1].underSeconds * 1000) : null;
  const to = ages[index].underSeconds ? span(ages[index].underSeconds * 1000) : null;
  return from && to ? `${from} – ${to}` : to ? `under ${to}` : `over ${from ?? "0 s"}`;
}

export function show({ data, context }) {
  return [
    head(
      "Open holds",
      `${tokens(data.tokens)} held by ${counted(data.count, "generation")}. ` +
        "A hold ends by the provider's verdict, never by a clock.",
      exports(context, "reelgate-holds", { csv: () => csvOf("/v1/admin/holds"), json: () => load() }),
    ),
    partly(data),
    card(
      "By age",
      el(
        "ul.funnel",
        {},
        data.ages.map((age, i) => {
          const bar = el("span");
          bar.style.width = data.count ? `${(age.count / data.count) * 100}%` : "0";
          return el(
            "li",
            {},
            el("span", {}, ageName(data.ages, i)),
            el(
              "span.meter",
              {
                class: i === data.ages.length - 1 ? "bad" : i === data.ages.length - 2 ? "warn" : "",
                "aria-hidden": "true",
              },
              age.count ? bar : null,
            ),
            el(
              "span.amount",
              {},
              count(age.count),
              " ",
              el("span.soft.small", {}, percent(age.count, data.count)),
            ),
          );
        }),
      ),
    ),
    el(
      "section.card",
      { "aria-label": "Oldest holds" },
      table({
        caption: "Holds, oldest first",
        rows: data.items,
        none: "No tokens are held.",
        columns: [
          { name: "Age", amount: false, cell: (row) => el("span.number", {}, span(row.ageSeconds * 1000)) },
          { name: "Generation", cell: (row) => generationLink(row.generationId) },
          { name: "User", cell: (row) => userLink(row.userId) },
          { name: "Status", cell: (row) => statusBadge(row.status) },
          { name: "Model", cell: (row) => row.model ?? "–" },
          { name: "Tokens", amount: true, cell: (row) => count(row.tokens) },
          { name: "Since", cell: (row) => timeOf(row.since) },
        ],
      }),
    ),
  ];
}
