"""Tags and portraits of users, their devices, messages to chosen users, and what is for whoever comes in time."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("users", sa.Column("portrait", sa.Text))
    op.add_column("users", sa.Column("tags", sa.Text))
    op.add_column("users", sa.Column("token_at_ms", sa.BigInteger))
    op.add_column("attendance", sa.Column("began_ms", sa.BigInteger))
    op.create_index(
        "ledger_recent", "ledger", ["stream", "accepted_at_ms", "offset"], sqlite_where=sa.text("properties & 128")
    )
    op.create_table(
        "devices",
        sa.Column("app_uuid", sa.Text, primary_key=True),
        sa.Column("user", sa.Text, primary_key=True),
        sa.Column("device", sa.Text, primary_key=True),
        sa.Column("platform", sa.Text),
        sa.Column("package", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    _campaigns()
    op.create_table(
        "inbox",
        sa.Column("stream", sa.BigInteger, primary_key=True),
        sa.Column("user", sa.Text, primary_key=True),
        sa.Column("offset", sa.BigInteger, primary_key=True),
        sa.Column("delivered", sa.Boolean, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("inbox_of_message", "inbox", ["stream", "offset", "delivered"])


def _campaigns() -> None:
    op.create_table(
        "campaigns",
        sa.Column("dispatch", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("app_uuid", sa.Text, nullable=False),
        sa.Column("stream", sa.BigInteger, nullable=False),
        sa.Column("offset", sa.BigInteger, nullable=False),
        sa.Column("accepted_at_ms", sa.BigInteger, nullable=False),
        sa.Column("targets", sa.Text),
        sa.Column("cursor", sa.Text, nullable=False),
        sa.Column("walking", sa.Boolean, nullable=False),
        sa.Column("expired", sa.BigInteger, nullable=False),
        sa.Column("delivered", sa.BigInteger, nullable=False),
        sa.Column("emptied", sa.Boolean, nullable=False),
    )
    op.create_index("campaigns_walking", "campaigns", ["app_uuid", "offset"], sqlite_where=sa.text("walking = 1"))
    op.create_index("campaigns_held", "campaigns", ["accepted_at_ms"], sqlite_where=sa.text("emptied = 0"))
