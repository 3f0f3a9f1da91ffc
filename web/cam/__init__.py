"""The camera page's other half: what a phone that is a feed is told (tally, messages, its link), and by whom."""
