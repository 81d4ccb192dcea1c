"""A small Jepsen: clients work at once and write down what they did; a checker looks for a legal order behind it."""
