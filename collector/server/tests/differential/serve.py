"""Serves Gnocchi's API in this process, one request at a time: usage: serve.py PORT COORDINATION-URL GNOCCHI-ARGUMENTS"""
import sys
from wsgiref import simple_server

from tooz import coordination


class Quiet(simple_server.WSGIRequestHandler):
    def log_message(self, *args):
        pass


port = int(sys.argv.pop(1))
# The status needs the group of the metricd processes, of which there are none.
coordinator = coordination.get_coordinator(sys.argv.pop(1), b"test")
coordinator.start()
coordinator.create_group(b"gnocchi-processing").get()
from gnocchi.cli import api  # noqa: E402  (reads sys.argv)

simple_server.make_server("127.0.0.1", port, api.wsgi(), handler_class=Quiet).serve_forever()
