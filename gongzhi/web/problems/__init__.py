"""问题: what waits for me, the board, the list and the map, one problem as a story, the weekly list of 难题."""
