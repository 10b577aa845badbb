"""Runs Cinder's API, scheduler, volume and backup services, each in a process of its own: usage: cinder_services.py ARGUMENTS"""
import eventlet

eventlet.monkey_patch()

import sys  # noqa: E402

import cinder.cmd.backup  # noqa: E402, F401  (registers options)
import cinder.cmd.volume  # noqa: E402, F401
from cinder import context, objects, rpc, service, version  # noqa: E402
from cinder.tests import fake_driver  # noqa: E402
from oslo_config import cfg  # noqa: E402
from oslo_log import log  # noqa: E402

# Debian's update of oslo.messaging gives a notification's context without the key that its Cinder then does not find: with
# notifications on it could create nothing.
from_dict = context.RequestContext.from_dict
context.RequestContext.from_dict = staticmethod(lambda values: from_dict({"read_deleted": "no", **values}))

# All that its driver for tests lacks.
fake_driver.FakeLoggingVolumeDriver.extend_volume = lambda *_: None

objects.register_all()
cfg.CONF(sys.argv[1:], project="cinder", version=version.version_string())
log.setup(cfg.CONF, "cinder")
rpc.init(cfg.CONF)
launcher = service.process_launcher()
launcher.launch_service(service.WSGIService("osapi_volume"))
for name in "scheduler", "backup":
    launcher.launch_service(service.Service.create(binary=f"cinder-{name}"))
for name in cfg.CONF.enabled_backends:
    host = f"{cfg.CONF.host}@{name}"
    volume = service.Service.create(binary="cinder-volume", host=host, service_name=name, coordination=True)
    launcher.launch_service(volume)
launcher.wait()
