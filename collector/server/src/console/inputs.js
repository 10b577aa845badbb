// The table of inputs: whether each takes measures, how many came by it and what became of them. The collector counts since
// its start; a rate is what was added since the page asked last.

import { human } from "./chart.js";
import { text } from "./text.js";

// Ceilometer sends meters that Gnocchi never kept, Prometheus marks where series end: nobody misses these.
const EXPECTED = ["unknown_meter", "no_volume", "stale_marker"];

let before = new Map(), asked = 0;

const cell = (className, content, title) =>
  Object.assign(document.createElement("td"), { className, textContent: content, title: title ?? "" });
const sum = (counts) => Object.values(counts).reduce((total, count) => total + count, 0);

// A lag as people read it.
function age(seconds) {
  const units = [["days", 86400], ["hours", 3600], ["minutes", 60], ["seconds", 1]];
  const [unit, length] = units.find(([, length]) => seconds >= 2 * length) ?? units.at(-1);
  return text(unit, Math.round(seconds / length));
}

// Why measures or whole requests were not taken, for those who point at the number.
function reasons(input) {
  const words = Object.entries(input.rejected).map(([reason, count]) => `${reason}: ${count}`);
  for (const [status, count] of Object.entries(input.refused_requests)) words.push(text("requests", status, count));
  return words.join("\n");
}

function row(input, seconds) {
  const line = document.createElement("tr"), count = (value) => cell("number", human(value));
  line.dataset.input = input.input;
  const off = input.state === "off", bad = input.state === "down" || input.state === "refusing" || input.state === "busy";
  const known = before.get(input.input);
  const rate = known !== undefined && input.accepted >= known ? human((input.accepted - known) / seconds) : "";
  const rejected = sum(input.rejected) + sum(input.refused_requests);
  const missed = rejected - EXPECTED.reduce((total, reason) => total + (input.rejected[reason] ?? 0), 0);
  line.className = off ? "off" : "";
  line.append(
    cell("", text(input.input)),
    cell(bad ? "bad" : off ? "" : "good", text(input.state), input.reason),
    cell("number", off ? "" : rate), count(input.accepted),
    cell(missed > 0 ? "number bad" : "number", human(rejected), reasons(input)),
    count(input.late), count(input.duplicates), count(input.queue_measures),
    cell("number", input.lag_seconds === null ? "" : age(input.lag_seconds)),
  );
  return line;
}

export function showInputs(inputs) {
  const now = Date.now(), seconds = (now - asked) / 1000;
  document.querySelector("#inputs tbody").replaceChildren(...inputs.map((input) => row(input, seconds)));
  before = new Map(inputs.map((input) => [input.input, input.accepted]));
  asked = now;
}
