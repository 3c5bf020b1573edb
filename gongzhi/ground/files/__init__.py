"""附件: photos and papers, made harmless when they come in, gone when their person is erased."""
