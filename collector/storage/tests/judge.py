# Runs workloads on Debian's real Gnocchi, in-process with its file storage, and prints what it makes of them.
#
# stdin, per workload:   policy BACK_WINDOW METHOD,METHOD... GRANULARITY_NS:POINTS GRANULARITY_NS:POINTS... (0: no end)
#                        batch TIMESTAMP_NS:VALUE_BITS TIMESTAMP_NS:VALUE_BITS...
#                        read METHOD GRANULARITY_NS START_NS STOP_NS (-: open)
# stdout, per read:      TIMESTAMP_NS:VALUE_BITS ...
import struct
import sys
import types
import uuid

import numpy

# Debian's Gnocchi 4.4.2 uses a name that numpy 1.24 no longer has; without it percentiles fail.
numpy.int = int

from gnocchi import archive_policy  # noqa: E402
from gnocchi import carbonara  # noqa: E402
from gnocchi import utils  # noqa: E402
from gnocchi.storage import file  # noqa: E402

utils.parallel_map.MAX_WORKERS = 1


def number(bits):
    return struct.unpack("<d", struct.pack("<Q", int(bits, 16)))[0]


def bits(value):
    return "%x" % struct.unpack("<Q", struct.pack("<d", value))[0]


def moment(text):
    return None if text == "-" else numpy.datetime64(int(text), "ns")


class Metric:
    """As much of a metric as the storage asks for."""

    def __init__(self, policy):
        self.id = uuid.uuid4()
        self.archive_policy = policy


def new_metric(words):
    definition = []
    for archive in words[2:]:
        granularity, points = archive.split(":")
        definition.append(
            archive_policy.ArchivePolicyItem(
                granularity=numpy.timedelta64(int(granularity), "ns"), points=int(points) or None
            )
        )
    policy = archive_policy.ArchivePolicy("test", int(words[0]), definition, words[1].split(","))
    return Metric(policy)


def main():
    conf = types.SimpleNamespace(file_basepath=sys.argv[1], file_subdir_len=2)
    storage = file.FileStorage(conf)
    storage.upgrade()
    metric = None
    for line in sys.stdin:
        kind, *words = line.split()
        if kind == "policy":
            metric = new_metric(words)
        elif kind == "batch":
            measures = numpy.zeros(len(words), dtype=carbonara.TIMESERIES_ARRAY_DTYPE)
            for index, word in enumerate(words):
                timestamp, value = word.split(":")
                measures[index] = (numpy.datetime64(int(timestamp), "ns"), number(value))
            storage.add_measures_to_metrics({metric: measures})
        else:
            aggregation = metric.archive_policy.get_aggregation(words[0], numpy.timedelta64(int(words[1]), "ns"))
            results = storage.get_aggregated_measures({metric: [aggregation]}, moment(words[2]), moment(words[3]))
            points = results[metric][aggregation]
            print(*("%d:%s" % (timestamp.astype("int64"), bits(value)) for timestamp, value in points))


main()
