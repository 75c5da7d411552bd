"""The end of the wire for peers in Python: what `serve` of ../serve.ts is for those in JavaScript."""

import base64
import json
import sys
import time
from array import array


def serve(make, tensor):
    """Takes task and tensors from the first line of standard input, then answers a question a line.

    make(task, tensors) gives run(steps), which does that many units of work and returns what they gave;
    tensor(bytes, dtype) makes a tensor of little-endian bytes.
    """
    opening = json.loads(sys.stdin.readline())
    tensors = {
        name: tensor(bytearray(base64.b64decode(t["data"])), t["dtype"]) for name, t in opening["tensors"].items()
    }
    run = make(opening["task"], tensors)
    for line in sys.stdin:
        question = json.loads(line)
        if "results" in question:
            results = run(question["results"])
            numbers = array("d", results if isinstance(results, list) else results.tolist())
            reply = {"results": base64.b64encode(numbers.tobytes()).decode()}
        elif "rate" in question:
            cpu, start = time.process_time(), time.perf_counter()
            run(question["rate"])
            seconds = time.perf_counter() - start
            reply = {"rate": question["rate"] / seconds, "cores": (time.process_time() - cpu) / seconds}
        else:
            reply = {}
        print(json.dumps(reply), flush=True)
