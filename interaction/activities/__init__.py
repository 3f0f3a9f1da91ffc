"""Votes, quizzes, lotteries, check-ins: one life, one set of commands, a package of rules for each kind.

`engine.Activities` owns them: it keeps each one's state in MongoDB, asks the kind for its rules and its facts, and
tells the room. A kind owns what its viewers did (ballots, answers, entries) and the numbers made of it.
"""
