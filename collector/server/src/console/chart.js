// One line chart in SVG: times on x in the browser's zone, one value on y. It knows points and a unit, not where they come from.

import { locale } from "./text.js";

const WIDTH = 420, HEIGHT = 130, LEFT = 56, BOTTOM = 18, TOP = 6, RIGHT = 6;
const SVG = "http://www.w3.org/2000/svg";

/** A number as people read it: 1.5 M, 12.3 %, 4.2 GiB. */
export function human(value, unit) {
  if (!Number.isFinite(value)) return String(value);
  if (unit === "%") return `${value.toFixed(1)} %`;
  const bytes = unit === "B" || unit === "B/s";
  const step = bytes ? 1024 : 1000;
  const names = bytes ? ["", "Ki", "Mi", "Gi", "Ti", "Pi"] : ["", "k", "M", "G", "T", "P"];
  let power = 0, scaled = value;
  while (Math.abs(scaled) >= step && power < names.length - 1) { scaled /= step; power += 1; }
  const digits = Math.abs(scaled) >= 100 || Number.isInteger(scaled) ? 0 : Math.abs(scaled) >= 1 ? 1 : 3;
  return `${scaled.toFixed(digits)} ${names[power]}${unit ?? ""}`.trim();
}

// The steps of a scale that people can read: 1, 2 or 5 times a power of ten (or of two's tens for bytes).
function ceiling(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((m) => m * power).find((m) => m >= value) ?? value;
}

function element(name, attributes, content) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (content !== undefined) node.textContent = content;
  return node;
}

/**
 * Draws `points`, pairs of milliseconds and value in order of time, between `from` and `to` (milliseconds).
 * A hole wider than `gap` milliseconds breaks the line: what was not measured is not drawn.
 */
export function chart(points, { from, to, gap, unit }) {
  const svg = element("svg", { class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
  const values = points.map(([, value]) => value);
  const low = Math.min(0, ...values), high = low < 0 ? Math.max(0, ...values) : ceiling(Math.max(...values));
  const x = (t) => LEFT + ((t - from) / (to - from)) * (WIDTH - LEFT - RIGHT);
  const y = (v) => HEIGHT - BOTTOM - ((v - low) / (high - low || 1)) * (HEIGHT - TOP - BOTTOM);

  // Beside the axis there is room for a short unit only; the card's heading has it in full.
  const short = ["%", "B", "B/s"].includes(unit) ? unit : "";
  for (const share of [0, 0.5, 1]) {
    const value = low + share * (high - low);
    svg.append(
      element("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value) }),
      element("text", { x: LEFT - 4, y: y(value) + 4, "text-anchor": "end" }, human(value, short)),
    );
  }
  const long = to - from > 86400e3;
  const clock = new Intl.DateTimeFormat(locale(), long ? { month: "numeric", day: "numeric" } : { hour: "2-digit", minute: "2-digit" });
  for (const [share, anchor] of [[0, "start"], [0.5, "middle"], [1, "end"]]) {
    const time = from + share * (to - from);
    svg.append(element("text", { x: x(time), y: HEIGHT - 4, "text-anchor": anchor }, clock.format(time)));
  }
  let path = "", last = -Infinity;
  for (const [time, value] of points) {
    path += `${time - last > gap ? "M" : "L"}${x(time).toFixed(1)} ${y(value).toFixed(1)}`;
    last = time;
  }
  svg.append(element("path", { class: "line", d: path }));
  return svg;
}
