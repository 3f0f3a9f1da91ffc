"""Sign-in: passwords, lock-out, sessions and the short-lived tokens that stand for them."""
