# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Lists of parameter shapes, as they occur."""

Shapes = list[tuple[int, ...]]


def gpt2(layers: int = 12, width: int = 768, vocabulary: int = 50257, context: int = 1024) -> Shapes:
    """The 148 parameters of GPT-2 small."""
    d = width
    block: Shapes = [(d,), (d,), (d, 3 * d), (3 * d,), (d, d), (d,), (d,), (d,), (d, 4 * d), (4 * d,), (4 * d, d), (d,)]
    return [(vocabulary, d), (context, d), *block * layers, (d,), (d,)]


def resnet50(classes: int = 1000) -> Shapes:
    """The 161 parameters of ResNet-50: kernels, and a scale and a shift for each."""

    def convolution(k: int, n: int, m: int) -> Shapes:
        return [(k, k, n, m), (m,), (m,)]

    shapes = convolution(7, 3, 64)
    n = 64
    for width, blocks in ((64, 3), (128, 4), (256, 6), (512, 3)):
        for block in range(blocks):
            shapes += convolution(1, n, width) + convolution(3, width, width) + convolution(1, width, 4 * width)
            if block == 0:
                shapes += convolution(1, n, 4 * width)
            n = 4 * width
    return [*shapes, (n, classes), (classes,)]


#: By name; the quick ones take less than a second a kernel.
LISTS: dict[str, Shapes] = {
    "64M": [(1 << 26,)],
    "gpt2": gpt2(),
    "resnet50": resnet50(),
    "1000x1024": [(1024,)] * 1000,
    "4M": [(1 << 22,)],
    "gpt2-2": gpt2(layers=2, vocabulary=2048),
    "100x1024": [(1024,)] * 100,
}
FULL = ("64M", "gpt2", "resnet50", "1000x1024")
QUICK = ("4M", "gpt2-2", "100x1024")
