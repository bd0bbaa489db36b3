"""Operations with kernels of their own; everything in keras.ops is built from these. They check little and promote nothing."""
