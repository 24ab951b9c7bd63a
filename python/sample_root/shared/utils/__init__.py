"""Small helpers that WanGP's documentation names, such as virtual media paths."""
