"""What can be read off the PTX of a kernel."""

import re

_TOUCHES = re.compile(r"^\s*(@!?%p\d+ )?(ld|st|atom|red|cp|prefetch|ldu)\.(?!param|shared|local|const)", re.M)


def entries_that_do_not_wait(ptx: str) -> list[str]:
    """The entries that touch global memory, or branch, before they wait for the kernels before them."""
    wrong = []
    for name, body in re.findall(r"\.entry (\w+)\(.*?^\{(.*?)^\}", ptx, re.M | re.S):
        at = body.find("griddepcontrol.wait")
        first = [m.start() for m in (_TOUCHES.search(body), re.search(r"^\$?\w+:|\bbra\b", body, re.M)) if m]
        if at < 0 or min(first, default=at) < at:
            wrong.append(name)
    return wrong
