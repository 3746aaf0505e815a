"""The code that trained the weights in `synthviz/models`, one module for each stage, and their evaluation."""
