"""The hand-out: a lesson as one file that plays without a network, made of the notebook's own widgets."""
