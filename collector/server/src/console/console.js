// The page: the inputs with what came by each, the targets, and cards of hosts and instances, each with a live chart of one of its metrics. Only cards in view ask for data.

import { chart, human } from "./chart.js";
import * as gnocchi from "./gnocchi.js";
import { showInputs } from "./inputs.js";
import { locale, switchLanguage, text, translate } from "./text.js";

const REFRESH = 5000, PAGE = 60;
const FIRST = { host: ["hardware.cpu.load.1min"], instance: ["cpu", "memory.usage"] };
const sections = [...document.querySelectorAll("section[data-type]")];
const range = document.getElementById("range"), filter = document.getElementById("filter");
const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    entry.target.visible = entry.isIntersecting;
    if (entry.isIntersecting) draw(entry.target);
  }
});

const name = (resource) => resource.display_name || resource.host_name || resource.original_resource_id;
const time = (iso) => new Intl.DateTimeFormat(locale(), { dateStyle: "short", timeStyle: "medium" }).format(new Date(iso));
const make = (tag, className, content) => Object.assign(document.createElement(tag), { className, textContent: content ?? "" });

function facts(resource) {
  const words = [];
  for (const [word, value] of [["flavor", resource.flavor_name], ["host", resource.host], ["project", resource.project_id]])
    if (value) words.push(`${text(word)} ${value}`);
  if (resource.ended_at) words.push(text("ended", time(resource.ended_at)));
  return words.join(" · ");
}

function card(resource) {
  const article = make("article");
  article.dataset.id = resource.id;
  const select = document.createElement("select");
  article.append(make("h3"), make("p", "facts"), select, make("span", "value"), make("div", "drawing"));
  select.addEventListener("change", () => draw(article));
  seen.observe(article);
  return article;
}

function fill(article, resource) {
  article.resource = resource;
  article.querySelector("h3").textContent = name(resource);
  article.querySelector(".facts").textContent = facts(resource);
  const select = article.querySelector("select"), names = Object.keys(resource.metrics).sort();
  select.setAttribute("aria-label", text("metric"));
  if (select.options.length === names.length) return;
  const chosen = select.value || FIRST[resource.type]?.find((n) => names.includes(n)) || names[0];
  select.replaceChildren(...names.map((n) => new Option(n, n, false, n === chosen)));
}

// Counters are shown as growth a second; the CPU's nanoseconds a second are a share of the instance's vCPUs.
async function series(resource, metricName, seconds, from) {
  const metric = await gnocchi.metric(resource.metrics[metricName]);
  const step = gnocchi.granularity(metric, seconds);
  const points = await gnocchi.measures(metric.id, step, from);
  const gap = Math.max(step * 3000, 90000);
  if (!metric.archive_policy.aggregation_methods.some((m) => m.startsWith("rate:"))) return { points, unit: metric.unit, gap };
  const rates = gnocchi.perSecond(points);
  if (metric.unit !== "ns") return { points: rates, unit: metric.unit === "B" ? "B/s" : text("perSecond", metric.unit ?? ""), gap };
  const vcpus = resource.metrics.vcpus && (await gnocchi.measures(resource.metrics.vcpus, step, from)).at(-1)?.[1];
  return { points: rates.map(([t, v]) => [t, (v / 1e9 / (vcpus || 1)) * 100]), unit: "%", gap };
}

async function draw(article) {
  const metricName = article.querySelector("select").value;
  if (!metricName || article.drawing) return;
  article.drawing = true;
  try {
    const seconds = Number(range.value), to = Date.now(), from = to - seconds * 1000;
    const { points, unit, gap } = await series(article.resource, metricName, seconds, from);
    const drawing = article.querySelector(".drawing"), last = points.at(-1);
    article.querySelector(".value").textContent = last ? human(last[1], unit) : "";
    drawing.replaceChildren(points.length > 0 ? chart(points, { from, to, gap, unit }) : make("p", "note", text("noData")));
  } catch (error) {
    problem(error);
  } finally {
    article.drawing = false;
  }
}

// Keeps the cards that are there, adds the new ones at their place and drops those that went away.
function show(section, list) {
  const cards = section.querySelector(".cards");
  const old = new Map([...cards.querySelectorAll("article")].map((article) => [article.dataset.id, article]));
  const wanted = filter.value.toLowerCase();
  const kept = list.filter((resource) => `${name(resource)} ${facts(resource)} ${resource.id}`.toLowerCase().includes(wanted));
  const articles = kept.map((resource) => {
    const article = old.get(resource.id) ?? card(resource);
    fill(article, resource);
    return article;
  });
  for (const [, article] of old) if (!articles.includes(article)) seen.unobserve(article);
  const shown = articles.length > 0 ? articles : [make("p", "note", text("none"))];
  // What is in its place stays there: a card that is put back loses an open menu.
  if (articles.length === 0 || shown.length !== cards.children.length || shown.some((c, i) => c !== cards.children[i])) cards.replaceChildren(...shown);
  for (const article of articles) if (article.visible) draw(article);
}

async function loadAll(section) {
  const type = section.dataset.type, pages = section.pages ?? 1;
  let list = [], marker;
  for (let page = 0; page < pages; page += 1) {
    const part = await gnocchi.resources(type, PAGE, marker);
    list = list.concat(part);
    marker = part.at(-1)?.id;
    section.querySelector(".more").hidden = part.length < PAGE;
    if (part.length < PAGE) break;
  }
  section.list = list;
  show(section, list);
  return list.length;
}

function showTargets(targets) {
  const rows = targets.map((target) => {
    const row = document.createElement("tr");
    const state = target.last_scrape === null ? "pending" : target.up ? "up" : "down";
    row.append(make("td", "", target.url), make("td", state === "down" ? "bad" : "good", text(state)),
      make("td", "", target.last_scrape ? time(target.last_scrape) : ""), make("td", "", target.samples ?? ""), make("td", "bad", target.error));
    return row;
  });
  document.querySelector("#targets tbody").replaceChildren(...rows);
}

function problem(error) {
  const line = document.getElementById("problem");
  line.textContent = error ? text("failed", error.message) : "";
  line.hidden = !error;
}

async function refresh() {
  try {
    showInputs(await gnocchi.inputs());
    showTargets(await gnocchi.targets());
    const counts = [];
    for (const section of sections) counts.push(await loadAll(section));
    document.getElementById("status").textContent = `${text("shown", ...counts)} · ${text("updated", new Date().toLocaleTimeString(locale()))}`;
    problem(null);
  } catch (error) {
    problem(error);
  }
}

function words() {
  translate(document);
  document.getElementById("language").textContent = text("switch");
}

document.getElementById("language").addEventListener("click", () => { switchLanguage(); words(); refresh(); });
range.addEventListener("change", refresh);
filter.addEventListener("input", () => sections.forEach((section) => section.list && show(section, section.list)));
for (const section of sections)
  section.querySelector(".more").addEventListener("click", () => { section.pages = (section.pages ?? 1) + 1; refresh(); });

words();
await refresh();
setInterval(refresh, REFRESH);
