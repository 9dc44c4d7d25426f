/* Health: what the strip says, in full sentences. */

import { get } from "./api.js";
import { el } from "./dom.js";
import { ago, count } from "./format.js";
import { head, table, tile, tiles, timeOf } from "./admin-kit.js";
import { note } from "./ui.js";

const NAMES = { kafka: "Kafka", redis: "Redis", view: "Topics read", admission: "Decisions", ledger: "Settlement" };

/* "poller-0", a worker's own word, is "Poller 0". */
export const nameOf = ({ name }) => NAMES[name] ?? (name[0].toUpperCase() + name.slice(1)).replace(/-(\d+)$/, " $1");

export const title = () => "Health";

export const load = () => get("/v1/admin/health");

export function show({ data }) {
  const troubled = data.parts.filter((part) => !part.ok);
  return [
    head("Health", "As this gateway sees it, checked every few seconds."),
    data.ok && !troubled.length
      ? note("good", "Everything works.")
      : note("bad", "Something needs attention.", troubled.map(nameOf).join(", ")),
    tiles(
      tile("Version", data.version),
      tile("Up since", ago(data.startedAt), timeOf(data.startedAt)),
      tile("Live pages", count(data.streams), "event streams of this gateway"),
    ),
    el(
      "section.card",
      { "aria-label": "Parts" },
      table({
        caption: "Parts",
        rows: data.parts,
        columns: [
          { name: "Part", cell: (row) => el("strong", {}, nameOf(row)) },
          {
            name: "State",
            cell: (row) => el("span.badge", { class: row.ok ? "good" : "bad" }, row.ok ? "Fine" : "Trouble"),
          },
          { name: "Detail", class: "break", cell: (row) => row.detail || "–" },
        ],
      }),
    ),
  ];
}
