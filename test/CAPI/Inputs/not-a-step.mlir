func.func private @nothing_here()
