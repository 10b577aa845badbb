"""What schemathesis needs to know to get past the first look-up: how to write a protobuf body (any bytes are one to be
refused), and what there is. About half of all path parameters become names of things that are there."""
import json
import os

import schemathesis

THINGS = json.loads(os.environ["THINGS"])


@schemathesis.serializer("application/x-protobuf")
def protobuf(ctx, value):
    return value if isinstance(value, bytes) else str(value).encode()


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    kind = context.operation.path.split("/")[2]
    for name, value in (path_parameters or {}).items():
        known = THINGS.get(f"{kind}.{name}") or THINGS.get(name)
        if known and len(str(value)) % 2:
            path_parameters[name] = known[len(str(value)) // 2 % len(known)]
    return path_parameters
