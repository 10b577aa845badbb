"""Runs gnocchiclient's own functional tests against a server. Usage: functional.py URL
Prints the outcome of each as JSON: null, or what went wrong."""
import json
import os
import shlex
import sys
import unittest

import forked
import gnocchiclient
from gnocchiclient.tests.functional import base


def run(self, binary, action, flags="", params="", fail_ok=False, merge_stderr=False, input=None, has_output=True):
    shape = "-f json" if has_output and action != "help" else ""
    arguments = shlex.split(" ".join([flags, action, params, shape]))
    code, out, err = forked.run(binary, arguments, input)
    if code and not fail_ok:
        raise RuntimeError(f"{binary} {arguments}: {code}: {err or out}")
    result = out + err if merge_stderr else out
    if not has_output and not fail_ok and action != "help":
        self.assertEqual("", result)
    return result


base.ClientTestBase._run = run
os.environ["GNOCCHI_CLIENT_EXEC_DIR"] = ""
os.environ["PIFPAF_GNOCCHI_HTTP_URL"] = sys.argv[1]
root = os.path.dirname(os.path.dirname(gnocchiclient.__file__))
suite = unittest.TestLoader().discover(os.path.dirname(base.__file__), top_level_dir=root)


class Result(unittest.TestResult):
    outcomes = {}

    def startTest(self, test):
        self.outcomes[test.id().rsplit(".", 1)[1]] = None

    def addError(self, test, error):
        self.outcomes[test.id().rsplit(".", 1)[1]] = str(error[1])

    addFailure = addError


suite.run(Result())
json.dump(Result.outcomes, sys.stdout)
