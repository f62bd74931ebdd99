from builders import app
from laba.model.calls import Claim, Endpoint, Grant, Right, TokenIssued, TokenRequest
from laba.model.usercalls import NewUser


def test_no_secret_of_a_call_stands_in_a_repr():
    """Neither a caller's proof nor what it is given."""
    endpoint = Endpoint("send", "POST", "/x", Right.APP)
    shown = repr(
        (
            Claim(endpoint, "/x", proof="proof-1"),
            TokenRequest(Grant.PASSWORD, client_secret="secret-1", password="password-1", proof="proof-2"),
            NewUser("ann", "password-2"),
            TokenIssued(Grant.DIRECT, "token-1", 1, 1),
            app(),
        )
    )
    assert not any(secret in shown for secret in ("proof-", "secret-", "password-", "token-1"))
