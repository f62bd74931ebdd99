"""Which requests are ours, for which app, with which proof."""

from laba.dialects.easemob.endpoints import ENDPOINTS
from laba.model.app import RESERVED_ORGS
from laba.model.calls import Claim
from laba.model.http import RequestHead
from laba.model.refusal import Refusal
from laba.model.routing import Found, Routes

APP_ID = "app-id"
_ROUTES = Routes(ENDPOINTS)


def claim(head: RequestHead) -> Claim | Refusal | None:
    """Claim `/app-id/{app_id}/...` and `/{org}/{app}/...`; None for a shorter path or a reserved first segment."""
    _, *segments = head.path.split("/")
    if len(segments) < 3 or not segments[0] or (segments[0] in RESERVED_ORGS and segments[0] != APP_ID):
        return None
    first, second, *rest = segments
    path = "/" + "/".join(rest)
    found = _ROUTES.find(head.method, path)
    if not isinstance(found, Found):
        return found
    by_id = first == APP_ID
    return Claim(
        endpoint=found.endpoint,
        path=path,
        arguments=found.arguments,
        app=None if by_id else (first, second),
        app_id=second if by_id else None,
        proof=head.bearer,
    )
