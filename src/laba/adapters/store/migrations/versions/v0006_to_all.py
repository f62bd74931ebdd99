"""What was sent to all users is found by an index of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_index(
        "ledger_to_all", "ledger", ["stream", "accepted_at_ms", "offset"], sqlite_where=sa.text("properties & 16")
    )
