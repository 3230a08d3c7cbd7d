"""`make demo`: a hub and five parties on loopback, and what they see of each other."""
