"""Running the suites of robot_tests/."""
