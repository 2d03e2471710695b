"""Training of lifters on MMEngine's Runner; nothing that lifts a film imports this."""
