"""The part of the sample root that a caller sees: ``shared.api``, shaped as WanGP documents it."""
