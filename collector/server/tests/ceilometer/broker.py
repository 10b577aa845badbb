#!/usr/bin/env python3
"""Speaks to a broker as OpenStack's services do.

usage: broker.py send URL DURABLE < JSON
       broker.py depth URL QUEUE...
       broker.py read URL QUEUE

`send` takes a list of messages, each an object with exchange, topic, priority, publisher_id, event_type, payload and
context for oslo.messaging's notifier, or with queue and raw for a message as it is; `pause` is seconds to wait before it.
DURABLE is yes or no. `depth` prints how many messages wait in each queue, -1 for one that is not there. `read` takes all
messages of a queue and prints them with their headers.
"""
import json
import sys
import time

import kombu

EMPTY_CONTEXT = {}


class Sender:
    """Notifiers by exchange, for an exchange belongs to a transport."""

    def __init__(self, url, durable):
        # Here, for it takes long: who only looks at a queue does not need it.
        global oslo_messaging, cfg
        import oslo_messaging
        from oslo_config import cfg

        self.url = url
        self.durable = durable
        self.transports = {}

    def transport(self, exchange):
        if exchange not in self.transports:
            conf = cfg.ConfigOpts()
            conf([], project="broker", default_config_files=[])
            oslo_messaging.set_transport_defaults(exchange)
            transport = oslo_messaging.get_notification_transport(conf, self.url)
            conf.set_override("amqp_durable_queues", self.durable, group="oslo_messaging_rabbit")
            # Made again, for the first one had to register the option.
            transport = oslo_messaging.get_notification_transport(conf, self.url)
            self.transports[exchange] = transport
        return self.transports[exchange]

    def send(self, message):
        notifier = oslo_messaging.Notifier(
            self.transport(message["exchange"]),
            driver="messagingv2",
            publisher_id=message.get("publisher_id", "compute.c1"),
            topics=[message.get("topic", "notifications")],
            retry=-1,
        )
        method = getattr(notifier, message.get("priority", "info"))
        method(message.get("context", EMPTY_CONTEXT), message["event_type"], message["payload"])


def send(url, durable):
    sender = Sender(url, durable == "yes")
    with kombu.Connection(amqp(url)) as connection:
        producer = None
        for message in json.load(sys.stdin):
            time.sleep(message.get("pause", 0))
            if "raw" not in message:
                sender.send(message)
                continue
            producer = producer or connection.Producer()
            producer.publish(message["raw"], routing_key=message["queue"], content_type="application/json",
                             content_encoding="utf-8")


def amqp(url):
    return url.replace("rabbit://", "amqp://")


def depth(url, *queues):
    with kombu.Connection(amqp(url)) as connection:
        for queue in queues:
            channel = connection.channel()
            try:
                print(queue, channel.queue_declare(queue, passive=True).message_count)
            except connection.channel_errors:
                print(queue, -1)


def read(url, queue):
    with kombu.Connection(amqp(url)) as connection:
        channel = connection.channel()
        messages = []
        while message := channel.basic_get(queue):
            body = message.body
            body = body.decode() if isinstance(body, bytes) else body
            messages.append({"body": body, "headers": message.headers})
            channel.basic_ack(message.delivery_tag)
        print(json.dumps(messages))


if __name__ == "__main__":
    {"send": send, "depth": depth, "read": read}[sys.argv[1]](*sys.argv[2:])
