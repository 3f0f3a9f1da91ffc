"""What stays when the event is over: recordings, replays, clips and the library.

The live segments are the recording and the recording is the replay: this package never copies media, it
keeps lists over the files that `streaming.hls` wrote.
"""
