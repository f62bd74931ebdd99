"""Rooms, who was put into them, and who may not speak in them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    _create_rooms()
    _create_room_members()
    _create_room_mutes()


def _create_rooms() -> None:
    op.create_table(
        "rooms",
        sa.Column("number", _NUMBER, primary_key=True),
        sa.Column("app_uuid", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("custom", sa.Text, nullable=False),
        sa.Column("max_members", sa.Integer, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("muted", sa.Boolean, nullable=False),
        sa.Column("high_types", sa.Text, nullable=False),
        sa.Column("high_members", sa.Text, nullable=False),
        sa.UniqueConstraint("app_uuid", "id"),
        sqlite_autoincrement=True,
    )
    op.create_index("rooms_of_app", "rooms", ["app_uuid", "number"])


def _create_room_members() -> None:
    op.create_table(
        "room_members",
        sa.Column("number", _NUMBER, primary_key=True),
        sa.Column("app_uuid", sa.Text, nullable=False),
        sa.Column("room_id", sa.Text, nullable=False),
        sa.Column("user", sa.Text, nullable=False),
        sa.UniqueConstraint("app_uuid", "room_id", "user"),
    )
    op.create_index("room_members_of_user", "room_members", ["app_uuid", "user"])


def _create_room_mutes() -> None:
    op.create_table(
        "room_mutes",
        sa.Column("app_uuid", sa.Text, primary_key=True),
        sa.Column("room_id", sa.Text, primary_key=True),
        sa.Column("user", sa.Text, primary_key=True),
        sa.Column("until_ms", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("room_mutes_of_user", "room_mutes", ["app_uuid", "user"])
