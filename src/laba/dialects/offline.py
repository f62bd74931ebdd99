"""Tokens that an app's own back end makes by itself, with the app's certificate and without asking laba."""

from laba.dialects.easemob.accesstoken2 import Terms, build_app_token, build_user_token

DAY_SECONDS = 86_400


def app_token(app_id: str, certificate: str, *, issued_at: int, salt: int) -> str:
    """Sign an app token for a day. `issued_at` is in seconds since 1970, `salt` is 1 to 99,999,999, any."""
    return build_app_token(Terms(app_id, issued_at, DAY_SECONDS, salt), certificate)


def user_token(app_id: str, certificate: str, user: str, *, issued_at: int, salt: int) -> str:
    """Sign a token with which one user logs in for a day."""
    return build_user_token(Terms(app_id, issued_at, DAY_SECONDS, salt), certificate, user)
