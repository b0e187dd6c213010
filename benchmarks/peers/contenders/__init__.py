"""One file a contender; `benchmarks.peers.contender` says what is in it."""
