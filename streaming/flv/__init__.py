"""FLV, both ways: `tag` and `demux` read what an encoder sends, `mux` and `fanout` write what players read."""
