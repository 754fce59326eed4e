"""
For tests: runs programs of cluster/, one after another, each in a fork of this process, which has loaded PyTorch: that takes two seconds of a processor.
Reads a line of JSON for each, [program, arguments], and answers with one: {output, code}.
"""

import json
import os
import runpy
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import safetensors.torch  # noqa: F401
import torch  # noqa: F401

for line in sys.stdin:
    program, arguments = json.loads(line)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        os.dup2(writing, 1)
        os.dup2(writing, 2)
        sys.argv = [program, *arguments]
        runpy.run_path(str(Path(__file__).parent / program), run_name="__main__")
        raise SystemExit(0)
    os.close(writing)
    with open(reading) as pipe:
        output = pipe.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(json.dumps({"output": output, "code": code}), flush=True)
