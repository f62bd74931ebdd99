"""What is tested of io_uring is tested where the kernel has it; a machine without it says so in its first lines."""

from laba.adapters.gateway import ring

with ring.opened() as _sends:
    HAS_RING = _sends is not None

collect_ignore = [] if HAS_RING else ["test_ring.py"]


def pytest_report_header():
    return [] if HAS_RING else ["io_uring: none here; test_ring.py is left out"]
