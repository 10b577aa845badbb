// Checks dashboards against the schema that Grafana publishes as types (@grafana/schema): every dashboard is written
// into a TypeScript file as a value of its type, each panel's options, fields and queries as those of its kind, and
// compiled. A key that Grafana does not know, or a value of another kind, is an error.
//
//     npm ci && node check.mjs FILE.json...
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import process from "node:process";

const here = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname);
// The modules lie beside this file or where NODE_PATH says.
const modules = process.env.NODE_PATH ?? path.join(here, "node_modules");
const ts = createRequire(path.join(modules, "x.js"))("typescript");

const raw = "@grafana/schema/dist/esm/raw";
const kinds = { timeseries: "TimeSeries", stat: "Stat", bargauge: "BarGauge", table: "Table" };

// Enumerations are given by their values in JSON, and what has a default may be left out of options.
const head = `
import type * as common from "@grafana/schema";
import type { Dashboard } from "${raw}/dashboard/x/dashboard_types.gen";
import type { PrometheusDataQuery } from "${raw}/composable/prometheus/dataquery/x/PrometheusDataQuery_types.gen";
${Object.entries(kinds)
  .map(([kind, name]) => `import type * as ${kind} from "${raw}/composable/${kind}/panelcfg/x/${name}PanelCfg_types.gen";`)
  .join("\n")}
type Plain<T> = T extends string ? \`\${T}\` : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;
type Some<T> = T extends object ? { [K in keyof T]?: Some<T[K]> } : T;
type Fields = { timeseries: common.GraphFieldConfig; stat: never; bargauge: never; table: common.TableFieldOptions };
`;

const names = [];
const lines = [head];
const add = (type, value, name) => {
  names.push(name);
  lines.push(`export const v${names.length}: ${type} = ${JSON.stringify(value)};`);
};
for (const file of process.argv.slice(2)) {
  const dashboard = JSON.parse(readFileSync(file, "utf8"));
  add("Plain<Dashboard>", dashboard, file);
  for (const panel of dashboard.panels.filter((it) => it.type !== "row")) {
    const name = `${file}: ${panel.title}`;
    if (!(panel.type in kinds)) throw new Error(`${name}: no types for ${panel.type}`);
    add(`Some<Plain<${panel.type}.Options>>`, panel.options, `${name}: options`);
    const custom = panel.fieldConfig.defaults.custom;
    if (custom) add(`Some<Plain<Fields["${panel.type}"]>>`, custom, `${name}: fieldConfig`);
    for (const target of panel.targets) add("Plain<PrometheusDataQuery>", target, `${name}: ${target.refId}`);
  }
}

const source = path.join(modules, "..", "dashboards.ts");
writeFileSync(source, lines.join("\n"));
const program = ts.createProgram([source], {
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  types: [],
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
});
const found = ts.getPreEmitDiagnostics(program);
for (const it of found) {
  const text = ts.flattenDiagnosticMessageText(it.messageText, "\n  ");
  const at = it.file ? it.file.text.slice(0, it.start).split("\n").length - head.split("\n").length - 1 : -1;
  const near = it.file ? it.file.text.slice(it.start, it.start + 60) : "";
  console.error(`${names[at] ?? it.file?.fileName}: ${text} (at ${near})`);
}
console.log(`${names.length} values checked, ${found.length} errors`);
process.exitCode = found.length === 0 ? 0 : 1;
