#!/usr/bin/env python3
"""Says what is linked into a program: a licence list with the licences' texts, and a CycloneDX bill of materials.

    packaging/third_party.py PACKAGE TARGET OUT-DIRECTORY

writes OUT-DIRECTORY/THIRD-PARTY and OUT-DIRECTORY/sbom.cdx.json of the crates that cargo links into PACKAGE for the
Rust target TARGET, and prints the SPDX expression of them all. The same commit gives the same files.
"""

import hashlib
import json
import os
import pathlib
import subprocess
import sys
import time
import uuid

# What a crate's own folder calls its licences' texts.
TEXTS = ("license", "licence", "copying", "notice", "copyright")


def cargo(*arguments):
    return subprocess.run(["cargo", *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


def linked(package, target):
    """The ids of all packages in the program: the normal dependencies; what only builds or tests is left out."""
    metadata = json.loads(cargo("metadata", "--locked", "--format-version=1", f"--filter-platform={target}"))
    packages = {it["id"]: it for it in metadata["packages"]}
    nodes = {it["id"]: it for it in metadata["resolve"]["nodes"]}
    tree = cargo("tree", "--locked", "-p", package, "-e", "normal,no-proc-macro", "--target", target,
                 "--prefix", "none", "-f", "{p}")
    names = {tuple(line.split()[:2]) for line in tree.splitlines() if line.strip()}
    chosen = {k: v for k, v in packages.items() if (v["name"], f"v{v['version']}") in names}
    edges = {k: sorted(d["pkg"] for d in nodes[k]["deps"] if d["pkg"] in chosen) for k in chosen}
    root = next(k for k, v in chosen.items() if v["name"] == package)
    return root, chosen, edges


def licence(package):
    # Some crates still write the old form MIT/Apache-2.0.
    return (package["license"] or "LicenseRef-" + package["name"]).replace("/", " OR ")


def expression(packages):
    """One SPDX expression that is true of the whole: each choice in brackets, the same said once."""
    parts = sorted({licence(it) for it in packages})
    return " AND ".join(f"({it})" if " OR " in it else it for it in parts)


def texts(package):
    folder = pathlib.Path(package["manifest_path"]).parent
    found = [it for it in sorted(folder.iterdir()) if it.is_file() and it.name.lower().startswith(TEXTS)]
    return [it.read_text(encoding="utf-8", errors="replace").strip() + "\n" for it in found]


def third_party(packages):
    lines = ["Crates that are linked into this program, with their licences. The texts follow; one that several crates",
             "share is given once, and its number stands behind each of them.", ""]
    numbers, bodies = {}, []
    for package in packages:
        of_this = []
        for text in texts(package):
            if text not in numbers:
                numbers[text] = len(numbers) + 1
                bodies.append(text)
            of_this.append(f"[{numbers[text]}]")
        lines.append(" ".join([package["name"], package["version"], "-", licence(package), *of_this]))
    for number, body in enumerate(bodies, 1):
        lines += ["", f"---- [{number}] " + "-" * 90, "", body.rstrip()]
    return "\n".join(lines) + "\n"


def component(package, kind):
    made = {"type": kind, "bom-ref": reference(package), "name": package["name"], "version": package["version"],
            "licenses": [{"expression": licence(package)}], "purl": reference(package)}
    if package.get("description"):
        made["description"] = " ".join(package["description"].split())
    return made


def reference(package):
    return f"pkg:cargo/{package['name']}@{package['version']}"


def sbom(root, chosen, edges):
    others = sorted((k for k in chosen if k != root), key=lambda k: reference(chosen[k]))
    body = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", "0")))),
            "component": component(chosen[root], "application"),
        },
        "components": [component(chosen[k], "library") for k in others],
        "dependencies": [{"ref": reference(chosen[k]), "dependsOn": sorted({reference(chosen[d]) for d in edges[k]})}
                         for k in [root, *others]],
    }
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    return {**body, "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, digest)}"}


def main():
    package, target, out = sys.argv[1:]
    root, chosen, edges = linked(package, target)
    sorted_packages = sorted(chosen.values(), key=lambda it: (it["name"], it["version"]))
    foreign = [it for it in sorted_packages if it["source"]]
    folder = pathlib.Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "THIRD-PARTY").write_text(third_party(foreign), encoding="utf-8")
    (folder / "sbom.cdx.json").write_text(json.dumps(sbom(root, chosen, edges), indent=1) + "\n", encoding="utf-8")
    print(expression(sorted_packages))


if __name__ == "__main__":
    main()
