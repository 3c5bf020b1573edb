"""纸: tables in, tables and documents out. Every row that comes in goes through an act."""
