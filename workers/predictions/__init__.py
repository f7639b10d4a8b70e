"""From parts to predictions.parquet: exactly one row per task."""
