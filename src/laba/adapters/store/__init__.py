"""Where apps, users and the ledger are kept."""
