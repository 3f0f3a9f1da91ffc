"""Sign-on from the county's own app: a short-lived JWT becomes one viewer, whatever the device.

The app's server signs the token with the center's secret (HS256), its private key (RS256, ES256), or a key that it
publishes (JWKS). The audience page takes it from its address, strips it at once and exchanges it once at `join`.
"""
