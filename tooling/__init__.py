"""What the tasks do: tools, builds, simulators, suites, checks."""
