"""The float32 engine in C, and what Python needs to run it: plans as data, the host's compiler, the compiled library.

The C files are the engine itself. They are what `export --to c` puts into a package, and what runs here.
"""
