"""REST words in, our nouns out, and back: one room per vendor, and `native` for laba's own."""
