"""Callbacks on their way, the words that apps do not want, and tags of who was put into a room."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("room_members", sa.Column("tags", sa.Text))
    op.create_table(
        "words",
        sa.Column("app_uuid", sa.Text, primary_key=True),
        sa.Column("words", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "letters",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("app_uuid", sa.Text, nullable=False),
        sa.Column("hook", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at_ms", sa.BigInteger, nullable=False),
        sa.Column("fault", sa.Text, nullable=False),
        sa.Column("died_at_ms", sa.BigInteger),
        sqlite_autoincrement=True,
    )
    waiting, dead = sa.text("died_at_ms IS NULL"), sa.text("died_at_ms IS NOT NULL")
    op.create_index("letters_waiting", "letters", ["app_uuid", "hook", "number"], sqlite_where=waiting)
    op.create_index("letters_dead", "letters", ["app_uuid", "hook", "number"], sqlite_where=dead)
    op.create_index("letters_dying", "letters", ["died_at_ms"], sqlite_where=dead)
