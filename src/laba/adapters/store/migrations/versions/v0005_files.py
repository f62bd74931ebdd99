"""Files: what is known of them; their bytes lie beside the database."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "files",
        sa.Column("uuid", sa.Text, primary_key=True),
        sa.Column("app_uuid", sa.Text, nullable=False),
        sa.Column("filename", sa.Text),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("restricted", sa.Boolean, nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger),
        sa.Column("thumbnail", sa.Text),
        sa.Column("thumbnail_bytes", sa.BigInteger),
        sa.Column("gone", sa.Boolean, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("files_expiring", "files", ["gone", "expires_at_ms"])
    op.create_index("files_held", "files", ["gone", "size_bytes", "thumbnail_bytes"])
    op.create_index("files_thumbnail", "files", ["thumbnail"], sqlite_where=sa.text("thumbnail IS NOT NULL"))
