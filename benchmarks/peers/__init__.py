"""Ours side by side with every other converter and runtime, each in an environment of its own.

    net ──▶ weights, pictures, float64 reference                                   (net.py, this project's environment)
     └──▶ each contender: convert ──▶ file ──▶ load, compute ──▶ compared          (contenders/, one file a contender)
                                                └──▶ take turns, round by round    (turns.py)
                                                      └──▶ results ──▶ picture     (results.py, picture.py)

A contender runs in a process of its own (worker.py), started by the host (host.py) with the Python of its environment
(environments.py), and answers one JSON line for each JSON line that it is sent.
"""
