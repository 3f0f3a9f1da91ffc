"""Feeds that the hub fetches itself: RTSP cameras, HLS, RTMP, HTTP-FLV and SRT addresses, files in a loop.

Life story: a feed's `Source` (streaming.events.model) says what and when. `Pullers` follows events as an observer: for
each feed whose source is due it keeps one `Puller`, a task with an ffmpeg process of its own through
`streaming.gateway`. A puller asks the hub for the feed only once media comes, so an unreachable camera never takes a
feed away from an encoder; it tries again after pauses that grow, and says in plain words what is wrong. When the event
ends, the schedule is over or the source is changed, the task is cancelled and its process ends with it.
"""
