"""The front of the emulated service: who may ask what, and how often."""
