"""What the dashboards' sources are made of: panels, variables and the selectors that go with the variables.

Words are a pair (English, Chinese), or one text where both are the same.
"""

# Matchers for the series of hosts, guests and collectors; they go with the variables below.
CLUSTER_ONLY = 'cluster=~"$cluster"'
HOST_ONLY = 'cluster=~"$cluster", instance=~"$host"'
GUEST_ONLY = 'cluster=~"$cluster", instance=~"$host", project_id=~"$project", domain=~"$guest"'

WORDS = {
    "cluster": ("Cluster", "集群"),
    "host": ("Host", "主机"),
    "project": ("Project", "项目"),
    "guest": ("Guest", "云主机"),
    "device": ("Device", "设备"),
}


def variable(name, query):
    return (name, WORDS[name], query)


def cluster(metric):
    return variable("cluster", f"label_values({metric}, cluster)")


def host(metric):
    return variable("host", f"label_values({metric}{{{CLUSTER_ONLY}}}, instance)")


def panel(title, unit, *queries, kind="timeseries", width=12, height=8, max=None, stack=False, steps=(), hide=()):
    """`queries` are pairs (PromQL, legend); `steps` the values where the colour turns yellow, then red."""
    return {
        "title": title,
        "unit": unit,
        "queries": queries,
        "kind": kind,
        "width": width,
        "height": height,
        "max": max,
        "stack": stack,
        "steps": steps,
        "hide": hide,
    }


def stat(title, unit, expr, steps=(), width=4):
    return panel(title, unit, (expr, ""), kind="stat", width=width, height=4, steps=steps)


def bars(title, unit, expr, legend, width=8, max=None, steps=()):
    return panel(title, unit, (expr, legend), kind="bargauge", width=width, max=max, steps=steps)
