"""Where devices are pushed to, and pushes on their way."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    for name, kind in _NEW.items():
        op.add_column("devices", sa.Column(name, kind))
    has_token = sa.text("token IS NOT NULL")
    op.create_index("devices_pushed", "devices", ["app_uuid", "kind", "user", "device"], sqlite_where=has_token)
    op.create_index("devices_token", "devices", ["app_uuid", "token"], sqlite_where=has_token)
    op.create_table(
        "push_queue",
        sa.Column("dispatch", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("app_uuid", sa.Text, nullable=False),
    )
    _jobs()
    op.create_table(
        "push_retries",
        sa.Column("job", sa.BigInteger, primary_key=True),
        sa.Column("user", sa.Text, primary_key=True),
        sa.Column("device", sa.Text, primary_key=True),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at_ms", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("push_retries_due", "push_retries", ["job", "due_at_ms"])


def _jobs() -> None:
    op.create_table(
        "push_jobs",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("dispatch", sa.BigInteger, nullable=False),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("cursor_user", sa.Text, nullable=False),
        sa.Column("cursor_device", sa.Text, nullable=False),
        sa.Column("walked", sa.Boolean, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("targeted", "sent", "accepted", "retried")),
        sa.Column("rejected", sa.Text, nullable=False),
        sa.UniqueConstraint("dispatch", "provider"),
        sqlite_autoincrement=True,
    )
    op.create_index("push_jobs_under_way", "push_jobs", ["number"], sqlite_where=sa.text("state = 'under_way'"))


_NEW = {
    "kind": sa.Text,
    "token": sa.Text,
    "sandbox": sa.Boolean,
    "locale": sa.Text,
    "time_zone": sa.Text,
    "registered_at_ms": sa.BigInteger,
    "dead": sa.Text,
}
