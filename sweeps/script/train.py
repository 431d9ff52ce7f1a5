"""A script of one's own: fits a parabola's coefficients by gradient descent, reports its loss, obeys stops."""

import sweep

run = sweep.init(config={"learning_rate": 0.01, "momentum": 0.0})
points = [(x / 10, 2 * (x / 10) ** 2 - x / 10 + 0.5) for x in range(-10, 11)]
weights, speed = [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]

for step in range(1, 201):
    slopes, loss = [0.0, 0.0, 0.0], 0.0
    for x, y in points:
        terms = (x * x, x, 1.0)
        error = sum(w * t for w, t in zip(weights, terms, strict=True)) - y
        loss += error * error / len(points)
        slopes = [
            s + 2 * error * t / len(points) for s, t in zip(slopes, terms, strict=True)
        ]
    speed = [
        run.config.momentum * v - run.config.learning_rate * s
        for v, s in zip(speed, slopes, strict=True)
    ]
    weights = [w + v for w, v in zip(weights, speed, strict=True)]
    if step % 10 == 0:
        run.log({"loss": loss}, step=step)
    if run.should_stop:
        break
