"""From reply texts to answers. Pure, versioned, never a guess."""
