"""What clients post, where it is too long to stand in the kind's own file."""
