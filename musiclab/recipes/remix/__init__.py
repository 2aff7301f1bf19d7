"""A song as a folder that opens in any audio workstation or DJ program: `pack.remix_pack`."""
