if(SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all)
  add_link_options(-fsanitize=address,undefined)
endif()

add_executable(firmware ${firmware_sources} boards/native/board.c)

# The network alone, for tests that call network_run() from Python.
add_library(network SHARED ${network_sources})

include(fuzz/fuzz.cmake)
