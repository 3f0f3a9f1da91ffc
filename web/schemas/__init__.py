"""Typed shapes of the API: they validate what comes in, shape what goes out, and generate OpenAPI and TypeScript.

Public contract (version 1): add fields freely; never rename, retype, drop or make required what stands here.
"""
