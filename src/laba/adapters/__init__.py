"""The world, one library each; none of these rooms knows another."""
