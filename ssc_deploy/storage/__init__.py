"""How things are stored and read again: files in place whole or not at all, digests, and the decoders of records.

Every other folder may import this one; it imports none but `errors`.
"""
