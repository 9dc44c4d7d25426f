/* Charts by Chart.js (from the system's package, loaded before us as a classic script): the page's own
   colours, calm, and each with words that say what it shows. */

import { el } from "./dom.js";
import { count } from "./format.js";

const drawn = new Map(); /* canvas → how to draw it again */

/* A custom property is no colour until something wears it. */
function colour(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

/* A figure of stacked bars: series = [{ name, colour (a role such as "series-1"), values }]. */
export function bars({ labels, series, words, low = false }) {
  const canvas = el("canvas", { role: "img", "aria-label": words });
  const box = el("div.chart", { class: low ? "low" : "" }, canvas);
  drawn.set(canvas, { chart: null, labels, series });
  requestAnimationFrame(() => draw(canvas));
  return box;
}

function draw(canvas) {
  const mine = drawn.get(canvas);
  if (!mine) return;
  mine.chart?.destroy();
  if (!canvas.isConnected) {
    drawn.delete(canvas);
    return;
  }
  const ink = colour("ink-soft");
  const line = colour("line");
  const surface = colour("surface");
  mine.chart = new window.Chart(canvas, {
    type: "bar",
    data: {
      labels: mine.labels,
      datasets: mine.series.map((one) => ({
        label: one.name,
        data: one.values,
        backgroundColor: colour(one.colour),
        borderColor: surface,
        borderWidth: { top: 1 },
        borderRadius: 3,
        borderSkipped: false,
        maxBarThickness: 36,
      })),
    },
    options: {
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      interaction: { mode: "index", intersect: false },
      font: { family: "system-ui, sans-serif" },
      scales: {
        x: {
          stacked: true,
          grid: { display: false, borderColor: line },
          ticks: { color: ink, maxRotation: 0, autoSkipPadding: 16 },
        },
        y: {
          stacked: true,
          beginAtZero: true,
          grid: { color: line, drawBorder: false },
          ticks: { color: ink, precision: 0, maxTicksLimit: 6 },
        },
      },
      plugins: {
        legend: {
          position: "bottom",
          align: "start",
          labels: { color: ink, usePointStyle: true, pointStyle: "rectRounded", boxWidth: 10, padding: 16 },
        },
        tooltip: { callbacks: { label: (item) => ` ${item.dataset.label}: ${count(item.parsed.y)}` } },
      },
    },
  });
}

/* Frees the charts that are no longer on the page. */
export function sweep() {
  for (const [canvas, mine] of drawn) {
    if (!canvas.isConnected) {
      mine.chart?.destroy();
      drawn.delete(canvas);
    }
  }
}

document.addEventListener("themechange", () => {
  for (const canvas of drawn.keys()) draw(canvas);
});
