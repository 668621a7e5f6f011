/* What both poolings share. */
#pragma once

/* Windows of size x size pixels, `stride` apart, over pictures in planar order: channel, row, column. */
struct pool2d {
    int channels, rows, columns; /* of the input */
    int output_rows, output_columns;
    int size, stride;
};
