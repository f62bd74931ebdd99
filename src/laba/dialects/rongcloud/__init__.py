"""RongCloud's REST words: signed calls, forms and JSON, message types by `objectName` (vendor-apis.md 1.4, 3.2)."""
