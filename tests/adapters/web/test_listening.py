"""The sockets that laba listens on: design.md 6.5 and 9."""

import os
import socket
import stat
from contextlib import suppress

import pytest

from laba.adapters.web.listening import operator_listener, tcp_listener


@pytest.fixture
def path(tmp_path):
    return tmp_path / "laba.sock"


def test_the_operators_socket_is_for_its_owner_alone(path):
    """Mode 0600 whatever the umask is, and the umask stays what it was."""
    before = os.umask(0)
    try:
        with operator_listener(path) as listener:
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert stat.S_ISSOCK(path.stat().st_mode)
            assert listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        assert os.umask(0) == 0
    finally:
        os.umask(before)


def test_the_socket_of_a_server_that_was_killed_is_replaced(path):
    """The lock on the directory has told that nobody uses it."""
    operator_listener(path).close()
    assert path.exists()
    with operator_listener(path) as listener, socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        listener.accept()[0].close()


def test_a_path_too_long_for_a_socket_is_an_oserror(tmp_path):
    """And the umask is restored."""
    before = os.umask(0o22)
    try:
        with pytest.raises(OSError):
            operator_listener(tmp_path / ("x" * 120))
        assert os.umask(0o22) == 0o22
    finally:
        os.umask(before)


def test_accepted_connections_hold_little_that_is_unsent():
    """The listener's bound is inherited: a reader that stops shows within it."""
    with tcp_listener("127.0.0.1", 0, 8, 16384) as listener, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(listener.getsockname())
        accepted, _ = listener.accept()
        with accepted:
            accepted.setblocking(False)
            sent = 0
            with suppress(BlockingIOError):
                while True:
                    sent += accepted.send(b"x" * 1000)
            assert sent <= 2 * client.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) + 16384 + 1000


def test_a_port_that_is_taken_is_an_oserror():
    """Two servers on one port would each get half of the clients."""
    with tcp_listener("127.0.0.1", 0, 8, 1) as listener, pytest.raises(OSError):
        tcp_listener("127.0.0.1", listener.getsockname()[1], 8, 1)


def test_an_address_with_colons_is_ipv6():
    """So `::1` and `::` can be named as they are."""
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    try:
        listener = tcp_listener("::1", 0, 8, 1)
    except OSError:
        pytest.skip("no IPv6 here")
    with listener:
        assert listener.family == socket.AF_INET6
