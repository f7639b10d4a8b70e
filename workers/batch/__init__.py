"""Batches of one store: asked, watched, harvested, paid once. `batches` is the loop, `ledger` the memory."""
