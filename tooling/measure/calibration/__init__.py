"""The compiler's cost model, fitted to the emulated Cortex-M3."""
