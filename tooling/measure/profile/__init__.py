"""`profile`: where the cycles, the flash and the SRAM of one inference go, layer by layer."""
