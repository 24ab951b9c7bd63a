"""The interpreter as a shell starts it, asked the same checks: see host.mjs for the request and the answers."""

import json
import os
import sys

for check in json.load(sys.stdin)["checks"]:
    scope = {"sys": sys, "result": None}
    try:
        exec(check["statements"], scope)
        message = {"name": check["name"], "answer": scope["result"]}
    except Exception as error:
        message = {"name": check["name"], "error": f"{type(error).__name__}: {error}"}
    os.write(3, (json.dumps(message) + "\n").encode())
os.write(3, b'{"ended": true}\n')
