#!/usr/bin/env python3
"""Publishes rounds of samples and events through Ceilometer's own publishers.

usage: publish.py CEILOMETER-CONF PUBLISHER-URL < JSON

The input is a list of rounds, each a list of samples (as arguments of ceilometer.sample.Sample) or of events (message_id,
event_type, generated and traits as name, kind and value). A round is one call of the publisher. PUBLISHER-URL is what
stands in pipeline.yaml.
"""
import json
import sys
from urllib.parse import urlsplit

from ceilometer import sample, service
from ceilometer.event import models
from ceilometer.publisher import gnocchi, http, messaging

SCHEMES = {
    "gnocchi": (gnocchi.GnocchiPublisher, gnocchi.GnocchiPublisher),
    "http": (http.HttpPublisher, http.HttpPublisher),
    "notifier": (messaging.SampleNotifierPublisher, messaging.EventNotifierPublisher),
}


def event(fields):
    traits = [models.Trait(*trait) for trait in fields.pop("traits")]
    return models.Event(traits=traits, raw={}, **fields)


def aggregate(client):
    """Has a Gnocchi without metricd aggregate what came in, as metricd would before the last round: what is late in it is late."""
    for metric in client.metric.list():
        client.metric.get_measures(metric["id"], refresh=True)


def main():
    conf_file, url = sys.argv[1:]
    conf = service.prepare_service(["ceilometer"], [conf_file])
    parsed = urlsplit(url)
    for_samples, for_events = SCHEMES[parsed.scheme]
    rounds = json.load(sys.stdin)
    is_events = any("event_type" in item for items in rounds for item in items)
    publisher = (for_events if is_events else for_samples)(conf, parsed)
    for at, items in enumerate(rounds):
        if parsed.scheme == "gnocchi" and at + 1 == len(rounds):
            aggregate(publisher._gnocchi)
        if is_events:
            publisher.publish_events([event(fields) for fields in items])
        else:
            publisher.publish_samples([sample.Sample(**fields) for fields in items])


if __name__ == "__main__":
    main()
