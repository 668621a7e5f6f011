add_executable(firmware boards/native/board.c)
target_link_libraries(firmware PRIVATE firmware_options application network)

# The network as a shared library, for tests that call network_run() from Python.
set_target_properties(network PROPERTIES POSITION_INDEPENDENT_CODE ON)
add_library(network_shared SHARED)
target_link_libraries(network_shared PRIVATE network)
set_target_properties(network_shared PROPERTIES OUTPUT_NAME network)

include(fuzz/fuzz.cmake)
