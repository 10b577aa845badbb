#!/usr/bin/env python3
"""Writes grafana/{en,zh}/*.json from source/*.py, which hold every panel once with its words in both languages, and
alerts/*.yml from source/alerts/*.yml with the numbers of thresholds.yml.

    dashboards/generate.py           write the files
    dashboards/generate.py --check   only say which are stale; exit status 1 if any
"""

import importlib
import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
LANGUAGES = ("en", "zh")
# Grafana reads older schemas in every later version; 36 is Grafana 9's.
SCHEMA = 36
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
# Grafana's grid has 24 columns.
COLUMNS = 24


def say(words, language):
    """Words are one text for all languages, or a pair (English, Chinese)."""
    return words if isinstance(words, str) else words[LANGUAGES.index(language)]


def target(query, index, kind, language):
    expr, legend = query
    instant = kind in ("table", "bargauge", "stat")
    made = {"refId": chr(ord("A") + index), "expr": expr, "legendFormat": say(legend, language)}
    if instant:
        made["instant"] = True
    if kind == "table":
        made["format"] = "table"
    return made


def options(kind):
    if kind == "timeseries":
        return {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}}
    if kind == "table":
        return {}
    reduce = {"calcs": ["lastNotNull"], "fields": "", "values": False}
    if kind == "bargauge":
        return {"displayMode": "basic", "orientation": "horizontal", "reduceOptions": reduce}
    return {"colorMode": "value", "graphMode": "none", "reduceOptions": reduce}


def field_config(panel):
    defaults = {"unit": panel["unit"]}
    if panel["max"] is not None:
        defaults.update(min=0, max=panel["max"])
    if panel["stack"]:
        defaults["custom"] = {"fillOpacity": 30, "stacking": {"mode": "normal"}}
    if panel["steps"]:
        colours = zip(("green", "yellow", "red"), (None, *panel["steps"]))
        defaults["thresholds"] = {"mode": "absolute", "steps": [{"color": c, "value": v} for c, v in colours]}
    return {"defaults": defaults, "overrides": []}


def build_panel(panel, number, position, language):
    made = {
        "id": number,
        "title": say(panel["title"], language),
        "type": panel["kind"],
        "gridPos": position,
        "datasource": DATASOURCE,
        "targets": [target(q, i, panel["kind"], language) for i, q in enumerate(panel["queries"])],
        "fieldConfig": field_config(panel),
        "options": options(panel["kind"]),
    }
    if panel["hide"]:
        organize = {"excludeByName": {name: True for name in panel["hide"]}}
        made["transformations"] = [{"id": "organize", "options": organize}]
    return made


def build_panels(rows, language):
    made, top, number = [], 0, 0
    for title, panels in rows:
        number += 1
        row = {"h": 1, "w": COLUMNS, "x": 0, "y": top}
        made.append({"id": number, "title": say(title, language), "type": "row", "gridPos": row, "panels": []})
        top, left, height = top + 1, 0, 0
        for panel in panels:
            number += 1
            if left + panel["width"] > COLUMNS:
                top, left, height = top + height, 0, 0
            position = {"h": panel["height"], "w": panel["width"], "x": left, "y": top}
            made.append(build_panel(panel, number, position, language))
            left, height = left + panel["width"], max(height, panel["height"])
        top += height
    return made


def variable(name, words, query, language):
    everything = {"text": say(("All", "全部"), language), "value": "$__all", "selected": True}
    return {
        "name": name,
        "label": say(words, language),
        "type": "query",
        "datasource": DATASOURCE,
        "query": query,
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        # Also matches series that lack the label: no cluster is set, or no project for a guest that Nova did not make.
        "allValue": ".*",
        "current": everything,
    }


def build(dashboard, language):
    source = {"name": "datasource", "label": say(("Data source", "数据源"), language), "type": "datasource", "query": "prometheus"}
    return {
        "uid": f"nephoscope-{dashboard['name']}-{language}",
        "title": f"Nephoscope / {say(dashboard['title'], language)}",
        "tags": ["nephoscope", language],
        "schemaVersion": SCHEMA,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "timezone": "browser",
        "links": [{"type": "dashboards", "title": "Nephoscope", "tags": ["nephoscope", language], "asDropdown": True, "keepTime": True,
                   "includeVars": True, "targetBlank": False, "icon": "external link", "tooltip": "", "url": ""}],
        "templating": {"list": [source, *(variable(*v, language) for v in dashboard["variables"])]},
        "panels": build_panels(dashboard["rows"], language),
    }


def compact(value, indent=0):
    """JSON with whatever fits into a line on one line, so that a changed query is a changed line."""
    line = json.dumps(value, ensure_ascii=False)
    if len(line) + indent <= 118 or not isinstance(value, (dict, list)) or not value:
        return line
    inner = " " * (indent + 1)
    if isinstance(value, dict):
        parts = [f"{json.dumps(k, ensure_ascii=False)}: {compact(v, indent + 1)}" for k, v in value.items()]
        opening, closing = "{", "}"
    else:
        parts = [compact(v, indent + 1) for v in value]
        opening, closing = "[", "]"
    return opening + "\n" + ",\n".join(inner + p for p in parts) + "\n" + " " * indent + closing


def thresholds():
    """Name to number, as thresholds.yml has it: one `name: number` a line."""
    found = {}
    for line in (HERE / "thresholds.yml").read_text(encoding="utf-8").splitlines():
        text = line.split("#")[0].strip()
        if text:
            name, number = text.split(": ")
            float(number)
            found[name] = number.strip()
    return found


def alert_files():
    """Path to text of every file of alerts; a number without a use, and a name without a number, is an error."""
    numbers, used, made = thresholds(), set(), {}

    def number(match):
        used.add(match[1])
        return numbers[match[1]]

    for path in sorted((HERE / "source" / "alerts").glob("*.yml")):
        head = f"# Made by generate.py from source/alerts/{path.name} and thresholds.yml.\n"
        made[HERE / "alerts" / path.name] = head + re.sub(r"@([A-Za-z.]+)@", number, path.read_text(encoding="utf-8"))
    if unused := sorted(numbers.keys() - used):
        sys.exit(f"thresholds.yml: no alert uses {', '.join(unused)}")
    return made


def main():
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(HERE))
    check = sys.argv[1:] == ["--check"]
    wanted = alert_files()
    for path in sorted((HERE / "source").glob("[a-z]*.py")):
        if path.stem == "parts":
            continue
        dashboard = importlib.import_module(f"source.{path.stem}").DASHBOARD
        for language in LANGUAGES:
            wanted[HERE / "grafana" / language / f"{dashboard['name']}.json"] = compact(build(dashboard, language)) + "\n"
    found = {*(HERE / "grafana").glob("*/*.json"), *(HERE / "alerts").glob("*.yml")}
    stale = [p for p, text in wanted.items() if p not in found or p.read_text(encoding="utf-8") != text]
    unknown = sorted(found - wanted.keys())
    if not check:
        for path in stale:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[path], encoding="utf-8")
        stale = []
    for path in stale + unknown:
        print(f"stale: {path.relative_to(HERE)}", file=sys.stderr)
    return 1 if stale or unknown else 0


if __name__ == "__main__":
    sys.exit(main())
