"""The store: put-if-absent, atomic parts, reading, compaction. Knows paths, not meanings."""
