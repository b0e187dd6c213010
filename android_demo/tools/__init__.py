"""What only a checkout needs: the app's tests and what they read, and the hashes of what is downloaded."""
