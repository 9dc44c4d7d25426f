/* The search box of the top bar and the page of what it found: users, generations, Runway's tasks, grants,
   idempotency keys, words of a prompt, places in Kafka. One exact hit is opened at once. */

import { get, withQuery } from "./api.js";
import { el, icon } from "./dom.js";
import { counted } from "./format.js";
import { generationLink, head, table, timeOf, userLink } from "./admin-kit.js";

export const title = () => "Search";

export const load = ({ parameters }) => get(withQuery("/v1/admin/search", { q: parameters.q }));

/* What a hit is called, and where it leads. */
const KIND = {
  user: ["User", (hit) => userLink(hit.userId)],
  generation: ["Generation", (hit) => generationLink(hit.generationId)],
  task: ["Runway task", (hit) => generationLink(hit.generationId)],
  idempotency_key: ["Idempotency-Key", (hit) => generationLink(hit.generationId)],
  record: ["Record", (hit) => (hit.generationId ? generationLink(hit.generationId) : userLink(hit.userId))],
  prompt: ["Prompt", (hit) => generationLink(hit.generationId)],
  grant: ["Grant", (hit) => userLink(hit.userId)],
  dead_letter: [
    "Dead letter",
    (hit) => el("a.id", { href: `#/dead-letters/${encodeURIComponent(hit.letterId)}` }, hit.letterId),
  ],
};

export function show({ parameters, data }) {
  return [
    head("Search", `${counted(data.items.length, "match", "matches")} for “${parameters.q ?? ""}”.`),
    el(
      "section.card",
      { "aria-label": "Matches" },
      table({
        caption: "Matches, exact ones first",
        rows: data.items,
        none: "Nothing known here has this id, or these words. What is older than the topics keep is not searched.",
        columns: [
          { name: "Kind", cell: (hit) => el("span.badge.plain", {}, KIND[hit.kind]?.[0] ?? hit.kind) },
          { name: "Found", cell: (hit) => KIND[hit.kind]?.[1](hit) ?? "–" },
          { name: "Words", class: "break", cell: (hit) => hit.words ?? "" },
          { name: "User", cell: (hit) => (hit.userId ? userLink(hit.userId) : "–") },
          { name: "When", cell: (hit) => (hit.at ? timeOf(hit.at) : "–") },
        ],
      }),
    ),
  ];
}

/* Where a single exact hit is looked at; null for what only a list can show. */
function placeOf({ items }) {
  const exact = items.filter((hit) => hit.exact);
  if (exact.length !== 1) return null;
  return KIND[exact[0].kind]?.[1](exact[0]).getAttribute("href");
}

export function box(attempt) {
  const text = el("input.input", {
    id: "find-text",
    type: "search",
    "aria-label": "Find a user, generation, task, grant or key",
    placeholder: "User, generation, task, key or words",
    autocomplete: "off",
    spellcheck: "false",
  });
  return el(
    "form.find",
    {
      id: "find",
      role: "search",
      "aria-label": "Everything",
      hidden: true,
      onsubmit: async (event) => {
        event.preventDefault();
        const q = text.value.trim();
        if (!q) return;
        const found = await attempt(() => get(withQuery("/v1/admin/search", { q })));
        if (found) location.hash = placeOf(found) ?? `#${withQuery("/search", { q })}`;
      },
    },
    icon("search", 18),
    text,
  );
}
