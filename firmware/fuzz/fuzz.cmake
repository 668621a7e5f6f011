# The application on a board in memory: a library for tests in Python, and, with clang, the fuzzers.

set(receiver_sources link/crc32.c link/link.c link/receive_buffer.c)
set(application_sources fuzz/application.c link/text.c ${receiver_sources}) # application.c includes app.c
add_library(simulated SHARED fuzz/board.c ${application_sources})
target_link_libraries(simulated PRIVATE firmware_options network)

if(FUZZ)
  # Libraries, since only the branches of what they judge are to guide the fuzzers.
  add_library(fuzz_common OBJECT fuzz/frame.c fuzz/oracle.c fuzz/script.c)
  add_library(fuzz_link_judge OBJECT fuzz/fuzz_link.c)
  add_library(fuzz_app_judge OBJECT fuzz/fuzz_app.c)
  foreach(judge fuzz_common fuzz_app_judge) # which hold nothing that the firmware writes to
    target_compile_options(${judge} PRIVATE -fno-sanitize=all)
  endforeach()
  add_library(fuzz_board OBJECT fuzz/board.c fuzz/hash_network.c network/label.c)

  add_executable(fuzz_link ${receiver_sources})
  add_executable(fuzz_app ${application_sources})
  target_link_libraries(fuzz_app PRIVATE fuzz_board)
  foreach(fuzzer fuzz_link fuzz_app)
    # Without tracing every comparison they run twice as fast, and the seeds hold what it would find.
    target_compile_options(${fuzzer} PRIVATE -fsanitize=fuzzer -fno-sanitize-coverage=trace-cmp)
    target_link_options(${fuzzer} PRIVATE -fsanitize=fuzzer)
    target_link_libraries(${fuzzer} PRIVATE ${fuzzer}_judge fuzz_common)
  endforeach()

  get_target_property(network_headers network INTERFACE_INCLUDE_DIRECTORIES)
  foreach(part fuzz_common fuzz_link_judge fuzz_app_judge fuzz_board fuzz_link fuzz_app)
    target_link_libraries(${part} PRIVATE firmware_options)
    target_include_directories(${part} PRIVATE ${network_headers}) # and another network than the model's
  endforeach()
endif()
