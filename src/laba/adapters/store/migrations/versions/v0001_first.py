"""Apps, users, the ledger of kept dispatches, and the streams they are placed in."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    _create_apps()
    _create_users()
    _create_streams()
    _create_ledger()


def _create_apps() -> None:
    op.create_table(
        "apps",
        sa.Column("number", _NUMBER, primary_key=True),
        sa.Column("uuid", sa.Text, nullable=False, unique=True),
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("app", sa.Text, nullable=False),
        sa.Column("app_id", sa.Text, nullable=False, unique=True),
        sa.Column("app_key", sa.Text, nullable=False),
        sa.Column("client_id", sa.Text, nullable=False, unique=True),
        sa.Column("app_certificate", sa.Text, nullable=False),
        sa.Column("app_secret", sa.Text, nullable=False),
        sa.Column("client_secret", sa.Text, nullable=False),
        sa.Column("token_key", sa.LargeBinary, nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("policy", sa.Text, nullable=False),
        sa.UniqueConstraint("org", "app"),
    )


def _create_users() -> None:
    op.create_table(
        "users",
        sa.Column("app_uuid", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("uuid", sa.Text, nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("modified_at_ms", sa.BigInteger, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("nickname", sa.Text),
        sa.Column("activated", sa.Boolean, nullable=False),
        sa.Column("password_hash", sa.Text),
        sqlite_with_rowid=False,
    )


def _create_streams() -> None:
    op.create_table(
        "streams",
        sa.Column("number", _NUMBER, primary_key=True),
        sa.Column("app_uuid", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("epoch", sa.Text, nullable=False),
        sa.Column("last_offset", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("app_uuid", "channel"),
    )


def _create_ledger() -> None:
    op.create_table(
        "ledger",
        sa.Column("number", _NUMBER, primary_key=True),
        sa.Column("id", sa.BigInteger, nullable=False, unique=True),
        sa.Column("app_uuid", sa.Text, nullable=False),
        sa.Column("accepted_at_ms", sa.BigInteger, nullable=False),
        sa.Column("quota", sa.Text, nullable=False),
        sa.Column("state", sa.Integer, nullable=False),
        sa.Column("stream", sa.BigInteger),
        sa.Column("offset", sa.BigInteger),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_index("ledger_taken", "ledger", ["app_uuid", "quota", "accepted_at_ms"])
    op.create_index("ledger_waiting", "ledger", ["number"], sqlite_where=sa.text("state = 0"))
    op.create_index(
        "ledger_placed", "ledger", ["stream", "accepted_at_ms"], sqlite_where=sa.text("stream IS NOT NULL")
    )
