"""堂屋: questions over several rooms. It has no tables and writes nothing by itself."""
