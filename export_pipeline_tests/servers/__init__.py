"""Real servers on 127.0.0.1 that die with the test run."""
