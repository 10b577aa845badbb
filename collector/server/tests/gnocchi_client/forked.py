"""Runs commands of a Python command line client, each in a process that is forked when all is imported: starting one takes
most of a second."""
import os
import sys
import tempfile
import time

import futurist
from dateutil import tz
from gnocchiclient import benchmark, shell, utils
from openstackclient import shell as openstack_shell

# The client's pool of processes cannot hand its jobs over (it pickles a lock); threads send the same requests.
fields = {name: value for name, value in vars(benchmark.BenchmarkPool).items() if not name.startswith("__")}
benchmark.BenchmarkPool = type("BenchmarkPool", (futurist.ThreadPoolExecutor,), fields)

MAINS = {"gnocchi": shell.main, "openstack": openstack_shell.main}


def run(program, arguments, text=None):
    """Exit code, standard output and standard error."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, tempfile.TemporaryFile() as given:
        given.write(text or b"")
        given.seek(0)
        child = os.fork()
        if child == 0:
            code = 70
            try:
                # What a new process would read of the environment.
                time.tzset()
                utils.LOCAL_TIMEZONE = tz.tzlocal()
                for number, file in enumerate((given, out, err)):
                    os.dup2(file.fileno(), number)
                code = MAINS[program](arguments)
            except SystemExit as end:
                code = end.code
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code if isinstance(code, int) else 1 if code else 0)
        _, status = os.waitpid(child, 0)
        for file in out, err:
            file.seek(0)
        return os.waitstatus_to_exitcode(status), out.read().decode(), err.read().decode()
