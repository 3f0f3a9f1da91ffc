"""The room beside the picture: who is there, what they say, and (later) what they vote, answer and win.

A message's way: charged and validated at the socket, put through the rules, committed to MongoDB with its
neighbours, acknowledged, numbered in the room's log, and sent to everybody in the next batch. MongoDB is the
truth; Redis may be flushed at any moment. Nothing here knows of streams or pages.
"""
