"""What the tasks do: tools, builds, simulators, suites, checks. Nothing but tasks.py knows this room."""
