"""Serves a Swift of one disk in this process: usage: swift_services.py DIR PORT AUTHTOKEN

AUTHTOKEN is a file with the options by which Keystone's middleware logs in."""
import eventlet

eventlet.monkey_patch()

import os  # noqa: E402
import sys  # noqa: E402

from eventlet import wsgi  # noqa: E402
from swift.common import utils  # noqa: E402
from swift.common.ring import RingBuilder  # noqa: E402
from swift.common.wsgi import SwiftHttpProtocol, loadapp  # noqa: E402

BACKEND = """[DEFAULT]
swift_dir = {dir}
devices = {dir}/devices
mount_check = false
user = root
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
[{kind}-updater]
recon_cache_path = {dir}
"""
PROXY = """[DEFAULT]
swift_dir = {dir}
[pipeline:main]
pipeline = catch_errors authtoken keystoneauth proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:keystoneauth]
use = egg:swift#keystoneauth
operator_roles = admin, member
reseller_admin_role = admin
[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
delay_auth_decision = true
{authtoken}"""

dir, port, authtoken = sys.argv[1], int(sys.argv[2]), open(sys.argv[3]).read()


def write(name, text):
    path = f"{dir}/{name}.conf"
    with open(path, "w") as file:
        file.write(text)
    return path


def ring(kind, port):
    """The disk is the only one."""
    builder = RingBuilder(0, 1, 0)
    disk = {"region": 1, "zone": 1, "ip": "127.0.0.1", "port": port, "device": "disk", "weight": 1}
    builder.add_dev(disk)
    builder.rebalance()
    builder.get_ring().save(f"{dir}/{kind}.ring.gz")


def serve(listener, path):
    app = loadapp(path)
    eventlet.spawn(wsgi.server, listener, app, utils.NullLogger(), protocol=SwiftHttpProtocol)


os.makedirs(f"{dir}/devices/disk")
write("swift", "[swift-hash]\nswift_hash_path_suffix = test\n")
utils.set_swift_dir(dir)
utils.validate_hash_conf()
listeners = {kind: eventlet.listen(("127.0.0.1", 0)) for kind in ("account", "container", "object")}
for kind, listener in listeners.items():
    ring(kind, listener.getsockname()[1])
for kind, listener in listeners.items():
    serve(listener, write(kind, BACKEND.format(dir=dir, kind=kind)))
proxy = loadapp(write("proxy", PROXY.format(dir=dir, authtoken=authtoken)))
wsgi.server(eventlet.listen(("127.0.0.1", port)), proxy, utils.NullLogger(), protocol=SwiftHttpProtocol)
