/* Overview: the last day in one screen. */

import { get } from "./api.js";
import { bars } from "./charts.js";
import { el } from "./dom.js";
import { count, percent, span, tokens } from "./format.js";
import { card, tableCard, head, link, partly, table, tile, tiles } from "./admin-kit.js";
import { buckets } from "./admin-usage.js";
import { statusBadge } from "./ui.js";

const HOURS = 24;

export const title = () => "Overview";

export async function load() {
  const [usage, funnel, holds, letters] = await Promise.all([
    get(`/v1/admin/usage?by=hour&hours=${HOURS}`),
    get(`/v1/admin/funnel?hours=${HOURS}`),
    get("/v1/admin/holds?limit=1"),
    get("/v1/admin/dead-letters?limit=1"),
  ]);
  return { usage, funnel, holds, letters };
}

export function show({ data: { usage, funnel, holds, letters } }) {
  const { totals } = usage;
  const open = letters.reasons.reduce((sum, reason) => sum + reason.count, 0);
  const over = totals.completed + totals.failed + totals.cancelled;
  return [
    head("Overview", "The last 24 hours."),
    partly(usage),
    tiles(
      tile("Tokens spent", totals.committedTokens, `of ${count(totals.reservedTokens)} reserved`),
      tile("Tokens returned", totals.releasedTokens, "failed or cancelled, not charged"),
      tile("Tokens granted", totals.grantedTokens ?? 0, "corrections counted in"),
      tile("Videos made", totals.completed, `${percent(totals.completed, over)} of those that ended`),
      tile(
        "Open holds",
        holds.count,
        holds.count
          ? el(
              "a",
              { href: "#/holds" },
              `${tokens(holds.tokens)}, oldest ${span(holds.items[0].ageSeconds * 1000)}`,
            )
          : "none",
      ),
      tile("Dead letters", open, open ? el("a", { href: "#/dead-letters" }, "look at them") : "none open"),
    ),
    el(
      "div.two",
      {},
      card(
        "Tokens per hour",
        consumption(usage),
        el(
          "p.small",
          {},
          el("a", { href: link("usage", { by: "hour", hours: HOURS }) }, "By model, by day, as a table"),
        ),
      ),
      card("Funnel", funnelOf(funnel)),
    ),
    el(
      "div.two.even",
      {},
      tableCard("Why some never became a video", reasonsOf(funnel)),
      tableCard("Under way now", underWayOf(funnel)),
    ),
  ];
}

function consumption(usage) {
  const { labels, sum } = buckets(usage);
  return bars({
    labels,
    words: [
      `Tokens per hour over the last day: ${count(usage.totals.committedTokens)} spent`,
      `${count(usage.totals.releasedTokens)} returned`,
      `${count(usage.totals.rejectedTokens)} refused.`,
    ].join(", "),
    series: [
      { name: "Spent", colour: "series-1", values: sum("committedTokens") },
      { name: "Returned", colour: "series-2", values: sum("releasedTokens") },
      { name: "Refused", colour: "series-3", values: sum("rejectedTokens") },
    ],
  });
}

const STAGE = {
  requested: "Requested",
  accepted: "Accepted",
  submitted: "Submitted",
  completed: "Completed",
};
const END = { rejected: ["Rejected", "warn"], failed: ["Failed", "bad"], cancelled: ["Cancelled", "warn"] };

function meter(words, kind, part, all) {
  const fill1 = el("span");
  fill1.style.width = all > 0 ? `${Math.min(100, (part / all) * 100)}%` : "0";
  return el(
    "li",
    {},
    el("span", {}, words),
    el("span.meter", { class: kind, "aria-hidden": "true" }, part > 0 ? fill1 : null),
    el("span.amount", {}, count(part), " ", el("span.soft.small", {}, percent(part, all))),
  );
}

function funnelOf(funnel) {
  const all = funnel.stages[0]?.count ?? 0;
  return el(
    "ul.funnel",
    {},
    funnel.stages.map(({ stage, count: part }) =>
      meter(STAGE[stage] ?? stage, stage === "completed" ? "good" : "", part, all),
    ),
    Object.entries(END).map(([name, [words, kind]]) => meter(words, kind, funnel.ends[name] ?? 0, all)),
  );
}

function reasonsOf(funnel) {
  return table({
    caption: "Failure reasons",
    rows: funnel.reasons,
    none: "Everything that was asked for was made.",
    columns: [
      { name: "End", cell: (row) => statusBadge(row.status) },
      {
        name: "Reason",
        class: "break",
        cell: (row) => [
          el("div", {}, row.failureCode ?? row.code),
          row.failureCode ? el("div.small.soft", {}, row.code) : null,
        ],
      },
      { name: "Count", amount: true, cell: (row) => count(row.count) },
    ],
  });
}

function underWayOf(funnel) {
  return table({
    caption: "Generations under way",
    rows: funnel.underWay,
    none: "Nothing is under way.",
    columns: [
      { name: "State", cell: (row) => statusBadge(row.status) },
      { name: "Count", amount: true, cell: (row) => count(row.count) },
      {
        name: "Oldest",
        amount: true,
        cell: (row) => (row.oldestAgeSeconds === undefined ? "–" : span(row.oldestAgeSeconds * 1000)),
      },
    ],
  });
}
