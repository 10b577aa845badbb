#!/usr/bin/env python3
"""Runs files of Gnocchi's own functional suite (gabbi), each against a server of its own.

usage: run.py DIRECTORY-OF-THE-SUITE < LINES-OF-FILE-AND-URL > JSON

The answer is an object: file -> name of test -> [outcome, message]; outcomes are pass, fail, xfail (failed as the suite
expects) and xpass (passed where the suite expects a failure). Every server must be empty, with auth_mode basic,
max_limit 7, enable_proxy_headers_parsing, http://foobar.com as an allowed origin and the prefix /gnocchi, which is what
the suite's own fixture sets up.
"""
import concurrent.futures
import json
import math
import os
import sys
import tempfile
import types
import unittest
from urllib.parse import urlsplit

import yaml
from gabbi import driver, fixture


class AnyNan(yaml.YAMLObject):
    """The suite's tag for a value that must be NaN."""

    def __eq__(self, other):
        return isinstance(other, float) and math.isnan(other)


for loader in (yaml.Loader, yaml.FullLoader, yaml.UnsafeLoader, yaml.SafeLoader):
    yaml.add_constructor("!AssertNAN", lambda loader, node: AnyNan(), Loader=loader)

# The suite names a fixture that starts Gnocchi in process; here the server is there already.
fixtures = types.ModuleType("live_fixtures")
fixtures.ConfigFixture = type("ConfigFixture", (fixture.GabbiFixture,), {})
sys.modules["live_fixtures"] = fixtures


class Outcomes(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.by_name = {}

    def note(self, test, outcome, error=None):
        name = getattr(test, "test_data", {}).get("name") or str(test)
        message = "" if error is None else f"{error[0].__name__}: {error[1]}"[:1000]
        while name in self.by_name:
            name += "'"
        self.by_name[name] = [outcome, message]

    def addSuccess(self, test): self.note(test, "pass")
    def addError(self, test, error): self.note(test, "fail", error)
    def addFailure(self, test, error): self.note(test, "fail", error)
    def addSkip(self, test, reason): self.note(test, "fail", (unittest.SkipTest, reason))
    def addExpectedFailure(self, test, error): self.note(test, "xfail")
    def addUnexpectedSuccess(self, test): self.note(test, "xpass")


def run(directory, name, url):
    """Runs one file. Gabbi builds whole directories, so it gets one that holds only this file and the suite's data."""
    with tempfile.TemporaryDirectory() as alone:
        for entry in os.listdir(directory):
            path = os.path.join(directory, entry)
            if entry == name + ".yaml" or os.path.isdir(path):
                os.symlink(path, os.path.join(alone, entry))
        address = urlsplit(url)
        suite = driver.build_tests(
            alone, unittest.TestLoader(), host=address.hostname, port=address.port, prefix=address.path,
            fixture_module=fixtures, safe_yaml=False)
        outcomes, stdout = Outcomes(), sys.stdout
        sys.stdout = sys.stderr
        try:
            suite.run(outcomes)
        finally:
            sys.stdout = stdout
        return outcomes.by_name


def main():
    directory = sys.argv[1]
    files = [line.split() for line in sys.stdin if line.strip()]
    # Processes, for gabbi's state is global. Most of the time is spent in its polls.
    with concurrent.futures.ProcessPoolExecutor(4) as pool:
        running = {name: pool.submit(run, directory, name, url) for name, url in files}
        json.dump({name: future.result() for name, future in running.items()}, sys.stdout)


if __name__ == "__main__":
    main()
