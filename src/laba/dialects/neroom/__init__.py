"""NetEase's REST words: NERoom's JSON, the IM platform's forms, signed calls (vendor-apis.md 3.3)."""
