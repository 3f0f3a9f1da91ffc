"""Quizzes: questions asked one by one, each seen by each viewer when the own picture gets there.

`rules` reads the settings, `release` says who gets a question when, `scoring` what an answer is worth, `elimination`
who is still in, `ranking` who is before whom: all pure. `quizzes` joins them to the engine and to the clock.
"""
