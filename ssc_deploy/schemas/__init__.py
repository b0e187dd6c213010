"""JSON Schemas (draft 2020-12) of the files that cross to devices, in the one place where Python and Java find them.

``model`` is a bundle's model.json, ``job`` and ``result`` are what a target is asked and answers, ``status`` is how far
the demo app is. `generated` makes them from the classes that read these files; ``python -m ssc_deploy.schemas`` writes
them. ``tests/schemas`` holds files that each must accept and refuse, on either side.
"""
