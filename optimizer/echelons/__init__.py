"""Where stock sits in a network of levels: guaranteed service, serial systems, depot and bases, central or forward."""
