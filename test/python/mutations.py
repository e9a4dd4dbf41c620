# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Damaged training steps, by seed, and what the compiler must do with them.

Every mutation is a function of a module's text and a random generator. `judge` runs the compiler
on the result: it may succeed or refuse with a located diagnostic, nothing else.
"""

import dataclasses
import pathlib
import random
import re
import subprocess

TIME_LIMIT = 20  # seconds

TOKEN = re.compile(r'"[^"\n]*"|%[\w#]+|@\w+|![\w.]+|#[\w.]+|[\w.]+|[^\s\w]')
TENSOR = re.compile(r"tensor<([\dx]*?)(f32|i32|i1|ui32|i64|f64|bf16)>")
OPERATION = re.compile(r'"((?:stablehlo|chlo|sdy|func)\.[a-z_]+)"')
INTEGER = re.compile(r"(?<![\w.%#-])-?\d+(?![\w.x])")
SHAPED = re.compile(r"array<i64: [^>]*>|\[[\d, ]+\]")
OPERANDS = re.compile(r"\((%[\w#]+(?:, %[\w#]+)*)\)")
CONSTANT = re.compile(r"dense<[^>]*>")
ATTRIBUTE = re.compile(r"(?<=[{ ])[a-z_]+ = [^,{}<>\[\]]+(?=[,}])")
CALLEE = re.compile(r"callee = @\w+")

HUGE = ["9223372036854775807", "-9223372036854775808", "18446744073709551616", "-1", "0", "1",
        "4294967296", "1000000000000000000000000000000", "65536"]


def _replace(text, match, new):
    return text[:match.start()] + new + text[match.end():]


def _pick(pattern, text, rng):
    matches = list(pattern.finditer(text))
    return rng.choice(matches) if matches else None


def truncate(text, rng):
    return text[:rng.randrange(len(text))]


def flip_bytes(text, rng):
    data = bytearray(text.encode())
    for _ in range(rng.choice((1, 1, 2, 8))):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data)


def swap_tokens(text, rng):
    tokens = list(TOKEN.finditer(text))
    a, b = sorted(rng.sample(tokens, 2), key=lambda m: m.start())
    return (text[:a.start()] + b.group() + text[a.end():b.start()] + a.group() + text[b.end():])


def change_type(text, rng):
    match = _pick(TENSOR, text, rng)
    if not match:
        return text
    shape, element = match.groups()
    sizes = shape.split("x")[:-1]
    kind = rng.randrange(8)
    if kind == 0:
        new = f"tensor<{shape}{rng.choice(['f16', 'f64', 'i32', 'i1', 'complex<f32>', 'index'])}>"
    elif kind == 1:
        new = f"tensor<*x{element}>"
    elif kind == 2:
        new = rng.choice(["i32", "f32", "index", "none", "tuple<>", "vector<4xf32>", "!stablehlo.token",
                          "memref<4xf32>", "!quant.any", "() -> ()"])
    elif kind == 3 and sizes:
        sizes[rng.randrange(len(sizes))] = rng.choice(["?", "0", "1", "7", *HUGE[:1]])
        new = f"tensor<{'x'.join(sizes)}x{element}>"
    elif kind == 4:
        new = f"tensor<{shape}{rng.randrange(1, 9)}x{element}>"
    elif kind == 5 and sizes:
        new = f"tensor<{''.join(s + 'x' for s in sizes[1:])}{element}>"
    elif kind == 6:
        sizes = sizes[::-1]
        new = f"tensor<{''.join(s + 'x' for s in sizes)}{element}>"
    else:
        new = f"tensor<{shape}{element}, #stablehlo.bounds<3>>"
    if rng.random() < 0.5:  # everywhere, so that it stays consistent and gets past the parser
        return text.replace(match.group(), new)
    return _replace(text, match, new)


def change_integer(text, rng):
    match = _pick(INTEGER, text, rng)
    return _replace(text, match, rng.choice(HUGE)) if match else text


def change_indices(text, rng):
    match = _pick(SHAPED, text, rng)
    if not match:
        return text
    numbers = re.findall(r"-?\d+", re.sub(r"i64", "", match.group()))
    if not numbers:
        return text
    choice = rng.randrange(4)
    if choice == 0:
        numbers[rng.randrange(len(numbers))] = rng.choice(HUGE)
    elif choice == 1:
        numbers.append(rng.choice(numbers))
    elif choice == 2:
        numbers.pop()
    else:
        numbers = numbers[::-1]
    inside = ", ".join(numbers)
    array = match.group().startswith("array")
    return _replace(text, match, (f"array<i64: {inside}>" if inside else "array<i64>")
                    if array else f"[{inside}]")


def change_line(text, rng):
    lines = text.split("\n")
    i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
    choice = rng.randrange(3)
    if choice == 0:
        del lines[i]
    elif choice == 1:
        lines.insert(j, lines[i])
    else:
        lines[i], lines[j] = lines[j], lines[i]
    return "\n".join(lines)


def rename_operation(text, rng):
    names = sorted(set(OPERATION.findall(text)))
    match = _pick(OPERATION, text, rng)
    if not match:
        return text
    new = rng.choice([*names, "stablehlo.unheard_of", "nowhere.op", "stablehlo.while",
                      "stablehlo.convolution", "stablehlo.scatter", "stablehlo.gather", "scf.if",
                      "linalg.generic", "builtin.module", "func.return"])
    return _replace(text, match, f'"{new}"')


def change_operands(text, rng):
    match = _pick(OPERANDS, text, rng)
    if not match:
        return text
    operands = match.group(1).split(", ")
    choice = rng.randrange(3)
    if choice == 0:
        operands.pop(rng.randrange(len(operands)))
    elif choice == 1:
        operands.append(rng.choice(operands))
    else:
        values = re.findall(r"%\w+", text)
        operands[rng.randrange(len(operands))] = rng.choice(values)
    return _replace(text, match, f"({', '.join(operands)})")


def swap_operand_values(text, rng):
    """Uses another value of the same type: well-formed nonsense, which must not crash."""
    lines = text.split("\n")
    typed = re.compile(r"^\s*(%\d+) = .* -> (tensor<[^>]*>)")
    by_type, uses = {}, []
    for number, line in enumerate(lines):
        found = typed.match(line)
        if not found:
            continue
        types = re.search(r" : \((.*?)\) ->", line)
        operands = OPERANDS.search(line)
        if types and operands:
            names = operands.group(1).split(", ")
            kinds = types.group(1).split(", ")
            if len(names) == len(kinds):
                for position, kind in enumerate(kinds):
                    if by_type.get(kind):
                        uses.append((number, operands, names, position, list(by_type[kind])))
        by_type.setdefault(found.group(2), []).append(found.group(1))
    if not uses:
        return text
    for number, operands, names, position, values in rng.sample(uses, min(3, len(uses))):
        names[position] = rng.choice(values)
        line = lines[number]
        lines[number] = line[:operands.start()] + f"({', '.join(names)})" + line[operands.end():]
    return "\n".join(lines)


def elide_constant(text, rng):
    match = _pick(CONSTANT, text, rng)
    return _replace(text, match, "dense_resource<__elided__>") if match else text


def change_constant(text, rng):
    match = _pick(CONSTANT, text, rng)
    new = rng.choice(["dense<>", "dense<0.0>", "dense<1>", "dense<0x7FC00000>", "dense<0xFF800000>",
                      "dense<1.0e-300>", 'dense<"0x0000">', "dense<[1.0, 2.0]>", "dense<1.0e40>",
                      "unit", "array<i64: 1>", "dense<true>", "dense<(1.0,2.0)>"])
    return _replace(text, match, new) if match else text


def remove_attribute(text, rng):
    match = _pick(ATTRIBUTE, text, rng)
    return _replace(text, match, "dropped") if match else text


def call_another(text, rng):
    match = _pick(CALLEE, text, rng)
    if not match:
        return text
    symbols = re.findall(r'sym_name = "(\w+)"', text)
    return _replace(text, match, f"callee = @{rng.choice([*symbols, 'missing'])}")


def several(text, rng):
    for _ in range(rng.randrange(2, 6)):
        changed = rng.choice(SINGLE)(text, rng)
        text = changed if isinstance(changed, str) else changed.decode(errors="replace")
    return text


SINGLE = [truncate, flip_bytes, swap_tokens, change_type, change_type, change_integer,
          change_indices, change_line, rename_operation, change_operands, swap_operand_values,
          swap_operand_values, elide_constant, change_constant, remove_attribute, call_another]
MUTATIONS = [*SINGLE, several]


def mutate(text, seed):
    """The damaged module of this seed, and the name of what was done."""
    rng = random.Random(seed)
    mutation = rng.choice(MUTATIONS)
    changed = mutation(text, rng)
    return (changed if isinstance(changed, bytes) else changed.encode()), mutation.__name__


@dataclasses.dataclass(frozen=True)
class Verdict:
    status: int
    complaint: str | None  # what is wrong with how the compiler took it
    stderr: str


#: A file with line and column, or where the input names no file the name it gives the place.
LOCATED = re.compile(r"^(?:.+:\d+:\d+: error: |<unknown>:0: error: loc\()", re.MULTILINE)
CRASHED = re.compile(r"PLEASE submit a bug report|Stack dump|LLVM ERROR|Assertion .* failed|UNREACHABLE"
                     r"|AddressSanitizer|runtime error:")


def judge(command, data, folder: pathlib.Path):
    """Runs `command` on a module; says what is wrong, if anything is."""
    path = folder / "input.mlir"
    path.write_bytes(data)
    out = folder / "report.json"
    out.unlink(missing_ok=True)
    try:
        run = subprocess.run([*command, str(path), f"--noether-report=json={out}", "-o", "/dev/null"],
                             capture_output=True, timeout=TIME_LIMIT, check=False)
    except subprocess.TimeoutExpired:
        return Verdict(-1, f"no answer within {TIME_LIMIT} s", "")
    stderr = run.stderr.decode(errors="replace")
    complaint = None
    if run.returncode < 0 or run.returncode > 2 or CRASHED.search(stderr):
        complaint = f"crashed with status {run.returncode}"
    elif run.returncode and not LOCATED.search(stderr):
        complaint = "refused without a located diagnostic"
    elif run.returncode and out.exists() and out.stat().st_size:
        complaint = "refused, yet wrote a report"
    elif run.returncode == 0 and not out.exists():
        complaint = "succeeded, yet wrote no report"
    return Verdict(run.returncode, complaint, stderr)
