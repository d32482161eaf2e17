VERSION = "3"  # bumped whenever pictures change: caches depend on it
