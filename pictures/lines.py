"""Removes the printed lines of ruled and squared paper, and leaves the strokes that cross them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pictures.paper import Ink, Strength

_MAX_TILT = 12.0  # degrees
_STEP = 0.1
_COVERED = 0.85  # of the width: a row of digits or a long stroke covers less, a printed line more
_STRAIGHT = 0.6  # of the width that the edge of a line covers in one straight line
_WIDEST = 0.012  # of the longer side
_DARKER = 1.6  # times the line's own strength is a stroke over it


def strokes(ink: Ink) -> tuple[Strength, float]:
    """The ink without printed lines and faint rests, and the tilt of the lines in degrees (0: no lines)."""
    if ink.is_drawn:  # printed lines would reach the edge
        return ink.strength, 0.0
    across, tilt = _without_near_horizontal(ink.strength)
    down, tilt_down = _without_near_horizontal(np.ascontiguousarray(ink.strength.T))
    # On squared paper a line may end where the other kind was removed, so both see the original.
    rest = np.minimum(across, down.T)
    rest[rest < ink.faint] = 0
    return rest, tilt or -tilt_down


def _without_near_horizontal(strength: Strength) -> tuple[Strength, float]:
    """The ink without lines that are within 12 degrees of a row, and their tilt."""
    from scipy import ndimage

    tilt = _tilt(strength > 0)
    if tilt is None:
        return strength, 0.0
    rows, columns = strength.shape
    drop = np.rint(np.arange(columns) * np.tan(np.deg2rad(tilt))).astype(int)
    margin = int(np.abs(drop).max())
    # Shift each column so that the lines follow the rows: no value changes, so it can be undone.
    padded = np.pad(strength, ((margin, margin), (0, 0)))
    source = np.arange(rows + 2 * margin)[:, None] + drop
    inside = (source >= 0) & (source < len(padded))
    level = np.where(inside, padded[np.clip(source, 0, len(padded) - 1), np.arange(columns)], 0)
    exists = np.pad(np.ones_like(strength, bool), ((margin, margin), (0, 0)))
    exists = inside & exists[np.clip(source, 0, len(padded) - 1), np.arange(columns)]
    cleaned = _without_rows(level, exists)
    result = padded.copy()
    y, x = np.nonzero(inside)
    result[source[y, x], x] = cleaned[y, x]
    result = result[margin : margin + rows]
    if (result == strength).all():
        return strength, 0.0
    # Cutting a line leaves crumbs at its rough edges; they are no strokes.
    changed = ndimage.binary_dilation(result != strength, iterations=2)
    crumbs = ndimage.binary_opening(result > 0, structure=np.ones((3, 3)))
    crumbs = ndimage.binary_propagation(crumbs, mask=result > 0)
    cleaned = np.where(changed & ~crumbs, np.float32(0), result)
    return cleaned, tilt


def _tilt(mask: npt.NDArray[np.bool_]) -> float | None:
    """The tilt in degrees of the longest near-horizontal lines; None without a line across the picture."""
    from skimage.transform import hough_line

    columns = mask.shape[1]
    # The upper edges of what is dark: a line has one over its whole length, a stroke only a short one.
    edges = mask[1:] & ~mask[:-1]
    tilts = np.arange(-_MAX_TILT, _MAX_TILT + _STEP / 2, _STEP)
    votes, _, _ = hough_line(edges, theta=np.deg2rad(tilts + 90))
    # Neighbouring distances share the votes of one line.
    votes = votes[:-1].astype(np.int64) + votes[1:]
    best = votes.max(axis=0)
    chosen = int(best.argmax())
    return float(tilts[chosen]) if best[chosen] > _STRAIGHT * columns else None


def _without_rows(level: Strength, exists: npt.NDArray[np.bool_]) -> Strength:
    """The ink without lines that follow the rows. `exists`: what is inside the picture."""
    from scipy import ndimage

    mask = level > 0
    widest = max(4, round(_WIDEST * max(level.shape)))
    near = ndimage.maximum_filter1d(mask.astype(np.uint8), 3, axis=0) > 0
    long = ndimage.uniform_filter1d(near.astype(np.float32), 31, axis=1) > 0.8
    covered = (long & exists).sum(axis=1) / np.maximum(exists.sum(axis=1), 1)
    covered[exists.sum(axis=1) < 0.2 * level.shape[1]] = 0
    result: Strength = level.copy()
    lines, count = ndimage.label(covered > _COVERED)
    for line in ndimage.find_objects(lines)[:count]:
        top, bottom = max(0, line[0].start - 1), line[0].stop + 1
        if bottom - top > 4 * widest:
            continue
        _remove(result, mask, top, bottom, widest)
    return result


def _remove(result: Strength, mask: npt.NDArray[np.bool_], top: int, bottom: int, widest: int) -> None:
    """Removes one line, which lies between two rows, except where a stroke crosses it."""
    from scipy import ndimage

    above, below = max(0, top - 2 * widest), min(len(mask), bottom + 2 * widest)
    band, ink = result[above:below], mask[above:below]
    pieces, _ = ndimage.label(ink, structure=[[0, 1, 0], [0, 1, 0], [0, 1, 0]])  # runs down each column
    touches = np.zeros(pieces.max() + 1, bool)
    touches[pieces[top - above : bottom - above]] = True
    touches[0] = False
    heights = np.bincount(pieces.ravel(), minlength=len(touches))
    if not touches.any():
        return
    height = float(np.median(heights[touches]))
    peaks = ndimage.maximum(band, pieces, np.arange(len(touches)))
    strength = float(np.median(peaks[touches]))
    is_line = touches & (heights <= max(height * 1.7, height + 2)) & (peaks < _DARKER * strength)
    band[is_line[pieces]] = 0
