"""What is wrong with a feed, in time to act: `meter` measures a Stream, `rules` decides, the console says it in words.

One monitor a feed, from its first packet until the hub forgets it. Rules are pure and know nothing of streams; the
texts stand in the console's language files under the rule's code.
"""
