"""Media that only ffmpeg can fetch: a supervised ffmpeg process whose FLV output is demuxed into a publication.

Life story: whoever needs a source (`streaming.srt` for a caller, `streaming.pull` for a camera) opens an `Intake`
with the input's arguments. The process runs in a session of its own, dies with the hub whatever happens to it, and
copies: nothing is encoded unless FLV cannot carry what comes, which shows at the first attempt. It ends with an
`Outcome`: a code for the console, with words, never with a traceback.
"""
