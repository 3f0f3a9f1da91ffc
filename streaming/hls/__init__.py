"""Low-latency HLS: a Stream's packets into fMP4 parts, segments and playlists, live and on disk.

An `HlsOutput` is opened for each venue when its event goes live, subscribes to the venue's program, and closes with
it. Its segmenter cuts, its window answers players from memory, and the disk's one writer thread keeps every finished
segment: the recording. `index.jsonl` beside the segments is what a restart and a replay are built from.
"""
