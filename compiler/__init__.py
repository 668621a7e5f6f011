"""From a trained model file to C for the chip; numpy only."""
