/* Local normalisation of a grey image: even, black paper, and ink that reaches 255. */
#pragma once

#include <stdint.h>

#define NORMALISE_CELL      4 /* pixels of a side */
#define NORMALISE_MAX_CELLS 16 /* in a row */

struct normalise {
    int rows, columns; /* of the image */
    int output_rows, output_columns; /* at most those */
    int rank; /* the pixels from the brightest to the one of this rank become 255 */
    int span; /* the smallest brightness above the paper that becomes 255 */
};

static inline int normalise_clamp(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

/* The means of 2 x 2 pixels. */
static inline void normalise_means(struct normalise layer, const uint8_t *restrict image,
                                   uint8_t *restrict means)
{
    for (int row = 0; row < layer.rows / 2; row++) {
        const uint8_t *upper = image + 2 * row * layer.columns, *lower = upper + layer.columns;
        for (int column = 0; column < layer.columns / 2; column++, upper += 2, lower += 2) {
            *means++ = (uint8_t)((upper[0] + upper[1] + lower[0] + lower[1] + 2) >> 2);
        }
    }
}

/* The smallest mean in a cell and up to two pixels around it. rows, columns: of the means. */
static inline uint8_t normalise_lowest(const uint8_t *means, int rows, int columns, int cell_row,
                                       int cell_column)
{
    int top = normalise_clamp(2 * cell_row - 1, 0, rows), bottom = normalise_clamp(2 * cell_row + 3, 0, rows);
    int left = normalise_clamp(2 * cell_column - 1, 0, columns),
        right = normalise_clamp(2 * cell_column + 3, 0, columns);
    uint8_t lowest = 255;
    for (int row = top; row < bottom; row++) {
        for (int column = left; column < right; column++) {
            uint8_t mean = means[row * columns + column];
            lowest = mean < lowest ? mean : lowest;
        }
    }
    return lowest;
}

/* The mean of a cell and its neighbours: rows and columns weigh 1, 2, 1. Cells at the border continue beyond it. */
static inline uint8_t normalise_smooth(const uint8_t *cells, int rows, int columns, int row, int column)
{
    const uint8_t *above = cells + normalise_clamp(row - 1, 0, rows - 1) * columns;
    const uint8_t *own = cells + row * columns;
    const uint8_t *below = cells + normalise_clamp(row + 1, 0, rows - 1) * columns;
    int left = normalise_clamp(column - 1, 0, columns - 1),
        right = normalise_clamp(column + 1, 0, columns - 1);

    int sum = above[left] + 2 * above[column] + above[right] + 2 * (own[left] + 2 * own[column] + own[right]);
    return (uint8_t)((sum + below[left] + 2 * below[column] + below[right] + 8) >> 4);
}

/* Eight times the values on the way from the centre of a cell, 1.5 pixels after its first, to those of the cells before
 * and after it, at the cell's four pixels. */
static inline void normalise_between(int before, int own, int after, int pixels[NORMALISE_CELL])
{
    pixels[0] = 5 * own + 3 * before;
    pixels[1] = 7 * own + before;
    pixels[2] = 7 * own + after;
    pixels[3] = 5 * own + 3 * after;
}

/* scratch: 512 bytes for a histogram, one for each mean, and two for each cell */
static inline void normalise(struct normalise layer, const uint8_t *restrict image, uint8_t *restrict output,
                             uint32_t *restrict scratch)
{
    const int rows = (layer.rows + NORMALISE_CELL - 1) / NORMALISE_CELL;
    const int columns = (layer.columns + NORMALISE_CELL - 1) / NORMALISE_CELL;
    uint16_t *histogram = (uint16_t *)scratch;
    uint8_t *means = (uint8_t *)(histogram + 256);
    uint8_t *lowest = means + (layer.rows / 2) * (layer.columns / 2);
    uint8_t *paper = lowest + rows * columns;

    normalise_means(layer, image, means);
    for (int row = 0; row < rows; row++) {
        for (int column = 0; column < columns; column++) {
            lowest[row * columns + column] =
                normalise_lowest(means, layer.rows / 2, layer.columns / 2, row, column);
        }
    }
    for (int row = 0; row < rows; row++) {
        for (int column = 0; column < columns; column++) {
            paper[row * columns + column] = normalise_smooth(lowest, rows, columns, row, column);
        }
    }
    for (int word = 0; word < 128; word++) {
        scratch[word] = 0;
    }

    uint8_t *ink = output;
    for (int row = 0; row < layer.rows; row++) {
        const int cell_row = row / NORMALISE_CELL, within = row % NORMALISE_CELL;
        const int near_row =
            normalise_clamp(within < NORMALISE_CELL / 2 ? cell_row - 1 : cell_row + 1, 0, rows - 1);
        const int share = within == 0 || within == NORMALISE_CELL - 1 ? 3 : 1;
        const uint8_t *own = paper + cell_row * columns, *near = paper + near_row * columns;
        const int kept = row < layer.output_rows ? layer.output_columns : 0;

        int across[NORMALISE_MAX_CELLS + 2]; /* the cells at this row, times 8, and one more on each side */
        for (int column = 0; column < columns; column++) {
            across[column + 1] = 8 * own[column] + share * (near[column] - own[column]);
        }
        across[0] = across[1];
        across[columns + 1] = across[columns];

        for (int first = 0; first < layer.columns; first += NORMALISE_CELL) {
            const int *cell = across + first / NORMALISE_CELL;
            int levels[NORMALISE_CELL];
            normalise_between(cell[0], cell[1], cell[2], levels);
#pragma GCC unroll 4
            for (int k = 0; k < NORMALISE_CELL; k++) {
                if (first + k == layer.columns) {
                    break;
                }
                int level = *image++ - ((levels[k] + 32) >> 6);
                level = level < 0 ? 0 : level;
                histogram[level]++;
                if (first + k < kept) {
                    *ink++ = (uint8_t)level;
                }
            }
        }
    }

    int bright = 256;
    for (int brighter = 0; brighter < layer.rank && bright > 0;) {
        brighter += histogram[--bright];
    }
    bright = bright < layer.span ? layer.span : bright;
    const int gain = (255 * 256 + bright / 2) / bright;
#pragma GCC unroll 4
    for (uint8_t *pixel = output; pixel < ink; pixel++) {
        int level = (*pixel * gain + 128) >> 8;
        *pixel = (uint8_t)(level > 255 ? 255 : level);
    }
}
