"""The routes of the app, a module per subject; each gives `…_endpoints(...)` from plain arguments."""
