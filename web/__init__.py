"""Everything people and programs reach over HTTP and Socket.IO, and the command line.

`wiring` builds the whole hub once, in order; `app` mounts the routes on it. Handlers translate: they check
access, call one action of `streaming`, `interaction`, `recorder` or `web.accounts`, and shape the answer with
`schemas`. The TypeScript of `frontend/` is generated from the same schemas.
"""
