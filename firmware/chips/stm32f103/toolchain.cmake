set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR cortex-m3)

find_program(CMAKE_C_COMPILER arm-none-eabi-gcc REQUIRED)

# No C library: CMake's test program cannot link.
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
