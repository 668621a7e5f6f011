# This computer: no chip. native.cmake adds the targets.
