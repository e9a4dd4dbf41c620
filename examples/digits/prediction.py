# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What Noether's learning dynamics says of |w|^2, from the first value and the momentum's size alone.

Heavy ball: v <- beta v + g + lambda w, w <- w - eta v, on a loss that is blind to the scale of w, so <w, g> = 0.
"""

import numpy as np


def recurrence(start, squared_velocity, eta, beta, decay):
    """r^2 before each step, in discrete time. Exact, whatever the gradients are.

    With c = <w, v> (the charge's discrete momentum) and q = |v|^2:
        c_t = beta (c_{t-1} - eta q_{t-1}) + lambda r_t^2,    r_{t+1}^2 = r_t^2 - 2 eta c_t + eta^2 q_t.

    Args:
        start: r^2 before the first step, [filters].
        squared_velocity: q_t = |v_t|^2 as measured in each step, [steps, filters].
        eta, beta, decay: learning rate, momentum, weight decay.

    Returns:
        [steps + 1, filters], in the units of `start`.
    """
    r2, c, q = [np.asarray(start, np.float64)], 0.0, 0.0
    for measured in np.asarray(squared_velocity, np.float64):
        c = beta * (c - eta * q) + decay * r2[-1]
        q = measured
        r2.append(r2[-1] - 2 * eta * c + eta**2 * q)
    return np.stack(r2)


def continuous(start, squared_velocity, eta, beta, decay):
    """The same in continuous time t = eta n (Tanaka and Kunin 2021, Noether's learning dynamics of scale symmetry):

        m (r^2)'' + mu (r^2)' = -2 k r^2 + 2 m |q'|^2,    m = eta (1 + beta) / 2, mu = 1 - beta, k = lambda,

    with |q'|^2 = |v|^2 constant over a step, solved exactly in between. It holds to first order in eta.
    """
    mass, friction = eta * (1 + beta) / 2, 1 - beta
    matrix = np.array([[0.0, 1.0], [-2 * decay / mass, -friction / mass]])
    values, vectors = np.linalg.eig(matrix)
    flow = (vectors @ np.diag(np.exp(values * eta)) @ np.linalg.inv(vectors)).real
    state = np.stack([np.asarray(start, np.float64), np.zeros_like(start, np.float64)])
    r2 = [state[0]]
    for measured in np.asarray(squared_velocity, np.float64):
        rest = np.stack([mass * measured / decay, np.zeros_like(measured)])  # where this force would bring it
        state = rest + flow @ (state - rest)
        r2.append(state[0])
    return np.stack(r2)
