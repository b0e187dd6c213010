"""The intermediate form: a graph of standard ONNX operators, and what is known about each node.

`graph` reads nodes, `known` reads what has to be there, `builder` builds them, `roles` marks what they are, `movement`
and `rearrangement` describe what moves data, `canonical` says what every rule of the rewrite leaves behind,
`fingerprint` names a graph by its structure.
Every stage from `capture` to `emit` imports this folder; it imports none of them.
"""
