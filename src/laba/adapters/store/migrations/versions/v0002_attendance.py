"""Attendance, conversations and reports."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_PLACED = sa.text("stream IS NOT NULL")


def upgrade() -> None:
    _widen_ledger()
    _create_attendance()
    _create_read_marks()


def _widen_ledger() -> None:
    op.add_column("ledger", sa.Column("sender", sa.Text, nullable=False, server_default=""))
    op.add_column("ledger", sa.Column("properties", sa.Integer, nullable=False, server_default="0"))
    op.add_column("ledger", sa.Column("report", sa.Text))
    op.execute(
        "UPDATE ledger SET sender = json_extract(document, '$.sender'),"
        " properties = json_extract(document, '$.flags[0]') + 2 * json_extract(document, '$.flags[1]')"
        " + 4 * json_extract(document, '$.flags[2]') + 8 * json_extract(document, '$.flags[3]')"
    )
    op.drop_index("ledger_placed", "ledger")
    op.create_index("ledger_placed", "ledger", ["stream", "accepted_at_ms", "offset"], sqlite_where=_PLACED)
    op.create_index(
        "ledger_conversations", "ledger", ["stream", "offset", "sender", "properties"], sqlite_where=_PLACED
    )


def _create_attendance() -> None:
    op.create_table(
        "attendance",
        sa.Column("app_uuid", sa.Text, primary_key=True),
        sa.Column("user", sa.Text, primary_key=True),
        sa.Column("device", sa.Text, primary_key=True),
        sa.Column("from_offset", sa.BigInteger, primary_key=True),
        sa.Column("to_offset", sa.BigInteger, nullable=False),
        sa.Column("confirmed_offset", sa.BigInteger, nullable=False),
        sa.Column("since_ms", sa.BigInteger, nullable=False),
        sa.Column("ended_at_ms", sa.BigInteger),
        sqlite_with_rowid=False,
    )
    op.create_index("attendance_open", "attendance", ["app_uuid"], sqlite_where=sa.text("ended_at_ms IS NULL"))
    op.create_table(
        "checkpoint",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("alive_at_ms", sa.BigInteger, nullable=False),
    )


def _create_read_marks() -> None:
    op.create_table(
        "read_marks",
        sa.Column("app_uuid", sa.Text, primary_key=True),
        sa.Column("user", sa.Text, primary_key=True),
        sa.Column("type", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("offset", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
