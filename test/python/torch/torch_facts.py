# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What an analysis says, without how it names things: two front ends must agree on it."""


def _name(name):
    """fc1.weight of params['fc1.weight'], lr of hyper['lr']."""
    return name.split("'")[1] if "'" in name else name


def symmetries(analysis):
    """Family, members, blocks and dimension of each symmetry -> its id."""
    found = {}
    for symmetry in analysis.data["symmetries"]:
        members = []
        for member in symmetry["members"]:
            rest = tuple(sorted((k, str(v)) for k, v in member.items() if k != "parameter"))
            members.append((_name(member["parameter"]), rest))
        key = (
            symmetry["family"], tuple(sorted(members)), tuple(symmetry.get("block_shape") or ()),
            symmetry["dimension"], symmetry.get("order"), symmetry["exact"],
            tuple(sorted(f"{s['constant']:.6g} {s['degree']}" for s in symmetry["broken_by"])))
        found[key] = symmetry["id"]
    return found


def kinetics(analysis):
    """By symmetry: whether it is kept, what is kept of it, and its laws."""
    ids = {id: key for key, id in symmetries(analysis).items()}
    found = {}
    for entry in analysis.data["kinetics"]:
        laws = sorted({(_name(law["hyperparameter"]), law["degree"]) for law in entry["laws"]})
        found[ids[entry["symmetry"]]] = (entry["equivariant"], entry.get("keeps"), tuple(laws))
    return found
