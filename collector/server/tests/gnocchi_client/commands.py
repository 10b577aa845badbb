"""Every command of the gnocchi client against a real Gnocchi and against another server, and every one of `openstack
metric` against a further one, which has to say what the second says. Usage: commands.py REAL OTHER FURTHER
Prints as JSON the differences of their outputs, the commands that were run, and which there are. What a server names by
itself (ids, moments of today) is named alike for all; `{name}` in a command stands for what `name` was learnt as
before."""
import ast
import json
import re
import shlex
import sys
import tempfile
from importlib.metadata import entry_points

import forked

POINTS = [{"timestamp": f"2015-03-06T14:{minute}:00", "value": minute} for minute in range(30, 40)]
BATCHES = tempfile.TemporaryDirectory()


def file(name, content):
    with open(f"{BATCHES.name}/{name}", "w") as out:
        out.write(content)
    return out.name


# A command, and what is learnt from its answer: the name and the column.
COMMANDS = [
    ("server version", None),
    ("capabilities list", None),
    ("archive-policy create own -d granularity:1s,points:60 -d granularity:1m,timespan:1h -m mean -m max -m count -m rate:mean -b 2", None),
    ("archive-policy create all -d granularity:1m,points:90 -m mean -m 95pct -m median -m std -m last", None),
    ("archive-policy create own -d granularity:1s,points:60", None),
    ("archive-policy create bad -d granularity:1s", None),
    ("archive-policy list", None),
    ("archive-policy show own", None),
    ("archive-policy show absent", None),
    ("archive-policy update own -d granularity:1s,points:90 -d granularity:1m,points:120", None),
    ("archive-policy update own -d granularity:5s,points:90 -d granularity:1m,points:120", None),
    ("archive-policy-rule create disks -a own -m disk.*", None),
    ("archive-policy-rule create bad -a absent -m disk.*", None),
    ("archive-policy-rule show disks", None),
    ("archive-policy-rule update disks -n disk-rule", None),
    ("archive-policy-rule list", None),
    ("archive-policy delete own", None),
    ("resource-type create -a row:string:true:max_length=5 -a units:number:false:min=0 -a lit:bool -a since:datetime:false rack", None),
    ("resource-type create rack", None),
    ("resource-type update -a floor:string:false -r lit rack", None),
    ("resource-type show rack", None),
    ("resource-type show absent", None),
    ("resource-type list", None),
    ("resource create rack-1 --type rack -a row:A -a project_id:p1 -a units:42 -n power:own", ("rack1", "id")),
    ("resource create rack-2 --type rack -a row:B -a project_id:p2 -n power:own", ("rack2", "id")),
    ("resource create rack-3 --type rack -a row:toolong", None),
    ("resource create rack-1 --type rack -a row:A", None),
    ("resource create plain", ("plain", "id")),
    ("resource show rack-1 --type rack", None),
    ("resource show rack-1", None),
    ("resource show absent", None),
    ("resource update rack-1 --type rack -a row:C -n heat:own", None),
    ("resource update rack-1 --type rack -a units:-1", None),
    ("resource list --sort original_resource_id:asc", None),
    ("resource list --type rack --sort original_resource_id:asc --limit 1", None),
    ("resource list --type rack --details --sort original_resource_id:asc", None),
    ("resource history rack-1 --type rack --sort revision_start:asc", None),
    ("resource search --type rack \"row='C' and project_id in ['p1', 'p2']\"", None),
    ("resource search --type rack \"units>=40 or row like 'B%'\" --sort original_resource_id:asc", None),
    ("resource search --type rack \"absent='C'\"", None),
    ("resource search \"row==\"", None),
    ("metric create -a own -u W free", ("free", "id")),
    ("metric create -r plain -a all load", ("load", "id")),
    ("metric create -r rack-2 disk.read", None),
    ("metric create -r plain none", None),
    ("metric create -a absent x", None),
    ("metric list --sort name:asc", None),
    ("metric show {free}", None),
    ("metric show -r rack-1 power", ("power1", "id")),
    ("metric show -r rack-2 power", ("power2", "id")),
    ("metric show -r rack-1 absent", None),
    ("measures add -m 2015-03-06T14:33:57@43.1 -m 2015-03-06T14:34:12@12 {free}", None),
    ("measures add -r rack-1 -m 2015-03-06T14:34:15@16 -m 2015-03-06T14:35:15@17 power", None),
    ("measures add -r rack-2 -m 2015-03-06T14:34:25@6 -m 2015-03-06T14:35:25@8 power", None),
    ("measures add -m then@1 {free}", None),
    ("measures batch-metrics " + file("metrics", json.dumps({"{load}": POINTS})), None),
    ("measures batch-resources-metrics --create-metrics " + file("resources", json.dumps({"plain": {"disk.write": POINTS}})), None),
    ("measures batch-resources-metrics " + file("unknown", json.dumps({"plain": {"absent": POINTS}})), None),
    ("measures show --utc --refresh {free}", None),
    ("measures show --utc --refresh -r rack-1 --aggregation max --granularity 60 power", None),
    ("measures show --utc --refresh {power2}", None),
    ("measures show --utc --refresh {load} --aggregation 95pct", None),
    ("measures show --utc {load} --aggregation median --start 2015-03-06T14:32 --stop 2015-03-06T14:35", None),
    ("measures show --utc {load} --aggregation std", None),
    ("measures show --utc {load} --aggregation rate:mean", None),
    ("measures show --utc {load} --granularity 60 --resample 300", None),
    ("measures show --utc {load} --granularity 42", None),
    ("measures show --utc --refresh -r plain disk.write --granularity 60", None),
    ("measures aggregation --utc --refresh -m {power1} {power2} --reaggregation sum --granularity 60", None),
    ("measures aggregation --utc -m power --resource-type rack --query \"row='C' or row='B'\" --groupby project_id --granularity 60", None),
    ("measures aggregation --utc -m {power1} {free} --needed-overlap 0 --fill 0 --granularity 60", None),
    ("aggregates \"(+ (metric {power1} mean) (metric {power2} mean))\" --granularity 60", None),
    ("aggregates --resource-type rack --groupby project_id --granularity 60 \"(aggregate max (metric power mean))\" \"project_id!='p3'\"", None),
    ("aggregates \"(rolling mean 2 (metric {load} mean))\" --start 2015-03-06T14:30 --stop 2015-03-06T14:36", None),
    ("aggregates \"(metroc foo bar\"", None),
    ("benchmark metric create -n 3 -a own -k", None),
    ("benchmark metric show -n 3 {free}", None),
    ("benchmark measures show -n 2 {free}", None),
    ("benchmark measures add -n 4 -b 2 -s 2010-01-01 {free}", None),
    ("status", None),
    ("help metric show", None),
    ("complete", None),
    ("resource batch delete \"original_resource_id='plain'\"", None),
    ("metric delete -r rack-1 heat", None),
    ("metric delete {free}", None),
    ("metric delete {free}", None),
    ("resource delete rack-1", None),
    ("resource delete rack-2", None),
    ("resource delete absent", None),
    ("resource-type delete rack", None),
    ("archive-policy-rule delete disk-rule", None),
    ("archive-policy-rule delete disk-rule", None),
    ("archive-policy delete absent", None),
]
SILENT = re.compile(r".* delete |measures (add|batch)|help|complete")
TODAY = re.compile(r"20(?!15|10)\d\d-\d\d-\d\dT[\d:.]+(\+00:00)?")


# What `openstack metric` has, in the words of the gnocchi client.
IN_OPENSTACK = sorted(point.name.replace("_", " ").removeprefix("metric ") for point in entry_points(group="openstack.metric.v1"))
ITSELF = ("create", "delete", "list", "show")


def in_openstack(command):
    """The command of `openstack metric`, if it has it."""
    for name in reversed(IN_OPENSTACK):
        words = f"metric {name}" if name in ITSELF else name
        if command == words or command.startswith(words + " "):
            return command if name in ITSELF else f"metric {command}"
    return None


class Server:
    def __init__(self, url, program="gnocchi"):
        self.url, self.names, self.program = url, {}, program

    def fill(self, text):
        for name, value in self.names.items():
            text = text.replace("{" + name + "}", value)
        return text

    def run(self, command, learnt):
        program, words = "gnocchi", command
        arguments = ["--os-auth-type", "gnocchi-basic", "--user", "admin", "--endpoint", self.url]
        if self.program == "openstack" and in_openstack(command):
            program, words = self.program, in_openstack(command)
            arguments = ["--os-auth-type", "gnocchi-basic", "--os-user", "admin", "--os-endpoint", self.url]
        for word in shlex.split(words):
            if word.startswith(BATCHES.name):
                word = file("filled", self.fill(open(word).read()))
            arguments.append(self.fill(word))
        if not SILENT.match(command) or "batch delete" in command:
            arguments += ["-f", "json"]
        code, out, err = forked.run(program, arguments)
        if learnt and code == 0:
            self.names[learnt[0]] = json.loads(out)[learnt[1]]
        try:
            out = json.loads(out)
        except ValueError:
            pass
        return {"code": code, "out": self.normal(out), "err": self.normal(err)}

    def normal(self, value):
        if isinstance(value, dict):
            return {self.normal(key): self.normal(field) for key, field in value.items()}
        if isinstance(value, list):
            items = [self.normal(item) for item in value]
            # Sets, and what has no order.
            return sorted(items, key=str) if all(isinstance(item, str) for item in items) else items
        if isinstance(value, float):
            return float(f"{value:.9e}")
        if not isinstance(value, str):
            return value
        refusal = re.fullmatch(r"\s*(\{.*\}) \(HTTP (\d+)\)\s*", value)
        if refusal:
            # A dictionary, which has no order.
            return self.normal({**ast.literal_eval(refusal[1]), "status": refusal[2]})
        value = TODAY.sub("<now>", value)
        for name, learnt in self.names.items():
            value = value.replace(learnt, "{" + name + "}")
        value = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<id>", value)
        # Sets and dictionaries in one cell of a table.
        return "\n".join(sorted(value.split("\n"))) if "\n" in value else ", ".join(sorted(value.split(", ")))


def shape(command, view):
    """How fast it was, which build it is and what waits is each server's own."""
    if command.startswith("benchmark"):
        own = ("runtime", "speed", "latency", "workers")
        view["out"] = {key: value for key, value in view["out"].items() if not any(word in key for word in own)}
        view["err"] = ""
    if command.startswith("resource list --type rack --details"):
        # Gnocchi puts them together type by type.
        view["out"].sort(key=lambda row: row["id"])
    if command.startswith(("resource search \"row==", "aggregates \"(metroc")):
        # Whose parser it is.
        view["err"] = str(view["err"])[:15]
    if command.startswith(("archive-policy list", "archive-policy-rule list", "metric list")):
        view["out"].sort(key=str)
    if command == "metric create -r rack-2 disk.read":
        # The client shows whichever of the resource's metrics comes first.
        view["out"] = sorted(view["out"])
    if command == "resource-type list":
        for row in view["out"]:
            row["attributes"] = sorted(re.findall(r"\w+", row["attributes"]))
    if command in ("server version", "status"):
        view["out"] = sorted(view["out"])
    if view["code"] == 2 and "error: " in view["err"]:
        # Around it stands how the program is called.
        view["err"] = re.search("error: .*", view["err"])[0]
    return view


real, other, further = Server(sys.argv[1]), Server(sys.argv[2]), Server(sys.argv[3], "openstack")
differences = []
for command, learnt in COMMANDS:
    views = [shape(command, server.run(command, learnt)) for server in (real, other, further)]
    if views[0] != views[1]:
        differences.append({"command": command, "real": views[0], "other": views[1]})
    if views[1] != views[2] and in_openstack(command):
        differences.append({"command": in_openstack(command), "gnocchi": views[1], "openstack": views[2]})
json.dump({
    "differences": differences,
    "commands": [command for command, _ in COMMANDS],
    "known": forked.run("gnocchi", ["complete"])[1],
    "in_openstack": [f"metric {name}" for name in IN_OPENSTACK],
    "commands_of_openstack": [found for found in (in_openstack(command) for command, _ in COMMANDS) if found],
}, sys.stdout)
