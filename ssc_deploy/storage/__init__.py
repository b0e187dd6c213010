"""How files are stored and read: atomic writes, digests, and the decoders of records.

Every other folder may import this one. It only imports `errors`.
"""
