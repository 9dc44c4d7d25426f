/* One generation: every event that tells of it, with its time and where it lies in Kafka. */

import { get } from "./api.js";
import { el, icon, safeUrl } from "./dom.js";
import { exact, percent, span, tokens } from "./format.js";
import { card, exports, head, timeOf, toCsv, userLink } from "./admin-kit.js";
import { statusBadge } from "./ui.js";

export const title = ({ id }) => `Generation ${id}`;

export const load = ({ id }) => get(`/v1/admin/generations/${encodeURIComponent(id)}`);

/* What an event means, in one line; its type stands below. */
const MEANING = {
  "generation.requested": () => "Asked for",
  "generation.accepted": (data) => `Accepted: ${tokens(data.requiredTokens)} needed`,
  "generation.rejected": (data) => `Refused: ${data.error?.code ?? "no reason given"}`,
  "generation.submitted": () => "Runway has it",
  "generation.progressed": (data) => `${percent(data.progress, 1)} rendered`,
  "generation.completed": () => "The video is ready",
  "generation.failed": (data) => `Failed: ${data.error?.context?.failureCode ?? data.error?.code ?? "no reason given"}`,
  "generation.cancelled": () => "Cancelled",
  "generation.cancel_requested": () => "Its user asked to cancel it",
  "tokens.reserve": (data) => `${tokens(data.amount)} reserved`,
  "tokens.commit": (data) => `${tokens(data.amount)} spent`,
  "tokens.release": (data) => `${tokens(data.amount)} returned`,
};

const KIND = {
  "generation.completed": "good",
  "tokens.commit": "good",
  "generation.failed": "bad",
  "generation.rejected": "warn",
  "generation.cancelled": "warn",
  "generation.cancel_requested": "warn",
};

export function show({ id, data: { generation, events }, context }) {
  const inOrder = [...events].sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  const names = ["at", "type", "topic", "partition", "offset", "data"];
  return [
    el(
      "div",
      {},
      generation.userId
        ? el(
            "a.crumb",
            { href: `#/users/${encodeURIComponent(generation.userId)}?view=generations` },
            icon("back", 14),
            generation.userId,
          )
        : null,
      head(
        generation.prompt ?? "Generation",
        el("span.id", {}, id),
        statusBadge(generation.status),
        exports(context, `reelgate-generation-${id}`, {
          json: () => ({ generation, events }),
          csv: () =>
            toCsv(
              inOrder.map((event) => ({ ...event, data: JSON.stringify(event.data ?? {}) })),
              names,
            ),
        }),
      ),
    ),
    el(
      "div.two",
      {},
      card(
        "Timeline",
        el(
          "ol.timeline",
          {},
          inOrder.map((event, i) => step(event, inOrder[i - 1])),
        ),
      ),
      card("Facts", facts(generation, events)),
    ),
  ];
}

function step(event, before) {
  const gap = before ? Date.parse(event.at) - Date.parse(before.at) : null;
  const data = event.data && Object.keys(event.data).length ? event.data : null;
  return el(
    "li",
    { "data-type": event.type },
    el("span.dot", { class: KIND[event.type] ?? "", "aria-hidden": "true" }),
    el(
      "div",
      {},
      el(
        "div.title",
        {},
        el("span.meaning", {}, MEANING[event.type]?.(event.data ?? {}) ?? event.type),
        gap === null ? null : el("span.gap", {}, `+${span(gap)}`),
      ),
      el(
        "div.where",
        {},
        el("time.number", { datetime: event.at }, exact(event.at)),
        " · ",
        el("span.mono", {}, event.type),
        " · ",
        el("span.mono", {}, `${event.topic}/${event.partition}@${event.offset}`),
      ),
      data
        ? el(
            "details",
            {},
            el("summary", {}, "The record"),
            el("pre", { tabindex: "0" }, JSON.stringify(data, null, 2)),
          )
        : null,
    ),
  );
}

function facts(generation, events) {
  const task = events.find((event) => event.data?.taskId)?.data.taskId;
  const url = safeUrl(generation.output?.[0] ?? "");
  const rows = [
    ["User", generation.userId ? userLink(generation.userId) : null],
    ["Project", generation.projectId],
    ["Runway task", task ? el("span.id", {}, task) : null],
    ["Prompt", generation.prompt],
    ["Model", generation.model],
    ["Length", generation.durationSeconds ? `${generation.durationSeconds} s` : null],
    ["Shape", generation.ratio],
    ["First image", generation.image],
    ["Seed", generation.seed],
    ["Reserved", generation.requiredTokens === undefined ? null : tokens(generation.requiredTokens)],
    ["Charged", generation.chargedTokens === undefined ? null : tokens(generation.chargedTokens)],
    [
      "Error",
      generation.error
        ? [generation.error.code, generation.error.failureCode].filter(Boolean).join(" · ")
        : null,
    ],
    ["Message", generation.error?.message],
    ["Asked for", timeOf(generation.createdAt)],
    ["Last change", timeOf(generation.updatedAt)],
    ["Took", span(Date.parse(generation.updatedAt) - Date.parse(generation.createdAt))],
    [
      "Video",
      url
        ? el("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, "Open the provider's address")
        : null,
    ],
  ];
  return el(
    "dl.facts",
    {},
    rows
      .filter(([, value]) => value !== null && value !== undefined && value !== "")
      .map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]),
  );
}
