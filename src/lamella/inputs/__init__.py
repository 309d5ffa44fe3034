"""Opens what a laboratory has: images, plate maps, tracks. Reads no pixel before it is asked."""
