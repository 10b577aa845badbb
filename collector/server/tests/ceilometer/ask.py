"""Asks a server by python-ceilometerclient: the arguments are the server and what to call; prints JSON.

    ask.py URL MANAGER METHOD ARGUMENTS-AS-JSON
"""

import json
import sys
import warnings

warnings.simplefilter("ignore")
from ceilometerclient import client  # noqa: E402
from ceilometerclient.apiclient import exceptions  # noqa: E402

url, manager, method, arguments = sys.argv[1:]
asked = client.get_client("2", token="unused", ceilometer_url=url)
try:
    answer = getattr(getattr(asked, manager), method)(**json.loads(arguments))
except exceptions.HttpError as error:
    print(json.dumps({"status": error.http_status}))
else:
    answers = answer if isinstance(answer, list) else [answer]
    print(json.dumps([it.to_dict() for it in answers]))
