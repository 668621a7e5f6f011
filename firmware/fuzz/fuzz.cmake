# The fuzzers, which need clang. Only the branches of the code under test guide them: all else is in object libraries.

add_library(fuzz_common OBJECT fuzz/input/frame.c fuzz/input/script.c fuzz/expected/oracle.c)
add_library(fuzz_link_check OBJECT fuzz/fuzz_link.c)
add_library(fuzz_app_check OBJECT fuzz/fuzz_app.c)
foreach(check fuzz_common fuzz_app_check) # the firmware writes into none of them
  target_compile_options(${check} PRIVATE -fno-sanitize=all)
endforeach()
add_library(fuzz_board OBJECT
  simulated/board.c simulated/wire.c fuzz/expected/hash_network.c network/label.c
  ${NETWORK_MODEL_DIR}/model.c) # for the names of the classes

add_executable(fuzz_link link/crc32.c link/link.c link/receive_buffer.c)
add_executable(fuzz_app ${application_sources})
target_link_libraries(fuzz_app PRIVATE fuzz_board)
foreach(fuzzer fuzz_link fuzz_app)
  # Without tracing comparisons they run twice as fast; the seeds hold what the traces would find.
  target_compile_options(${fuzzer} PRIVATE -fsanitize=fuzzer -fno-sanitize-coverage=trace-cmp)
  target_link_options(${fuzzer} PRIVATE -fsanitize=fuzzer)
  target_link_libraries(${fuzzer} PRIVATE ${fuzzer}_check fuzz_common)
endforeach()

# The headers of the network, but not its target: hash_network.c takes its place.
get_target_property(network_headers network INTERFACE_INCLUDE_DIRECTORIES)
foreach(part fuzz_common fuzz_link_check fuzz_app_check fuzz_board fuzz_link fuzz_app)
  target_link_libraries(${part} PRIVATE firmware_options)
  target_include_directories(${part} PRIVATE ${network_headers} fuzz fuzz/input fuzz/expected simulated)
endforeach()
