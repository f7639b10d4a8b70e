"""Input files of the Batch API: packed, cut, spelled as each service wants them."""
