add_executable(firmware boards/native/board.c)
target_link_libraries(firmware PRIVATE firmware_options application network)

# For tests in Python: the network, and the application on a board in memory.
set_target_properties(network application PROPERTIES POSITION_INDEPENDENT_CODE ON)
add_library(network_shared SHARED)
target_link_libraries(network_shared PRIVATE network)
set_target_properties(network_shared PROPERTIES OUTPUT_NAME network)
add_library(simulated SHARED simulated/board.c simulated/wire.c)
target_include_directories(simulated PRIVATE fuzz)
target_link_libraries(simulated PRIVATE firmware_options application network)

if(FUZZ)
  include(fuzz/fuzz.cmake)
endif()
