"""How batches and quotas are shared between nodes."""
