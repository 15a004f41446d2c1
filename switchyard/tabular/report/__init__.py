"""How figures and words are laid out."""
