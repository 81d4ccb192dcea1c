"""Stock on the shelf: one number per site and item, or first-expired-first-out layers."""

import numpy as np

from optimizer.arguments import FloatArray, IntArray


class PlainStock:
    """Stock that keeps; `on_hand` has shape ``(sites, items)``."""

    layers = 0

    def __init__(self, on_hand: FloatArray) -> None:
        self.on_hand = on_hand

    def expire(self, day: int) -> FloatArray:
        """Nothing does."""
        return np.zeros_like(self.on_hand)

    def receive(self, day: int, fresh: FloatArray, layered: FloatArray) -> None:
        """Take in what came from suppliers and what came along lanes."""
        self.on_hand += fresh
        self.on_hand += layered

    def serve(self, day: int, wanted: FloatArray) -> FloatArray:
        """Hand out what is wanted as far as it goes."""
        served: FloatArray = np.minimum(self.on_hand, wanted)
        self.on_hand -= served
        return served

    def send(self, day: int, site: int, wanted: FloatArray) -> FloatArray:
        """Let one site ship what is wanted as far as it goes, shape ``(items,)``."""
        sent: FloatArray = np.minimum(self.on_hand[site], wanted)
        self.on_hand[site] -= sent
        return sent


class LayeredStock:
    """Stock by expiry day; layer ``d % layers`` may be sold until the evening before day d.

    Parameters
    ----------
    on_hand
        Opening stock, shape ``(sites, items)``, fresh.
    shelf_life_days
        Shape ``(items,)``, at least 1.
    """

    def __init__(self, on_hand: FloatArray, shelf_life_days: IntArray) -> None:
        self._life = shelf_life_days
        self.layers = int(shelf_life_days.max()) + 1
        self._stock = np.zeros((self.layers, *on_hand.shape))
        self.on_hand = np.zeros_like(on_hand)
        self.receive(0, on_hand, np.zeros_like(self._stock))

    def expire(self, day: int) -> FloatArray:
        """Throw away the layer whose last day was yesterday."""
        gone = self._stock[day % self.layers].copy()
        self._stock[day % self.layers] = 0.0
        self.on_hand -= gone
        return np.asarray(gone)

    def receive(self, day: int, fresh: FloatArray, layered: FloatArray) -> None:
        """Take in fresh units ``(sites, items)`` and units that kept their expiry ``(layers, sites, items)``."""
        layer = (day + self._life) % self.layers
        self._stock[layer, :, np.arange(len(self._life))] += fresh.T
        self._stock += layered
        self.on_hand = self._stock.sum(axis=0)

    def serve(self, day: int, wanted: FloatArray) -> FloatArray:
        """Hand out what is wanted as far as it goes, what expires first goes first."""
        rest = wanted.copy()
        for ahead in range(1, self.layers):
            layer = self._stock[(day + ahead) % self.layers]
            taken = np.minimum(layer, rest)
            layer -= taken
            rest -= taken
        self.on_hand = self._stock.sum(axis=0)
        return np.asarray(wanted - rest)

    def send(self, day: int, site: int, wanted: FloatArray) -> FloatArray:
        """Let one site ship what is wanted, what expires first goes first, shape ``(layers, items)``."""
        sent, rest = np.zeros((self.layers, len(wanted))), wanted.copy()
        for ahead in range(1, self.layers):
            layer = (day + ahead) % self.layers
            np.minimum(self._stock[layer, site], rest, out=sent[layer])
            self._stock[layer, site] -= sent[layer]
            rest -= sent[layer]
        self.on_hand[site] = self._stock[:, site].sum(axis=0)
        return sent
