"""Comments: what may be said and how often, taken exactly once, reviewed, liked, pinned, removed.

A comment's way: the same one again? (answered as the first time) → its text → the room → the viewer's sanctions → pace
and flood → word lists and the outside review → one journaled write → the room's next batch. Every refusal says the
wait or the reason; what was typed stays with its sender.
"""
