/* Token usage over time: per hour or day, per model, as a chart and as the table behind it. */

import { get, withQuery } from "./api.js";
import { bars } from "./charts.js";
import { el } from "./dom.js";
import { count } from "./format.js";
import { card, csvOf, exports, head, link, partly, segmented, table, tile, tiles } from "./admin-kit.js";

const SPANS = [
  ["24 hours", 24],
  ["7 days", 168],
  ["31 days", 744],
];
const STEP_MS = { hour: 3600e3, day: 86400e3 };
const hourName = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const dayName = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", timeZone: "UTC" });
const dayHour = new Intl.DateTimeFormat(undefined, {
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});

export const title = () => "Token usage";

const settings = ({ by = "hour", hours = "24", model = "" }) => ({
  by: by === "day" ? "day" : "hour",
  hours: SPANS.some(([, span]) => String(span) === hours) ? Number(hours) : 24,
  model,
});

export const load = ({ parameters }) => get(withQuery("/v1/admin/usage", settings(parameters)));

/* Every hour or day of the span, also the quiet ones: { starts, labels, sum(field, model?) }. */
export function buckets(usage) {
  const step = STEP_MS[usage.by];
  const starts = [];
  for (let at = Math.floor(Date.parse(usage.from) / step) * step; at < Date.parse(usage.to); at += step)
    starts.push(at);
  const index = new Map(starts.map((at, i) => [at, i]));
  const long = starts.length > 25;
  return {
    labels: starts.map((at) => (usage.by === "day" ? dayName : long ? dayHour : hourName).format(at)),
    sum(field, model) {
      const values = starts.map(() => 0);
      for (const row of usage.rows) {
        const i = index.get(Date.parse(row.start));
        if (i !== undefined && (model === undefined || row.model === model)) values[i] += row[field];
      }
      return values;
    },
  };
}

const modelName = (model) => model || "(no model)";

export function show({ parameters, data, context }) {
  const now = settings(parameters);
  const { labels, sum } = buckets(data);
  const { totals } = data;
  const to = (change) => link("usage", { ...now, ...change });
  const models = [...new Set(data.rows.map((row) => row.model))];
  const picker = el(
    "select.input",
    {
      "aria-label": "Model",
      onchange: (event) => {
        location.hash = to({ model: event.target.value });
      },
    },
    el("option", { value: "" }, "All models"),
    data.models.map((model) => el("option", { value: model, selected: model === now.model }, model)),
  );
  const every = { by: now.by, hours: now.hours, model: now.model };
  return [
    head(
      "Token usage",
      "Reserved, spent, returned, refused.",
      segmented("Per", [
        ["Per hour", to({ by: "hour" }), now.by === "hour"],
        ["Per day", to({ by: "day" }), now.by === "day"],
      ]),
      segmented(
        "Span",
        SPANS.map(([words, hours]) => [words, to({ hours }), hours === now.hours]),
      ),
      picker,
      exports(context, `reelgate-usage-${now.by}`, {
        csv: () => csvOf("/v1/admin/usage", every),
        json: () => get(withQuery("/v1/admin/usage", every)),
      }),
    ),
    partly(data),
    tiles(
      tile("Reserved", totals.reservedTokens),
      tile("Spent", totals.committedTokens),
      tile("Returned", totals.releasedTokens),
      tile("Refused", totals.rejectedTokens, "asked for without the tokens"),
      totals.grantedTokens === undefined ? null : tile("Granted", totals.grantedTokens),
    ),
    el(
      "div.two.even",
      {},
      card(
        "Tokens by outcome",
        bars({
          labels,
          words: `Tokens per ${now.by} by outcome; the table below has the figures.`,
          series: [
            { name: "Spent", colour: "series-1", values: sum("committedTokens") },
            { name: "Returned", colour: "series-2", values: sum("releasedTokens") },
            { name: "Refused", colour: "series-3", values: sum("rejectedTokens") },
          ],
        }),
      ),
      card(
        "Tokens spent by model",
        bars({
          labels,
          words: `Tokens spent per ${now.by} by model; the table below has the figures.`,
          series: models.map((model, i) => ({
            name: modelName(model),
            colour: `series-${(i % 5) + 1}`,
            values: sum("committedTokens", model),
          })),
        }),
      ),
    ),
    el(
      "section.card",
      { "aria-label": "Figures" },
      table({
        caption: "Usage, newest first",
        rows: [...data.rows].reverse(),
        none: "Nothing happened in this time.",
        columns: [
          {
            name: now.by === "hour" ? "Hour" : "Day (UTC)",
            cell: (row) =>
              el(
                "time",
                { datetime: row.start },
                (now.by === "day" ? dayName : dayHour).format(Date.parse(row.start)),
              ),
          },
          { name: "Model", class: "break", cell: (row) => modelName(row.model) },
          ...[
            ["Requested", "requested"],
            ["Completed", "completed"],
            ["Failed", "failed"],
            ["Cancelled", "cancelled"],
            ["Rejected", "rejected"],
            ["Reserved", "reservedTokens"],
            ["Spent", "committedTokens"],
            ["Returned", "releasedTokens"],
            ["Refused", "rejectedTokens"],
          ].map(([name, field]) => ({ name, amount: true, cell: (row) => count(row[field]) })),
        ],
      }),
    ),
  ];
}
